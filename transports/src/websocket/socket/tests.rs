//! Our sockets with those of tokio-tungstenite on the other end, both ways.

mod client;
mod server;

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::*;
use crate::websocket::wire;

const LIMITS: Limits = Limits { message: 1 << 20 };
const HANDSHAKE: HandshakeLimits = HandshakeLimits { head: 8 * 1024, timeout: Duration::from_secs(5) };

async fn receive<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocket<S>,
) -> Result<Vec<Received>, SocketError> {
    let mut all = Vec::new();
    let result = poll_fn(|cx| socket.poll_receive(cx, |received| all.push(received))).await;
    if all.is_empty() { result.map(|()| all) } else { Ok(all) }
}

async fn flush<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) -> std::io::Result<()> {
    poll_fn(|cx| socket.poll_flush(cx)).await
}

/// Sends every message back, until the other side ends the connection. Gives its close frame, or what went wrong.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) -> Result<Close, SocketError> {
    loop {
        let received = match receive(socket).await {
            Ok(received) => received,
            Err(error) => {
                let _ = flush(socket).await;
                socket.finish().await;
                return Err(error);
            }
        };
        for received in received {
            match received {
                Received::Message(message) => socket.send(message),
                Received::Alive => {}
                Received::Close(close) => {
                    socket.finish().await;
                    return Ok(close);
                }
            }
        }
        flush(socket).await.map_err(SocketError::Io)?;
    }
}

/// Messages of every length that is written in its own way.
fn messages() -> Vec<Message> {
    let mut all = Vec::new();
    for len in [0, 1, 125, 126, 4096, 65_535, 65_536, 70 * 1024] {
        all.push(Message::Text("ä".repeat(len / 2).into()));
        all.push(Message::Binary((0..len).map(|at| at as u8).collect::<Vec<_>>().into()));
    }
    all
}

fn fragment(opcode: OpCode, fin: bool, payload: &'static [u8]) -> Message {
    let header = FrameHeader { is_final: fin, opcode, ..FrameHeader::default() };
    Message::Frame(Frame::from_payload(header, Bytes::from_static(payload)))
}

/// One text in three parts, a ping between them.
fn fragmented() -> Vec<Message> {
    vec![
        fragment(OpCode::Data(Data::Text), false, b"in "),
        fragment(OpCode::Data(Data::Continue), false, b"three "),
        Message::Ping(Bytes::from_static(b"here?")),
        fragment(OpCode::Data(Data::Continue), true, b"parts"),
    ]
}

fn text(text: &str) -> Message {
    Message::Text(Utf8Bytes::from(text))
}
