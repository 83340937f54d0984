//! A client that is nothing but texts, as a browser's `WebSocket` is.

use std::time::Duration;

use bytes::Bytes;
use pubsub_transports::Header;
use pubsub_transports::codec::Json;
use pubsub_transports::websocket::wire::Message;
use pubsub_transports::websocket::{
    CloseCode, Codecs, ConnectionId, HubConfig, HubOutput, HubProtocol, Identity, Outgoing, Question,
};

pub(crate) struct Raw {
    pub(crate) hub: HubProtocol,
    pub(crate) now: Duration,
}

impl Raw {
    pub(crate) fn new(config: HubConfig) -> Self {
        Self { hub: HubProtocol::new(config, Codecs::one(Json::default()), 7), now: Duration::ZERO }
    }

    pub(crate) fn open(&mut self) -> ConnectionId {
        self.hub.open(self.now, 0, None).unwrap()
    }

    pub(crate) fn open_as(&mut self, identity: &str) -> ConnectionId {
        self.hub.open(self.now, 0, Some(Identity::new(identity).unwrap())).unwrap()
    }

    pub(crate) fn say(&mut self, client: ConnectionId, text: &str) {
        self.hub.receive(self.now, client, &Message::Text(Bytes::copy_from_slice(text.as_bytes())));
    }

    pub(crate) fn subscribe(&mut self, client: ConnectionId, topic: &str) {
        let message = serde_json::json!({ "type": "__subscribe", "id": "s", "payload": { "topic": topic } });
        self.say(client, &message.to_string());
    }

    pub(crate) fn publish(&mut self, topic: &str, id: &str) {
        self.hub.publish(self.now, &Header::new(topic, id), Bytes::from_static(b"null")).unwrap();
    }

    /// The question about this connection that was asked last.
    pub(crate) fn question(&mut self, client: ConnectionId) -> Option<Question> {
        let outputs: Vec<HubOutput> = std::iter::from_fn(|| self.hub.poll_output()).collect();
        let of = |output| match output {
            HubOutput::Ask(of, question) if of == client => Some(question),
            _ => None,
        };
        outputs.into_iter().filter_map(of).next_back()
    }

    /// Everything that goes out.
    pub(crate) fn out(&mut self, client: ConnectionId) -> Vec<Outgoing> {
        let mut out = Vec::new();
        while self.hub.pull(self.now, client, 1 << 16, &mut out) {}
        out
    }

    /// The texts among it, without the epoch, which is another with each hub.
    pub(crate) fn hear(&mut self, client: ConnectionId) -> Vec<String> {
        let text = |out: Outgoing| match out {
            Outgoing::Message(message) => Some(without_epoch(std::str::from_utf8(message.bytes()).unwrap())),
            _ => None,
        };
        self.out(client).into_iter().filter_map(text).collect()
    }

    pub(crate) fn close_code(&mut self, client: ConnectionId) -> Option<CloseCode> {
        match self.out(client).pop() {
            Some(Outgoing::Close(code)) => Some(code),
            _ => None,
        }
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.hub.tick(self.now);
    }
}

fn without_epoch(text: &str) -> String {
    match text.split_once(r#","epoch":""#) {
        Some((before, after)) => before.to_owned() + after.split_once('"').unwrap().1,
        None => text.to_owned(),
    }
}
