//! One connection, polled by one task.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::close::{Close, NO_CODE};
use super::frame::Kind;
use super::parser::{Found, Limits, Parser, Payload};
use super::scratch;
use super::violation::Violation;
use super::writer::Writer;
use crate::websocket::wire::Message;

/// Which end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Who accepted it.
    Server,
    /// Who opened it, and masks what it sends.
    Client,
}

/// What came. Pings are answered and not told.
#[derive(PartialEq, Eq)]
pub(crate) enum Received {
    /// A message, complete and within its bound; a text is UTF-8.
    Message(Message),
    /// A sign of life: a ping or a pong.
    Alive,
    /// The other side ends the connection. Nothing comes after it.
    Close(Close),
}

/// Prints how long it is, never what it says.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => message.fmt(f),
            Self::Alive => f.write_str("Alive"),
            Self::Close(close) => close.fmt(f),
        }
    }
}

/// Why nothing more can be read.
#[derive(Debug)]
pub(crate) enum SocketError {
    /// The connection broke.
    Io(io::Error),
    /// It ended without a close frame.
    Ended,
    /// The other side broke a rule. It is told so with a close frame, if that can still be written.
    Violation(Violation),
}

impl SocketError {
    /// The code that the connection ends with: the one that was sent, or 1006.
    pub(crate) fn close_code(&self) -> u16 {
        match self {
            Self::Violation(violation) => violation.close_code(),
            Self::Io(_) | Self::Ended => 1006,
        }
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("the connection broke"),
            Self::Ended => f.write_str("the connection ended without a close frame"),
            Self::Violation(violation) => violation.fmt(f),
        }
    }
}

impl std::error::Error for SocketError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Ended | Self::Violation(_) => None,
        }
    }
}

/// How what comes is handed on.
enum Intake {
    /// Each message is a copy of its own, and what is read first is a room that all connections of the thread share: for
    /// many connections, and messages that are kept.
    Copied,
    /// Messages share the memory that they were read into: for one busy connection, and messages that are soon dropped.
    Shared(BytesMut),
}

/// A WebSocket over `S`, after its handshake.
pub(crate) struct WebSocket<S> {
    io: S,
    parser: Parser,
    intake: Intake,
    /// What the handshake had read beyond itself.
    early: Option<Box<[u8]>>,
    writer: Writer,
    /// A close frame is, or waits to be, the last that is written.
    closing: bool,
    /// A close frame came, or something that ends the reading.
    deaf: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(crate) fn new(io: S, role: Role, limits: Limits, early: &[u8]) -> Self {
        let intake = match role {
            Role::Server => Intake::Copied,
            Role::Client => Intake::Shared(BytesMut::new()),
        };
        Self {
            io,
            parser: Parser::new(role, limits),
            intake,
            early: (!early.is_empty()).then(|| early.into()),
            writer: Writer::new(role),
            closing: false,
            deaf: false,
        }
    }

    /// Reads what is there, up to a bound, and hands on all that is complete in it. Ready when something was read; nothing
    /// need have been complete.
    ///
    /// Answers to pings and to a close frame wait to be [flushed](Self::poll_flush).
    ///
    /// # Errors
    /// When nothing more can be read; again at every call after that. What was complete before it has been handed on.
    pub(crate) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        mut on: impl FnMut(Received),
    ) -> Poll<Result<(), SocketError>> {
        if self.deaf {
            return Poll::Ready(Err(SocketError::Ended));
        }
        if let Some(mut early) = self.early.take() {
            return Poll::Ready(self.take(&mut early, &mut on));
        }
        match &mut self.intake {
            Intake::Copied => scratch::with_read(|room| {
                let mut buffer = ReadBuf::new(room);
                let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer));
                self.check_read(read.map(|()| buffer.filled().len()))?;
                Poll::Ready(self.take(buffer.filled_mut(), &mut on))
            }),
            Intake::Shared(buffer) => {
                let mut room = std::mem::take(buffer);
                // Reclaims what no message uses any more, or is new memory.
                room.reserve(CHUNK);
                let read = pin!(self.io.read_buf(&mut room)).poll(cx);
                let result = read.map(|read| {
                    self.check_read(read)?;
                    self.take_shared(&mut room, &mut on)
                });
                room.clear();
                self.intake = Intake::Shared(room);
                result
            }
        }
    }

    fn check_read(&mut self, read: io::Result<usize>) -> Result<(), SocketError> {
        let error = match read {
            Ok(0) => SocketError::Ended,
            Ok(_) => return Ok(()),
            Err(error) => SocketError::Io(error),
        };
        self.deaf = true;
        Err(error)
    }

    fn take(&mut self, bytes: &mut [u8], on: &mut impl FnMut(Received)) -> Result<(), SocketError> {
        let mut from = 0;
        while let Some((took, found)) = self.next(&mut bytes[from..])? {
            let here = &bytes[from..from + took];
            self.hand_on(found, |place| Bytes::copy_from_slice(&here[place]), on);
            from += took;
        }
        Ok(())
    }

    fn take_shared(&mut self, room: &mut BytesMut, on: &mut impl FnMut(Received)) -> Result<(), SocketError> {
        while let Some((took, found)) = self.next(room)? {
            let here = room.split_to(took);
            self.hand_on(found, |place| here.freeze().slice(place), on);
        }
        Ok(())
    }

    fn next(&mut self, bytes: &mut [u8]) -> Result<Option<(usize, Found)>, SocketError> {
        if self.deaf || bytes.is_empty() {
            return Ok(None);
        }
        self.parser.read(bytes).map_err(|violation| {
            self.deaf = true;
            self.writer.clear();
            self.close(&Close::new(violation.close_code(), violation.to_string()));
            SocketError::Violation(violation)
        })
    }

    fn hand_on(
        &mut self,
        found: Found,
        bytes: impl FnOnce(std::ops::Range<usize>) -> Bytes,
        on: &mut impl FnMut(Received),
    ) {
        on(match found {
            Found::Message(kind, payload) => {
                let payload = match payload {
                    Payload::Place(place) => bytes(place),
                    Payload::Own(own) => own.into(),
                };
                Received::Message(Message::new(payload, kind == Kind::Text))
            }
            Found::Ping(payload) => {
                if !self.closing {
                    self.writer.pong(payload.into());
                }
                Received::Alive
            }
            Found::Pong => Received::Alive,
            Found::Close(close) => {
                self.deaf = true;
                // The answer has the same code; whoever was first has said why.
                self.close(&Close::new(close.code, ""));
                Received::Close(close)
            }
        });
    }

    /// Lets a message wait to be written. After a close frame nothing is.
    pub(crate) fn send(&mut self, message: Message) {
        if !self.closing {
            match message {
                Message::Text(text) => self.writer.message(Kind::Text, text),
                Message::Binary(bytes) => self.writer.message(Kind::Binary, bytes),
            }
        }
    }

    /// Lets a ping wait to be written, before all messages.
    pub(crate) fn ping(&mut self) {
        if !self.closing {
            self.writer.ping();
        }
    }

    /// Lets a close frame wait to be written, after all that waits. With code 1005 it says none. The first one counts.
    pub(crate) fn close(&mut self, close: &Close) {
        if !self.closing {
            self.closing = true;
            self.writer.close(close.payload());
        }
    }

    /// How many bytes wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.writer.bytes()
    }

    /// Writes all that waits, in as few calls as can be.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_flush(cx, &mut self.io)
    }

    /// Writes what waits, with a close frame at its end, then waits for that of the other side. Messages that still come
    /// are passed over.
    ///
    /// It takes as long as the other side lets it: give it a time.
    ///
    /// # Cancel safety
    /// It can be called again.
    pub(crate) async fn finish(&mut self) {
        self.close(&Close::new(NO_CODE, ""));
        poll_fn(|cx| {
            let written = self.poll_flush(cx);
            if matches!(written, Poll::Ready(Err(_))) {
                return Poll::Ready(());
            }
            while !self.deaf {
                match self.poll_receive(cx, |_| {}) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => break,
                    Poll::Pending => return Poll::Pending,
                }
            }
            written.map(|_| ())
        })
        .await;
        // Who is gone already does not mind.
        let _ = poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await;
    }
}

/// How much is read at once where messages share what they were read into.
const CHUNK: usize = 32 * 1024;

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("waiting", &self.writer.bytes())
            .field("closing", &self.closing)
            .finish_non_exhaustive()
    }
}
