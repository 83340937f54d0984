//! The ids of events that were published, so that one which is sent again is known.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::time::Duration;

use crate::EventId;

/// Bounded by count and by age; the oldest gives way.
///
/// An event is known by its event id and the id that it is for: who may publish to one address must not be able to use up the
/// event ids of another, which can be guessed where they are derived.
pub(crate) struct PublishedIds {
    bound: usize,
    keep: Duration,
    hasher: RandomState,
    offsets: HashMap<Key, u64>,
    order: VecDeque<(Key, Duration)>,
}

/// The hash is keyed by what nobody outside knows.
type Key = (EventId, u64);

impl PublishedIds {
    pub(super) fn new(bound: usize, keep: Duration) -> Self {
        let hasher = RandomState::new();
        Self { bound, keep, hasher, offsets: HashMap::new(), order: VecDeque::new() }
    }

    fn key(&self, event_id: EventId, id: &str) -> Key {
        (event_id, self.hasher.hash_one(id))
    }

    /// The offset that an event with this event id got before, for this id.
    pub(crate) fn get(&mut self, event_id: EventId, id: &str, now: Duration) -> Option<u64> {
        while self.order.front().is_some_and(|&(_, at)| at + self.keep <= now) {
            self.forget_oldest();
        }
        self.offsets.get(&self.key(event_id, id)).copied()
    }

    pub(crate) fn insert(&mut self, event_id: EventId, id: &str, offset: u64, now: Duration) {
        let key = self.key(event_id, id);
        if let Entry::Vacant(vacant) = self.offsets.entry(key) {
            vacant.insert(offset);
            self.order.push_back((key, now));
        }
        if self.order.len() > self.bound {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((key, _)) = self.order.pop_front() {
            self.offsets.remove(&key);
        }
    }
}
