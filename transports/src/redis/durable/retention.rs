//! How much is kept.

use std::time::Duration;

/// How many events of a type a durable transport keeps, or for how long: what
/// [`Redis::durable`](crate::redis::Redis::durable) is given.
///
/// It is applied by whoever publishes, so all who publish should say the same. The server drops whole blocks, of 100 events
/// by default: some more are kept than asked for, never fewer.
///
/// ```
/// use std::time::Duration;
/// use pubsub_transports::redis::Retention;
///
/// let retention = Retention::default();
/// assert_eq!(retention.max_events(), Some(Retention::EVENTS));
/// let retention = Retention::age(Duration::from_secs(24 * 60 * 60)).events(1_000_000);
/// assert_eq!(retention.max_events(), Some(1_000_000));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub(in crate::redis) events: Option<u64>,
    pub(in crate::redis) age: Option<Duration>,
}

impl Retention {
    /// How many events of a type are kept by default: 100,000.
    pub const EVENTS: u64 = 100_000;

    /// The last `events` of each type, at least 1.
    #[must_use]
    pub fn last(events: u64) -> Self {
        Self { events: Some(events.max(1)), age: None }
    }

    /// The events of this last time, however many, by the clock of the server. They are dropped while something is there that has
    /// published the type, so more is kept of what is seldom published. Where a stream ended when is remembered at the server: it
    /// does not matter how long each of those lives who publish.
    #[must_use]
    pub fn age(age: Duration) -> Self {
        Self { events: None, age: Some(age) }
    }

    /// But no more than the last `events` of each type.
    #[must_use]
    pub fn events(self, events: u64) -> Self {
        Self { events: Some(events.max(1)), ..self }
    }

    /// Everything, for ever, or until somebody trims the streams.
    #[must_use]
    pub fn forever() -> Self {
        Self { events: None, age: None }
    }

    /// How many events of a type are kept; `None` if that is not bounded.
    #[must_use]
    pub fn max_events(&self) -> Option<u64> {
        self.events
    }

    /// For how long they are kept; `None` if that is not bounded.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.age
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self::last(Self::EVENTS)
    }
}
