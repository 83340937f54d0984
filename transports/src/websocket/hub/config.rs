//! What a hub allows, and how long it waits.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use compact_str::CompactString;

use super::identities::IdentityLimit;
use super::overflow::{OutboxConfig, Overflow};
use super::rate::Rate;
use crate::websocket::HistoryConfig;

/// What a hub allows, and how long it waits. What one reaches has an error or close code of its own.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Whether clients without an identity are admitted: yes. Otherwise they are closed with 4500.
    pub anonymous: bool,
    /// Whether tokens are [asked](crate::websocket::HubOutput::Ask) about: no. Without it they are passed over. Set by
    /// [`HubBuilder::authenticate`](crate::websocket::HubBuilder::authenticate).
    pub authenticates: bool,
    /// Whether it is asked about each subscription and each address that is published to: no. Set by
    /// [`HubBuilder::authorize`](crate::websocket::HubBuilder::authorize).
    pub authorizes: bool,
    /// Whether the hub is one of several: no. Then what is published [goes elsewhere](crate::websocket::HubOutput::Place) first.
    /// Set by `HubBuilder::behind`.
    pub behind: bool,
    /// Event types whose ids are identities: none. Without an authorizer only who has the name may follow such an address,
    /// or publish to it; otherwise `denied`.
    pub direct: HashSet<CompactString>,
    /// How many bytes a message may have: 64 KiB. A larger one closes the connection with 1009, and an event that
    /// would be larger where it is delivered is `too_large`.
    pub max_frame: usize,
    /// How many connections there may be: 16,384. Beyond it 4504.
    pub max_connections: usize,
    /// How many connections an identity may have: 16. What happens beyond it is the next option.
    pub max_connections_per_identity: usize,
    /// Who gives way then: the connection that was silent for longest.
    pub at_identity_limit: IdentityLimit,
    /// How fast a client may send: as fast as it can. Beyond it `rate_limited`, and 4008 for who does not mind.
    pub rate: Option<Rate>,
    /// How many subscriptions a connection may have: 128. Beyond it `limit`.
    pub max_topics: usize,
    /// How many events may be under way to an acknowledged subscription: 1,024. One that asks for more gets so many.
    pub max_unacknowledged: u32,
    /// How many event types there may be: 256. Beyond it `limit`. Each may have a history.
    pub max_types: usize,
    /// How many mistakes a client may make one after the other: 16. Then 4509.
    pub max_errors: u32,
    /// How long a client may take to its first valid command: 10 s. Then 4502.
    pub handshake_timeout: Duration,
    /// After how long without a sign of life a client is pinged: 25 s.
    pub ping_every: Duration,
    /// How long it may take to answer: 10 s. Then 4004.
    pub pong_timeout: Duration,
    /// How long a queue may stay too long without becoming shorter than it was: 30 s. Then 4002.
    pub stall_timeout: Duration,
    /// The bounds of each queue.
    pub outbox: OutboxConfig,
    /// What happens to events for a full queue.
    pub overflow: Overflow,
    /// The same for single event types.
    pub overflow_of: HashMap<CompactString, Overflow>,
    /// The bounds of each history.
    pub history: HistoryConfig,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            anonymous: true,
            authenticates: false,
            authorizes: false,
            behind: false,
            direct: HashSet::new(),
            max_frame: 64 * 1024,
            max_connections: 16 * 1024,
            max_connections_per_identity: 16,
            at_identity_limit: IdentityLimit::default(),
            rate: None,
            max_topics: 128,
            max_unacknowledged: 1024,
            max_types: 256,
            max_errors: 16,
            handshake_timeout: Duration::from_secs(10),
            ping_every: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            outbox: OutboxConfig::default(),
            overflow: Overflow::default(),
            overflow_of: HashMap::new(),
            history: HistoryConfig::default(),
        }
    }
}
