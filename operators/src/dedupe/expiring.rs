//! The memory of `dedupe_within`: which keys were seen last, and when.

use alloc::collections::VecDeque;
use core::{
    fmt,
    hash::{BuildHasher, Hash},
    time::Duration,
};

use hashbrown::HashTable;

use crate::{Clock, time::Monotonic};

/// The last `last` distinct keys first seen less than `ttl` ago. Time goes one way, so the order of first sighting
/// is the order of expiry, and forgetting is popping at the front.
pub(super) struct Expiring<K, B, C: Clock> {
    keys: VecDeque<Seen<K, C::Instant>>,
    // How many keys have left at the front: the number of the oldest key.
    left: u64,
    last: usize,
    ttl: Duration,
    // By number, which unlike a place does not change when others leave.
    numbers: HashTable<u64>,
    hasher: B,
    clock: C,
    time: Monotonic<C>,
    pub(super) suppressed: u64,
    pub(super) forgotten: u64,
}

struct Seen<K, I> {
    hash: u64,
    key: K,
    // None if it never expires.
    expires: Option<I>,
}

impl<K, B, C: Clock> Expiring<K, B, C> {
    pub(super) fn new(last: usize, ttl: Duration, clock: C, hasher: B) -> Self {
        Self {
            keys: VecDeque::new(),
            left: 0,
            last,
            ttl,
            numbers: HashTable::new(),
            hasher,
            clock,
            time: Monotonic::new(),
            suppressed: 0,
            forgotten: 0,
        }
    }

    /// True before the first key.
    pub(super) fn is_new(&self) -> bool {
        self.left == 0 && self.keys.is_empty()
    }

    fn pop_oldest(&mut self) -> Option<Seen<K, C::Instant>> {
        let oldest = self.keys.pop_front()?;
        let number = self.left;
        self.left += 1;
        if let Ok(entry) = self.numbers.find_entry(oldest.hash, |&other| other == number) {
            entry.remove();
        }
        Some(oldest)
    }
}

impl<K: Hash + Eq, B: BuildHasher, C: Clock> Expiring<K, B, C> {
    /// True if `key` is not remembered; it is from now on.
    #[inline]
    pub(super) fn insert(&mut self, key: K) -> bool {
        let now = self.time.read(&self.clock);
        while self.keys.front().is_some_and(|seen| seen.expires.is_some_and(|expires| expires <= now)) {
            self.pop_oldest();
        }
        let hash = self.hasher.hash_one(&key);
        let (keys, left) = (&self.keys, self.left);
        let place = |number: u64| (number - left) as usize;
        if self.numbers.find(hash, |&number| keys[place(number)].key == key).is_some() {
            self.suppressed += 1;
            return false;
        }
        // Dropped at the end: its drop is the user's code, and may panic when everything here is consistent again.
        let mut _evicted = None;
        if self.keys.len() == self.last {
            _evicted = self.pop_oldest();
            self.forgotten += 1;
        }
        let number = self.left + self.keys.len() as u64;
        self.keys.push_back(Seen { hash, key, expires: C::checked_add(now, self.ttl) });
        let (keys, left) = (&self.keys, self.left);
        self.numbers.insert_unique(hash, number, |&number| keys[(number - left) as usize].hash);
        true
    }
}

impl<K, B, C: Clock> fmt::Debug for Expiring<K, B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("keys", &self.keys.len())
            .field("last", &self.last)
            .field("ttl", &self.ttl)
            .field("suppressed", &self.suppressed)
            .field("forgotten", &self.forgotten)
            .finish_non_exhaustive()
    }
}
