//! What a subscriber got, for the table of deliveries.

use pubsub::prelude::*;

/// Counted by a subscriber while it reads.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Received {
    pub(crate) delivered: u64,
    pub(crate) missed: u64,
}

impl Received {
    /// One more event, and the loss that it tells of.
    pub(crate) fn count<P, I: pubsub::TopicId + ?Sized>(&mut self, event: &Event<P, I>) {
        self.delivered += 1;
        self.missed += event.missed;
    }

    /// How far along the stream this is, whether its events came or not.
    pub(crate) fn position(self) -> u64 {
        self.delivered + self.missed
    }
}
