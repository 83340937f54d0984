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

use crate::waiting::in_time;

/// A client of a hub.
pub struct Raw {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// What a client hears.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
    /// A close frame with this code.
    Closed(u16),
    /// The end without a close frame.
    Broken,
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
    pub async fn connect(address: SocketAddr) -> Self {
        Self::with_subprotocol(address, None).await
    }

    /// Asks for this subprotocol.
    pub async fn with_subprotocol(address: SocketAddr, subprotocol: Option<&str>) -> Self {
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

    /// A text frame.
    pub async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Whether it could be written is another question: a hub that closes hears no more.
    pub async fn send(&mut self, message: Message) {
        let _ = in_time("write", self.socket.send(message)).await;
    }

    /// Says who it is.
    pub async fn prove(&mut self, token: &str) {
        self.say(&format!(r#"{{"type":"__connect","id":"0","payload":{{"protocol":1,"token":"{token}"}}}}"#))
            .await;
    }

    /// Bytes that are no frame, or not a good one.
    pub async fn bytes(&mut self, bytes: &[u8]) {
        let _ = in_time("write", self.socket.get_mut().write_all(bytes)).await;
    }

    /// What comes next.
    pub async fn hear(&mut self) -> Heard {
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
    pub async fn text(&mut self) -> String {
        match self.hear().await {
            Heard::Text(text) => text,
            other => panic!("a text is awaited, and not {other:?}"),
        }
    }

    /// So many texts, refusals last: they may overtake an answer that keeps its place among the events.
    pub async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.text().await);
        }
        texts.sort_by_key(|text| text.contains("__error"));
        texts
    }

    /// The code of the close frame, whatever comes before.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.hear().await {
                Heard::Closed(code) => return code,
                Heard::Broken => panic!("it ended without a close frame"),
                Heard::Text(_) | Heard::Binary(_) => {}
            }
        }
    }

    /// Asks for a sign that all before was dealt with, and gives what came until then.
    pub async fn until_pong(&mut self) -> Vec<String> {
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
