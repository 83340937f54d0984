//! What is read from hostile bytes in here, for tests from outside.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

pub use super::server::seen::hub;
pub use super::socket::seen::{frames, request, spoke, url};
use super::socket::{Limits, Received, WebSocket};
pub use super::sse::seen::last_event_id;

/// An opening handshake as one side has it, and what comes after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// What the other side says, each with its name; or why nothing comes of it.
    pub said: Result<Vec<(&'static str, String)>, String>,
    /// What is said to the other side.
    pub written: String,
    /// The messages after it, of as many bytes as may be.
    pub messages: Vec<Vec<u8>>,
}

/// How long such a message may be.
pub const MESSAGE: usize = 512;
/// Nothing has to be waited for.
pub(super) const AMPLE: Duration = Duration::from_secs(60);

/// What was said, and the connection that comes of it.
pub(super) type Opened = Result<(Vec<(&'static str, String)>, WebSocket<Wire>), String>;

/// The handshake with somebody who sends these pieces; and how much of them was taken for it, where more may have been there.
pub(super) fn shake_hands(
    pieces: &[&[u8]],
    open: impl AsyncFnOnce(Wire, Limits) -> Opened,
) -> (Handshake, usize) {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    let wire = Wire::of(pieces);
    let end = wire.clone();
    let (opened, taken) = RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let opened = open(wire, Limits { message: MESSAGE }).await;
            let taken = end.0.borrow().taken;
            (read(opened).await, taken)
        })
    });
    let (said, messages) = match opened {
        Ok((said, messages)) => (Ok(said), messages),
        Err(error) => (Err(error), Vec::new()),
    };
    let written = String::from_utf8(end.0.take().written).expect("a head is text");
    (Handshake { said, written, messages }, taken)
}

/// All that comes on the connection.
async fn read(opened: Opened) -> Result<(Vec<(&'static str, String)>, Vec<Vec<u8>>), String> {
    let (said, mut socket) = opened?;
    let mut messages = Vec::new();
    let mut keep = |received| {
        if let Received::Message(message) = received {
            messages.push(message.bytes().to_vec());
        }
    };
    while poll_fn(|cx| socket.poll_receive(cx, &mut keep)).await.is_ok() {}
    Ok((said, messages))
}

/// A connection to somebody who says what was to be said, whatever is answered.
#[derive(Clone)]
pub(super) struct Wire(Rc<RefCell<Ends>>);

#[derive(Default)]
struct Ends {
    /// The next comes last.
    pieces: Vec<Vec<u8>>,
    taken: usize,
    written: Vec<u8>,
}

impl Wire {
    fn of(pieces: &[&[u8]]) -> Self {
        let pieces = pieces.iter().rev().map(|piece| piece.to_vec()).collect();
        Self(Rc::new(RefCell::new(Ends { pieces, ..Ends::default() })))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut ends = self.0.borrow_mut();
        while let Some(mut piece) = ends.pieces.pop() {
            if piece.is_empty() {
                continue;
            }
            let rest = piece.split_off(piece.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            ends.taken += piece.len();
            ends.pieces.push(rest);
            break;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
