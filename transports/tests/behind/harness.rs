//! Hubs behind a real Redis, and a client that sees what comes as it is.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use pubsub_transports::redis::{Redis, RedisBuilder, Retention};
use pubsub_transports::websocket::{Hub, HubBuilder, HubConfig};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

#[cfg(feature = "redis-cluster")]
#[path = "../redis/harness/cluster.rs"]
// The suite of Redis needs more of it.
#[allow(dead_code)]
pub(crate) mod cluster;
#[path = "../redis/harness/recorder.rs"]
#[allow(dead_code)]
pub(crate) mod recorder;
#[path = "../redis/harness/server.rs"]
// The suite of Redis needs more of it.
#[allow(dead_code)]
mod server;
#[path = "../redis/harness/times.rs"]
// The suite of Redis needs more of it.
#[allow(dead_code)]
mod times;

pub(crate) use self::server::Server;

/// How long anything that is awaited may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What comes in time.
pub(crate) async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("no {what} in time"))
}

/// Waits until it holds: asked again and again, since nobody tells.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    in_time(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

pub(crate) fn quick(retention: Retention) -> RedisBuilder {
    times::quick(Redis::durable(retention)).close_timeout(Duration::from_millis(500))
}

pub(crate) async fn hub(server: &Server) -> Hub {
    hub_with(server, Retention::default(), HubConfig::default(), |builder| builder).await
}

pub(crate) async fn hub_with(
    server: &Server,
    retention: Retention,
    config: HubConfig,
    set: impl FnOnce(HubBuilder) -> HubBuilder,
) -> Hub {
    let redis = in_time("connection", async {
        loop {
            match quick(retention).connect(server.url()).await {
                Ok(redis) => return redis,
                // It has just been started, and reads what it had.
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        }
    })
    .await;
    let builder = Hub::behind(redis).expect("durable").config(config);
    let builder = set(builder).close_timeout(Duration::from_millis(500));
    builder.shutdown_window(Duration::from_millis(20)).bind("127.0.0.1:0").await.expect("a free port")
}

/// A client of a hub.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last: u64,
    /// What came before the answer that was awaited.
    held: VecDeque<Value>,
}

impl Client {
    pub(crate) async fn connect(hub: &Hub) -> Self {
        Self::try_connect(hub.local_addr().expect("it listens")).await.expect("a connection")
    }

    /// Nothing, if nobody is there.
    pub(crate) async fn try_connect(address: SocketAddr) -> Option<Self> {
        let connected = in_time("connection", connect_async(format!("ws://{address}"))).await;
        connected.ok().map(|(socket, _)| Self { socket, last: 0, held: VecDeque::new() })
    }

    pub(crate) async fn named(hub: &Hub, token: &str) -> Self {
        let mut client = Self::connect(hub).await;
        client.command("__connect", &json!({"protocol": 1, "token": token})).await;
        assert_eq!(client.next().await["type"], "__connected");
        client
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        assert!(self.try_send(message).await, "sent");
    }

    /// Whether the connection was still there.
    pub(crate) async fn try_send(&mut self, message: &Value) -> bool {
        self.socket.send(Message::text(message.to_string())).await.is_ok()
    }

    pub(crate) async fn command(&mut self, name: &str, payload: &Value) {
        self.last += 1;
        self.send(&json!({"type": name, "id": self.last.to_string(), "payload": payload})).await;
    }

    /// The next message; `None` once the connection is over.
    pub(crate) async fn try_next(&mut self) -> Option<Value> {
        if let Some(held) = self.held.pop_front() {
            return Some(held);
        }
        self.try_read().await
    }

    async fn try_read(&mut self) -> Option<Value> {
        loop {
            match in_time("message", self.socket.next()).await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Value {
        self.try_next().await.expect("the connection goes on")
    }

    /// Follows a topic, and gives the answer.
    pub(crate) async fn subscribe(&mut self, topic: &str) -> Value {
        self.command("__subscribe", &json!({"topic": topic})).await;
        self.answer("__subscribed").await
    }

    /// The same after a position.
    pub(crate) async fn subscribe_after(&mut self, topic: &str, epoch: &Value, offset: u64) -> Value {
        let since = json!({"epoch": epoch, "offset": offset});
        self.command("__subscribe", &json!({"topic": topic, "since": since})).await;
        self.answer("__subscribed").await
    }

    /// The payload of what comes next, which is this.
    pub(crate) async fn answer(&mut self, name: &str) -> Value {
        let mut message = self.next().await;
        assert_eq!(message["type"], name, "{message}");
        message["payload"].take()
    }

    /// Publishes, and gives the offset.
    pub(crate) async fn publish(&mut self, topic: &str, id: &str, event_id: u64, payload: u64) -> u64 {
        self.send(&event(topic, id, event_id, payload)).await;
        loop {
            let message = self.try_read().await.expect("the connection goes on");
            if message["type"] == "__published" {
                assert_eq!(message["id"], uuid(event_id));
                return message["payload"]["offset"].as_u64().expect("an offset");
            }
            // Its own event may come before.
            self.held.push_back(message);
        }
    }

    /// The next event, as what it says of its place, and its payload.
    pub(crate) async fn event(&mut self) -> (u64, u64) {
        let message = self.next().await;
        let number = |member: &str| message[member].as_u64().unwrap_or_else(|| panic!("{message}"));
        (number("offset"), number("payload"))
    }
}

pub(crate) fn uuid(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

pub(crate) fn event(topic: &str, id: &str, event_id: u64, payload: u64) -> Value {
    json!({"type": topic, "id": id, "payload": payload, "eventId": uuid(event_id)})
}
