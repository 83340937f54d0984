//! What the subscribers have in common.

use pubsub::prelude::*;
use tokio::task::JoinHandle;

/// Events that a subscriber holds before the publisher waits for it.
pub(crate) const BOUND: usize = 64;

/// A task that has subscribed, and ends with what it learnt when the bus is closed.
pub(crate) type Following<T> = Result<JoinHandle<T>, SubscribeError>;

/// What a subscriber got, for the table of deliveries.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Received {
    pub(crate) delivered: u64,
    pub(crate) missed: u64,
}

impl Received {
    /// One more event, and the loss that it tells of.
    pub(crate) fn count<P, I: TopicId + ?Sized>(&mut self, event: &Event<P, I>) {
        self.delivered += 1;
        self.missed += event.missed;
    }

    /// How far along the stream this is, whether its events came or not.
    pub(crate) fn position(self) -> u64 {
        self.delivered + self.missed
    }
}
