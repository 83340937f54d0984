//! A [`Raw`] client of tests: of what is not as it should be they panic.

use std::net::SocketAddr;

use tokio_tungstenite::tungstenite::Message;

use crate::mismatch::Mismatch;
use crate::raw::{Heard, Raw, subscribe};

/// A connection to a hub.
#[derive(Debug)]
pub struct Client(Raw);

/// The same methods, each of which panics where that of [`Raw`] fails.
#[allow(clippy::missing_panics_doc, reason = "it is what they are for")]
impl Client {
    /// Where everybody is let in.
    pub async fn to(address: SocketAddr) -> Self {
        Self(sure(Raw::connect(address).await))
    }

    /// Asks for this path, with these headers.
    ///
    /// # Errors
    /// The status of HTTP that it is refused with.
    pub async fn with(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        sure(Raw::with(address, path, headers).await).map(Self)
    }

    /// Sends a text.
    pub async fn say(&mut self, text: impl AsRef<str>) {
        sure(self.0.say(text.as_ref()).await);
    }

    /// Sends a frame.
    pub async fn send(&mut self, message: Message) {
        sure(self.0.send(message).await);
    }

    /// Sends bytes that are no frame, or not a good one.
    pub async fn bytes(&mut self, bytes: &[u8]) {
        sure(self.0.bytes(bytes).await);
    }

    /// Asks for a topic.
    pub async fn subscribe(&mut self, topic: &str) {
        self.say(subscribe(topic)).await;
    }

    /// Says who this is.
    pub async fn prove(&mut self, token: &str) {
        sure(self.0.prove(token).await);
    }

    /// The next message with all that is in it; `None` at the end.
    pub async fn message(&mut self) -> Option<Message> {
        sure(self.0.message().await)
    }

    /// What comes next.
    pub async fn hear(&mut self) -> Heard {
        sure(self.0.hear().await)
    }

    /// The next text.
    pub async fn text(&mut self) -> String {
        sure(self.0.text().await)
    }

    /// So many texts, refusals last.
    pub async fn texts(&mut self, count: usize) -> Vec<String> {
        sure(self.0.texts(count).await)
    }

    /// What it is closed with, whatever comes before.
    pub async fn closed(&mut self) -> u16 {
        sure(self.0.closed().await)
    }

    /// Asks for a sign that all before was dealt with, and gives what came until then.
    pub async fn until_pong(&mut self) -> Vec<String> {
        sure(self.0.until_pong().await)
    }
}

#[track_caller]
fn sure<T>(heard: Result<T, Mismatch>) -> T {
    heard.unwrap_or_else(|mismatch| panic!("{mismatch}"))
}
