//! A foreign client: texts over a WebSocket of another make, with the headers that it is told.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::waiting::in_time;

/// A connection to a hub.
#[derive(Debug)]
pub struct Client(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What came last.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// A message.
    Text(String),
    /// The code of the close frame.
    Closed(u16),
}

impl Client {
    /// Where everybody is let in.
    ///
    /// # Panics
    /// If it is not.
    pub async fn to(address: SocketAddr) -> Self {
        Self::with(address, "/", &[]).await.expect("let in")
    }

    /// With these headers.
    ///
    /// # Errors
    /// The status of HTTP that it is refused with.
    ///
    /// # Panics
    /// If nobody is there.
    pub async fn with(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        match in_time("handshake", connect_async(request)).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a text.
    ///
    /// # Panics
    /// If the connection is over.
    pub async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.expect("written");
    }

    /// Asks for a topic.
    pub async fn subscribe(&mut self, topic: &str) {
        self.say(format!(r#"{{"type":"__subscribe","id":"s","payload":{{"topic":"{topic}"}}}}"#)).await;
    }

    /// Says who this is.
    pub async fn prove(&mut self, token: &str) {
        self.say(format!(r#"{{"type":"__connect","id":"0","payload":{{"protocol":1,"token":"{token}"}}}}"#))
            .await;
    }

    /// The next text, or the code of the close frame; 1006 where there was none.
    pub async fn next(&mut self) -> Heard {
        loop {
            match in_time("message", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Heard::Text(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(1006),
            }
        }
    }

    /// The next text.
    ///
    /// # Panics
    /// If the connection is over.
    pub async fn text(&mut self) -> String {
        match self.next().await {
            Heard::Text(text) => text,
            Heard::Closed(code) => panic!("closed with {code}"),
        }
    }

    /// What it is closed with, whatever comes before.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Heard::Closed(code) = self.next().await {
                return code;
            }
        }
    }
}
