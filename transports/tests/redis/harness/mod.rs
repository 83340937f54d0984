//! Real servers, a network that fails on demand, and an inlet that writes down what it is told.

#[cfg(feature = "redis-cluster")]
pub(crate) mod cluster;
pub(crate) mod proxy;
pub(crate) mod recorder;
pub(crate) mod server;
pub(crate) mod times;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pubsub_transports::__private::{Connection, connect};
use pubsub_transports::codec::Codec;
use pubsub_transports::redis::Redis;
use pubsub_transports::{Address, Body, Frame, Header, Link, Patience, Sending};

pub(crate) use self::proxy::Proxy;
pub(crate) use self::recorder::{Recorder, Said};
pub(crate) use self::server::Server;

/// How long anything that is awaited may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A transport with an inlet that remembers.
pub(crate) struct Peer {
    pub link: Arc<dyn Link>,
    pub heard: Arc<Recorder>,
    last_request: std::sync::atomic::AtomicU64,
}

impl Peer {
    pub(crate) fn new<C: Codec>(redis: Redis<C>) -> Self {
        let heard = Arc::new(Recorder::default());
        let Connection::Link { attach, .. } = connect(redis) else { unreachable!("Redis has a link") };
        let link = attach(heard.clone());
        Self { link, heard, last_request: 0.into() }
    }

    pub(crate) async fn connect(url: &str) -> Self {
        Self::new(Redis::connect(url).await.expect("a connection"))
    }

    /// Asks for addresses, and gives the number of the request.
    pub(crate) fn ask(&self, addresses: &[&str]) -> u64 {
        let request = self.last_request.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        self.link.subscribe(request, addresses.iter().map(|text| address(text)).collect());
        request
    }

    /// Asks for addresses, and waits until they are live.
    pub(crate) async fn subscribe(&self, addresses: &[&str]) {
        let request = self.ask(addresses);
        self.heard.subscribed(request).await;
    }

    pub(crate) fn unsubscribe(&self, addresses: &[&str]) {
        self.link.unsubscribe(addresses.iter().map(|text| address(text)).collect());
    }

    pub(crate) fn send(&self, topic: &str, id: &str, payload: &str, patience: Patience) -> Sending {
        self.link.publish(frame(topic, id, payload), patience)
    }

    pub(crate) async fn publish(&self, topic: &str, id: &str, payload: &str) {
        self.send(topic, id, payload, Patience::Wait).await.expect("published");
    }

    pub(crate) async fn close(&self) -> u64 {
        tokio::time::timeout(DEADLINE, self.link.close())
            .await
            .expect("closing ends")
            .expect("it says what was given up")
    }
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// `payload` is JSON.
pub(crate) fn frame(topic: &str, id: &str, payload: &str) -> Frame {
    let body = Body::Bytes(Bytes::copy_from_slice(payload.as_bytes()));
    Frame { header: Header::new(topic, id), body }
}

pub(crate) fn envelope(topic: &str, id: &str, payload: &str) -> String {
    let text = |text: &str| serde_json::to_string(text).expect("JSON");
    format!("{{\"type\":{},\"id\":{},\"payload\":{payload}}}", text(topic), text(id))
}

/// Waits until it holds: asked again and again, since nobody tells.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let holding = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(DEADLINE, holding).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}
