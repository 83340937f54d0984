//! The ids of events that were published, so that one which is sent again is known.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::EventId;

/// Bounded by count and by age; the oldest gives way.
pub(crate) struct PublishedIds {
    bound: usize,
    keep: Duration,
    offsets: HashMap<EventId, u64>,
    order: VecDeque<(EventId, Duration)>,
}

impl PublishedIds {
    pub(super) fn new(bound: usize, keep: Duration) -> Self {
        Self { bound, keep, offsets: HashMap::new(), order: VecDeque::new() }
    }

    /// The offset that an event with this id got before.
    pub(crate) fn get(&mut self, id: EventId, now: Duration) -> Option<u64> {
        while self.order.front().is_some_and(|&(_, at)| at + self.keep <= now) {
            self.forget_oldest();
        }
        self.offsets.get(&id).copied()
    }

    pub(crate) fn insert(&mut self, id: EventId, offset: u64, now: Duration) {
        if let Entry::Vacant(vacant) = self.offsets.entry(id) {
            vacant.insert(offset);
            self.order.push_back((id, now));
        }
        if self.order.len() > self.bound {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((id, _)) = self.order.pop_front() {
            self.offsets.remove(&id);
        }
    }
}
