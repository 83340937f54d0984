//! How long a spoke waits, and how much it holds.

use std::time::Duration;

use crate::Backoff;
use crate::websocket::wire::Token;

/// How long a spoke waits, and how much it holds.
#[derive(Debug, Clone)]
pub struct SpokeConfig {
    /// What proves who it is. With [`SpokeBuilder::token`](crate::websocket::SpokeBuilder::token) it is asked for instead.
    pub token: Option<Token>,
    /// A hash of the event map.
    pub map_hash: Option<String>,
    /// How long before its end a token is replaced: 60 s, or a quarter of its lifetime if that is less.
    pub refresh_early: Duration,
    /// After how long what was followed before, and is refused for now on a new connection, is asked for again, where the hub does
    /// not say: 1 s.
    pub resubscribe_after: Duration,
    /// How long a connection may take until the hub has answered `__connect`: 10 s.
    pub connect_timeout: Duration,
    /// How long a connection must have lasted for the delays to begin anew: 5 s.
    pub stable_after: Duration,
    /// The first ceiling of the delay before it connects again: 500 ms.
    pub backoff_min: Duration,
    /// The highest ceiling: 20 s.
    pub backoff_max: Duration,
    /// The longest delay that a hub may ask for: 5 minutes.
    pub retry_after_max: Duration,
    /// After how long without a sign of life the hub is pinged: 25 s.
    pub ping_every: Duration,
    /// How long it may take to answer: 10 s.
    pub pong_timeout: Duration,
    /// How many events may wait for their acknowledgement: 1,024.
    pub pending_events: usize,
    /// How many bytes their messages may have: 1 MiB.
    pub pending_bytes: usize,
    /// How long an event may wait, reconnects included: 60 s. Less than hubs remember event ids.
    pub publish_timeout: Duration,
}

impl Default for SpokeConfig {
    fn default() -> Self {
        Self {
            token: None,
            map_hash: None,
            refresh_early: Duration::from_secs(60),
            resubscribe_after: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(10),
            stable_after: Duration::from_secs(5),
            backoff_min: Backoff::MIN,
            backoff_max: Backoff::MAX,
            retry_after_max: Duration::from_secs(300),
            ping_every: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(10),
            pending_events: 1024,
            pending_bytes: 1 << 20,
            publish_timeout: Duration::from_secs(60),
        }
    }
}
