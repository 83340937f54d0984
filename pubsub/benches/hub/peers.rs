//! What a user would write instead, as one loop for each connection: naive, well done, and with nothing but TCP.

use std::net::SocketAddr;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use pubsub::SendError;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::Result;
use crate::app::message;
use crate::fan_out::Server;

/// How a connection is written to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// tokio-tungstenite: a text of its own for each connection, and a `send` for each text.
    Naive,
    /// tokio-tungstenite: one text shared by all, all that waits fed, then one flush; small buffers.
    Batched,
    /// Bare TCP: one frame shared by all, all that waits in one write.
    Bare,
}

/// A list of queues, and a task for each of them.
pub(crate) struct Peer {
    style: Style,
    address: SocketAddr,
    queues: std::rc::Rc<std::cell::RefCell<Vec<UnboundedSender<Message>>>>,
    accepting: AbortHandle,
    text: String,
    shared: Utf8Bytes,
    frame: Bytes,
}

impl Peer {
    /// Inside of a `LocalSet`.
    pub(crate) async fn start(style: Style) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let queues = std::rc::Rc::<std::cell::RefCell<Vec<_>>>::default();
        let all = std::rc::Rc::clone(&queues);
        let accepting = tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (queue, waiting) = unbounded_channel();
                all.borrow_mut().push(queue);
                tokio::task::spawn_local(async move {
                    let _ = stream.set_nodelay(true);
                    let _ = match style {
                        Style::Naive => naive(stream, waiting).await,
                        Style::Batched => batched(stream, waiting).await,
                        Style::Bare => bare(stream, waiting).await,
                    };
                });
            }
        })
        .abort_handle();
        let text = message();
        let mut frame = vec![0x81, 126];
        frame.extend_from_slice(&u16::try_from(text.len())?.to_be_bytes());
        frame.extend_from_slice(text.as_bytes());
        let shared = Utf8Bytes::from(text.as_str());
        Ok(Self { style, address, queues, accepting, text, shared, frame: frame.into() })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server for Peer {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn publish(&mut self) -> std::result::Result<(), SendError> {
        for queue in &*self.queues.borrow() {
            let message = match self.style {
                Style::Naive => Message::text(self.text.clone()),
                Style::Batched => Message::Text(self.shared.clone()),
                Style::Bare => Message::Binary(self.frame.clone()),
            };
            queue.send(message).map_err(|_| SendError::Closed)?;
        }
        Ok(())
    }
}

async fn naive(stream: TcpStream, mut waiting: UnboundedReceiver<Message>) -> Result<()> {
    let (mut write, mut read) = tokio_tungstenite::accept_async(stream).await?.split();
    loop {
        tokio::select! {
            message = waiting.recv() => match message {
                Some(message) => write.send(message).await?,
                None => return Ok(()),
            },
            received = read.next() => if received.is_none() { return Ok(()) },
        }
    }
}

async fn batched(stream: TcpStream, mut waiting: UnboundedReceiver<Message>) -> Result<()> {
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(64 * 1024);
    let (mut write, mut read) = accept_async_with_config(stream, Some(config)).await?.split();
    loop {
        tokio::select! {
            message = waiting.recv() => {
                let Some(message) = message else { return Ok(()) };
                write.feed(message).await?;
                while let Ok(message) = waiting.try_recv() {
                    write.feed(message).await?;
                }
                write.flush().await?;
            },
            received = read.next() => if received.is_none() { return Ok(()) },
        }
    }
}

async fn bare(mut stream: TcpStream, mut waiting: UnboundedReceiver<Message>) -> Result<()> {
    // A client is connected before it is accepted: without a word it would miss what is published in between.
    stream.write_all(&[0]).await?;
    let mut scratch = Vec::new();
    while let Some(message) = waiting.recv().await {
        let Message::Binary(first) = message else { continue };
        scratch.clear();
        scratch.extend_from_slice(&first);
        while let Ok(Message::Binary(next)) = waiting.try_recv() {
            scratch.extend_from_slice(&next);
        }
        stream.write_all(&scratch).await?;
    }
    Ok(())
}
