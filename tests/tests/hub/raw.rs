//! A client that is no spoke: a WebSocket and what is written by hand.

use std::net::SocketAddr;

use futures::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::harness::in_time;

pub(crate) struct Raw {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// What a client hears.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    /// A close frame with this code.
    Closed(u16),
    /// The end without a close frame.
    Broken,
}

impl Raw {
    /// As a browser's `new WebSocket(url)`.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::with_subprotocol(address, None).await
    }

    pub(crate) async fn with_subprotocol(address: SocketAddr, subprotocol: Option<&str>) -> Self {
        let mut request = format!("ws://{address}/").into_client_request().expect("a request");
        if let Some(name) = subprotocol {
            let name = HeaderValue::from_str(name).expect("a name");
            request.headers_mut().insert("Sec-WebSocket-Protocol", name);
        }
        // What is too large for a hub must not be too large for this client.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let connecting = connect_async_with_config(request, Some(config), true);
        let (socket, _) = in_time("handshake", connecting).await.expect("a connection");
        Self { socket }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Whether it could be written is another question: a hub that closes hears no more.
    pub(crate) async fn send(&mut self, message: Message) {
        let _ = in_time("write", self.socket.send(message)).await;
    }

    /// Bytes that are no frame, or not a good one.
    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        let _ = in_time("write", self.socket.get_mut().write_all(bytes)).await;
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            match in_time("message", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Heard::Text(text.as_str().to_owned()),
                Some(Ok(Message::Binary(bytes))) => return Heard::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(Error::Capacity(error))) => panic!("{error}"),
                Some(Err(_)) | None => return Heard::Broken,
            }
        }
    }

    /// The next text, which has to come.
    pub(crate) async fn text(&mut self) -> String {
        match self.hear().await {
            Heard::Text(text) => text,
            other => panic!("a text is awaited, and not {other:?}"),
        }
    }

    /// So many texts, refusals last: they may overtake an answer that keeps its place among the events.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.text().await);
        }
        texts.sort_by_key(|text| text.contains("__error"));
        texts
    }

    /// The code of the close frame, whatever comes before.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match self.hear().await {
                Heard::Closed(code) => return code,
                Heard::Broken => panic!("it ended without a close frame"),
                Heard::Text(_) | Heard::Binary(_) => {}
            }
        }
    }

    /// Asks for a sign that all before was dealt with, and gives what came until then.
    pub(crate) async fn until_pong(&mut self) -> Vec<String> {
        self.say(r#"{"type":"__ping","id":"until","payload":{}}"#).await;
        let mut before = Vec::new();
        loop {
            let text = self.text().await;
            if text == r#"{"type":"__pong","id":"until","payload":{}}"# {
                return before;
            }
            before.push(text);
        }
    }
}
