//! The memory of `dedupe`: which keys were seen last.

use alloc::{borrow::ToOwned, vec::Vec};
use core::{
    borrow::Borrow,
    fmt,
    hash::{BuildHasher, Hash},
    sync::atomic::{Ordering, compiler_fence},
};

use hashbrown::HashTable;

/// Room made at once; a larger memory grows as keys arrive, so that a generous bound costs nothing until it is used.
const FIRST_ROOM: usize = 1024;

/// Checked where the operator is made, which may be long before it is applied.
pub(super) fn check(last: usize) -> usize {
    assert!(
        last > 0,
        "a memory of 0 keys would drop no duplicate: pass how many keys to remember, at least 1"
    );
    assert!(u32::try_from(last).is_ok(), "a memory has at most u32::MAX keys: pass a smaller number");
    last
}

/// The last `last` distinct keys, in the order of their first sighting: a ring of keys, and a table from hash to the
/// place in the ring. First in, first out, so a hit moves nothing and what is forgotten when is one sentence.
pub(super) struct Memory<K, B> {
    ring: Vec<(u64, K)>,
    // The place of the oldest key, once the ring is full.
    oldest: usize,
    last: usize,
    places: HashTable<u32>,
    hasher: B,
    pub(super) suppressed: u64,
    pub(super) forgotten: u64,
}

impl<K, B> Memory<K, B> {
    pub(super) fn new(last: usize, hasher: B) -> Self {
        let room = last.min(FIRST_ROOM);
        Self {
            ring: Vec::with_capacity(room),
            oldest: 0,
            last,
            places: HashTable::with_capacity(2 * room),
            hasher,
            suppressed: 0,
            forgotten: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

// Inlined always: left to itself the compiler makes a call of each insertion, which is a tenth of its cost.
impl<K: Hash + Eq, B: BuildHasher> Memory<K, B> {
    /// True if `key` was not remembered; it is from now on.
    #[inline(always)]
    pub(super) fn insert(&mut self, key: K) -> bool {
        let hash = self.hasher.hash_one(&key);
        if self.knows(hash, &key) {
            self.suppress();
            return false;
        }
        self.remember(hash, key);
        true
    }

    /// The same for a borrowed key, which is copied only if it is new.
    #[inline(always)]
    pub(super) fn insert_ref<Q>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: ?Sized + Hash + Eq + ToOwned<Owned = K>,
    {
        let hash = self.hasher.hash_one(key);
        if self.knows(hash, key) {
            self.suppress();
            return false;
        }
        self.remember(hash, key.to_owned());
        true
    }

    #[inline(always)]
    fn knows<Q: ?Sized + Eq>(&self, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.places.find(hash, |&place| self.ring[place as usize].1.borrow() == key).is_some()
    }

    #[inline(always)]
    fn suppress(&mut self) {
        self.suppressed += 1;
        // No instruction. Without it the compiler loads every field above before the caller's loop over duplicates, so
        // at each poll, also if the source has nothing and none is looked at.
        compiler_fence(Ordering::SeqCst);
    }

    #[inline(always)]
    fn remember(&mut self, hash: u64, key: K) {
        // Dropped last: its drop is the user's code, and may panic when everything here is consistent again.
        let _evicted;
        let place = if self.ring.len() < self.last {
            self.grow(hash, key);
            self.ring.len() - 1
        } else {
            let place = self.oldest;
            self.oldest = if place + 1 == self.last { 0 } else { place + 1 };
            let evicted = core::mem::replace(&mut self.ring[place], (hash, key));
            if let Ok(entry) = self.places.find_entry(evicted.0, |&candidate| candidate as usize == place) {
                entry.remove();
            }
            _evicted = evicted;
            self.forgotten += 1;
            place
        };
        let ring = &self.ring;
        self.places.insert_unique(hash, place as u32, |&place| ring[place as usize].0);
    }
}

impl<K, B> Memory<K, B> {
    /// Adds a key while there is room. With the last of them the table gets twice the room it needs: then it clears
    /// the traces of removed entries in place, and never allocates again.
    #[cold]
    fn grow(&mut self, hash: u64, key: K) {
        let held = self.ring.len();
        if held == self.ring.capacity() {
            self.ring.reserve_exact(held.min(self.last - held));
        }
        self.ring.push((hash, key));
        if self.ring.len() == self.last {
            let ring = &self.ring;
            self.places.reserve(self.last + 1, |&place| ring[place as usize].0);
        }
    }
}

impl<K, B> fmt::Debug for Memory<K, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("keys", &self.ring.len())
            .field("last", &self.last)
            .field("suppressed", &self.suppressed)
            .field("forgotten", &self.forgotten)
            .finish_non_exhaustive()
    }
}
