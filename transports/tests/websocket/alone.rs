//! A spoke with a hub that does what it is told.

use std::time::Duration;

use pubsub_transports::codec::Json;
use pubsub_transports::websocket::wire::Message;
use pubsub_transports::websocket::{SpokeConfig, SpokeOutput, SpokeProtocol, SpokeState};
use pubsub_transports::{Address, EventId, Header, SendError};

pub(crate) struct Alone {
    pub(crate) spoke: SpokeProtocol,
    pub(crate) now: Duration,
}

pub(crate) const CONNECTED: &str = r#"{"type":"__connected","id":"0","payload":{"session":"s","pingMs":25000,"maxFrame":65536,"maxTopics":128,"epoch":"m"}}"#;

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

impl Alone {
    pub(crate) fn new(config: SpokeConfig) -> Self {
        let mut spoke = SpokeProtocol::new(config, Json::default(), 7);
        spoke.start(Duration::ZERO);
        Self { spoke, now: Duration::ZERO }
    }

    /// One that has a connection.
    pub(crate) fn connected() -> Self {
        let mut alone = Self::new(SpokeConfig::default());
        alone.connect();
        alone.outputs();
        alone
    }

    pub(crate) fn connect(&mut self) {
        self.spoke.opened(self.now);
        self.hears(CONNECTED);
    }

    pub(crate) fn hears(&mut self, text: &str) {
        self.spoke.receive(self.now, &Message::Text(text.to_owned().into()));
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.spoke.tick(self.now);
    }

    pub(crate) fn outputs(&mut self) -> Vec<SpokeOutput> {
        std::iter::from_fn(|| self.spoke.poll_output()).collect()
    }

    pub(crate) fn sent(&mut self) -> Vec<String> {
        let text = |output| match output {
            SpokeOutput::Send(message) => Some(String::from_utf8(message.bytes().to_vec()).unwrap()),
            _ => None,
        };
        self.outputs().into_iter().filter_map(text).collect()
    }

    pub(crate) fn last_state(&mut self) -> Option<SpokeState> {
        let state = |output| if let SpokeOutput::State(state) = output { Some(state) } else { None };
        self.outputs().into_iter().filter_map(state).next_back()
    }

    pub(crate) fn publish(&mut self, number: u128, body: &str) -> Result<(), SendError> {
        self.spoke.publish(self.now, &Header::new("a", "1"), EventId::from_u128(number), body.as_bytes())
    }

    pub(crate) fn outcomes(&mut self) -> Vec<(EventId, Result<u64, SendError>)> {
        let outcome = |output| match output {
            SpokeOutput::Published { event_id, result } => Some((event_id, result)),
            _ => None,
        };
        self.outputs().into_iter().filter_map(outcome).collect()
    }
}
