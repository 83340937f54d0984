//! A client that is no spoke: a WebSocket of another make, and what is written by hand. Whatever is not as it should be it says as what
//! was expected and what was observed; a [`Client`](crate::client::Client) is one of which that is a panic.

use std::net::SocketAddr;

use futures::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::mismatch::{Mismatch, in_time};

/// A client of a hub.
#[derive(Debug)]
pub struct Raw(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What a client hears.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
    /// A close frame with this code, or the end without one: 1006.
    Closed(u16),
}

/// A frame as a client masks it, with a mask of zeros. The first byte says what it is.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..126), _) => frame.push(0x80 | length),
        (_, Ok(length)) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// The request of a client to become a WebSocket.
pub const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// The command to follow this topic.
#[must_use]
pub fn subscribe(topic: &str) -> String {
    format!(r#"{{"type":"__subscribe","id":"s","payload":{{"topic":"{topic}"}}}}"#)
}

/// Frames that a client must not send: what each is, and the code that the hub closes with.
#[must_use]
pub fn malformed() -> [(&'static str, Vec<u8>, u16); 9] {
    let ping = br#"{"type":"__ping","id":"1","payload":{}}"#;
    let unmasked = [&[0x81, 39][..], ping].concat();
    [
        ("a text that is no UTF-8", frame(0x81, &[0xff, 0xfe]), 1007),
        ("a frame without a mask", unmasked, 1002),
        ("a reserved bit", frame(0xc1, ping), 1002),
        ("an opcode that is none", frame(0x83, b""), 1002),
        ("a continuation of nothing", frame(0x80, ping), 1002),
        ("a ping in fragments", frame(0x09, b""), 1002),
        ("a close frame of one byte", frame(0x88, &[3]), 1002),
        ("a close code that nobody may send", frame(0x88, &[0x03, 0xed]), 1002),
        ("a length that is not the shortest", vec![0x81, 0xfe, 0, 2, 0, 0, 0, 0, b'{', b'}'], 1002),
    ]
}

impl Raw {
    /// As a browser's `new WebSocket(url)`.
    ///
    /// # Errors
    /// If it is not let in.
    pub async fn connect(address: SocketAddr) -> Result<Self, Mismatch> {
        Self::with(address, "/", &[])
            .await?
            .map_err(|status| Mismatch::new("a WebSocket", status.to_string()))
    }

    /// Asks for this path, with these headers. What is within is the status of HTTP where it is refused.
    ///
    /// # Errors
    /// If nobody is there.
    pub async fn with(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Result<Self, u16>, Mismatch> {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        // What is too large for a hub must not be too large for this client.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let connecting = connect_async_with_config(request, Some(config), true);
        match in_time("an answer to a handshake", connecting).await? {
            Ok((socket, _)) => Ok(Ok(Self(socket))),
            Err(Error::Http(response)) => Ok(Err(response.status().as_u16())),
            Err(error) => Err(Mismatch::new("an answer to a handshake", error.to_string())),
        }
    }

    /// A text frame.
    ///
    /// # Errors
    /// If there is no room for it for too long.
    pub async fn say(&mut self, text: &str) -> Result<(), Mismatch> {
        self.send(Message::text(text)).await
    }

    /// A frame. Whether it could be written is another question: a hub that closes hears no more.
    ///
    /// # Errors
    /// If there is no room for it for too long.
    pub async fn send(&mut self, message: Message) -> Result<(), Mismatch> {
        in_time("room for a message", self.0.send(message)).await.map(drop)
    }

    /// Bytes that are no frame, or not a good one.
    ///
    /// # Errors
    /// If there is no room for them for too long.
    pub async fn bytes(&mut self, bytes: &[u8]) -> Result<(), Mismatch> {
        in_time("room for bytes", self.0.get_mut().write_all(bytes)).await.map(drop)
    }

    /// Says who it is.
    ///
    /// # Errors
    /// If there is no room for it for too long.
    pub async fn prove(&mut self, token: &str) -> Result<(), Mismatch> {
        self.say(&format!(r#"{{"type":"__connect","id":"0","payload":{{"protocol":1,"token":"{token}"}}}}"#))
            .await
    }

    /// The next message with all that is in it, pings and close frames too; `None` at the end.
    ///
    /// # Errors
    /// If neither comes.
    pub async fn message(&mut self) -> Result<Option<Message>, Mismatch> {
        Ok(in_time("a message, or an end", self.0.next()).await?.and_then(Result::ok))
    }

    /// What comes next.
    ///
    /// # Errors
    /// If nothing does.
    pub async fn hear(&mut self) -> Result<Heard, Mismatch> {
        loop {
            return Ok(match self.message().await? {
                Some(Message::Text(text)) => Heard::Text(text.as_str().to_owned()),
                Some(Message::Binary(bytes)) => Heard::Binary(bytes.to_vec()),
                Some(Message::Close(frame)) => Heard::Closed(frame.map_or(1005, |frame| frame.code.into())),
                Some(_) => continue,
                None => Heard::Closed(1006),
            });
        }
    }

    /// The next text.
    ///
    /// # Errors
    /// If something else comes.
    pub async fn text(&mut self) -> Result<String, Mismatch> {
        match self.hear().await? {
            Heard::Text(text) => Ok(text),
            other => Err(Mismatch::new("a text", format!("{other:?}"))),
        }
    }

    /// So many texts, refusals last: they may overtake an answer that keeps its place among the events.
    ///
    /// # Errors
    /// If something else comes.
    pub async fn texts(&mut self, count: usize) -> Result<Vec<String>, Mismatch> {
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.text().await?);
        }
        texts.sort_by_key(|text| text.contains("__error"));
        Ok(texts)
    }

    /// What it is closed with, whatever comes before.
    ///
    /// # Errors
    /// If it is not.
    pub async fn closed(&mut self) -> Result<u16, Mismatch> {
        loop {
            if let Heard::Closed(code) = self.hear().await? {
                return Ok(code);
            }
        }
    }

    /// Asks for a sign that all before was dealt with, and gives what came until then.
    ///
    /// # Errors
    /// If something else comes than texts, or no sign.
    pub async fn until_pong(&mut self) -> Result<Vec<String>, Mismatch> {
        self.say(r#"{"type":"__ping","id":"until","payload":{}}"#).await?;
        let mut before = Vec::new();
        loop {
            let text = self.text().await?;
            if text == r#"{"type":"__pong","id":"until","payload":{}}"# {
                return Ok(before);
            }
            before.push(text);
        }
    }
}
