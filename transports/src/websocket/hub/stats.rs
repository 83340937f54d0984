//! What a hub counts.

use compact_str::CompactString;
use serde::Serialize;

use super::{ConnectionId, HubProtocol};

/// What a hub is doing, at one moment: counts and names, and no payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HubStats {
    /// How many connections there are.
    pub connections: usize,
    /// How many subscriptions they have.
    pub subscriptions: usize,
    /// How many times a connection was told that events were lost.
    pub gaps: u64,
    /// How many events were dropped for connections that did not read them, where they were counted.
    pub missed: u64,
    /// How many connections were closed because they did not read.
    pub slow_consumers: u64,
    /// How many events came from what the hub is behind that nobody could read, or no client be given.
    pub undecodable: u64,
    /// Whether there is a connection to what the hub is behind; `None` if it is behind nothing.
    pub upstream_connected: Option<bool>,
    /// The event types that something happened to, or that somebody follows, by name.
    pub topics: Vec<TopicStats>,
    /// The connections with the longest queues, those first: at most 100.
    pub queues: Vec<QueueStats>,
}

/// One event type of a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TopicStats {
    /// Its name.
    pub topic: String,
    /// How many events there have been in this epoch: the last offset.
    pub offset: u64,
    /// How many subscriptions there are: to the type, and to ids of it.
    pub subscriptions: usize,
    /// How many of its events can be replayed.
    pub history: usize,
}

/// One connection of a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueueStats {
    /// The number of the connection's slot.
    pub connection: usize,
    /// Who it is.
    pub identity: Option<String>,
    /// How many subscriptions it has.
    pub subscriptions: usize,
    /// How many bytes wait for it.
    pub queued_bytes: usize,
    /// How many events it was sent and has not acknowledged, of what it acknowledges.
    pub unacknowledged: usize,
    /// More waits than should: it is closed if that does not change.
    pub slow: bool,
}

/// How many connections are told of one by one.
const QUEUES: usize = 100;

/// What only grows.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) gaps: u64,
    pub(super) missed: u64,
    pub(super) slow_consumers: u64,
    pub(super) undecodable: u64,
}

impl HubProtocol {
    /// What is going on. Takes time with the number of connections.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        let of = |(topic, it): (&CompactString, &super::Topic)| TopicStats {
            topic: topic.to_string(),
            offset: it.history.head(),
            subscriptions: it.whole.len() + it.ids.values().map(|route| route.members.len()).sum::<usize>(),
            history: it.history.len(),
        };
        let mut topics: Vec<TopicStats> = self.topics.iter().map(of).collect();
        topics.sort_unstable_by(|one, other| one.topic.cmp(&other.topic));

        let mut queues: Vec<(usize, ConnectionId)> =
            self.connections.ids().into_iter().map(|id| (self.queued_bytes(id), id)).collect();
        queues.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        queues.truncate(QUEUES);
        let queue = |(queued_bytes, id)| {
            let connection = self.connections.peek(id)?;
            Some(QueueStats {
                connection: connection.id.index(),
                identity: connection.name().map(str::to_owned),
                subscriptions: connection.subscriptions.len(),
                queued_bytes,
                unacknowledged: connection.subscriptions.unacknowledged(),
                slow: connection.outbox.is_over(),
            })
        };
        HubStats {
            connections: self.connections.len(),
            subscriptions: topics.iter().map(|topic| topic.subscriptions).sum(),
            gaps: self.counters.gaps,
            missed: self.counters.missed,
            slow_consumers: self.counters.slow_consumers,
            undecodable: self.counters.undecodable,
            upstream_connected: None,
            topics,
            queues: queues.into_iter().filter_map(queue).collect(),
        }
    }
}
