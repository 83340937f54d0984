//! What one side of a join remembers.

use alloc::vec::Vec;
use core::{fmt, mem};

use hashbrown::HashTable;

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// Up to `capacity` entries in places that are used again. A list through the places keeps the order of arrival,
/// which is the order of expiry, and a second one per key keeps the order within the key; only the first of a key is
/// ever removed. Everything but a walk along a key is O(1), and nothing is allocated once all places were in use.
pub(super) struct Memory<K, T, I> {
    places: Vec<Place<K, T, I>>,
    free: u32,
    oldest: u32,
    newest: u32,
    keys: HashTable<Chain>,
    capacity: usize,
    evicted: u64,
}

pub(super) struct Entry<K, T, I> {
    pub(super) hash: u64,
    pub(super) key: K,
    pub(super) item: T,
    /// The last moment at which it can match; None if that never comes.
    pub(super) last_moment: Option<I>,
    /// Whether it was in a pair.
    pub(super) matched: bool,
}

struct Place<K, T, I> {
    entry: Option<Entry<K, T, I>>,
    older: u32,
    // Or the next free place.
    newer: u32,
    next_of_key: u32,
}

/// The entries of one key.
struct Chain {
    first: u32,
    last: u32,
}

impl<K, T, I> Memory<K, T, I> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            places: Vec::new(),
            free: NONE,
            oldest: NONE,
            newest: NONE,
            keys: HashTable::new(),
            capacity,
            evicted: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.oldest == NONE
    }

    /// How many entries gave way to newer ones before their time.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// At most this many entries match one arrival.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn oldest(&self) -> Option<&Entry<K, T, I>> {
        self.places.get(self.oldest as usize)?.entry.as_ref()
    }

    /// The entries in order of arrival.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<K, T, I>> {
        let mut place = self.oldest;
        core::iter::from_fn(move || {
            let here = self.places.get(place as usize)?;
            place = here.newer;
            here.entry.as_ref()
        })
    }

    /// The entry at a place that is in use.
    #[inline]
    pub(super) fn entry_mut(&mut self, place: u32) -> Option<&mut Entry<K, T, I>> {
        self.places.get_mut(place as usize)?.entry.as_mut()
    }

    #[inline]
    pub(super) fn item(&self, place: u32) -> Option<&T> {
        Some(&self.places.get(place as usize)?.entry.as_ref()?.item)
    }

    /// The place of the entry that arrived next with the same key, or `NONE`.
    #[inline]
    pub(super) fn next_of_key(&self, place: u32) -> u32 {
        self.places.get(place as usize).map_or(NONE, |place| place.next_of_key)
    }

    pub(super) fn pop_oldest(&mut self) -> Option<Entry<K, T, I>> {
        // The oldest of all is the oldest of its key.
        self.remove_first_of_key(self.oldest)
    }

    pub(super) fn clear(&mut self) {
        let capacity = self.capacity;
        let evicted = self.evicted;
        *self = Self::new(capacity);
        self.evicted = evicted;
    }

    /// Drops the oldest entry where it lies.
    #[inline]
    pub(super) fn forget_oldest(&mut self) {
        let oldest = self.oldest;
        self.unlink_first_of_key(oldest);
        if let Some(place) = self.places.get_mut(oldest as usize) {
            place.entry = None;
        }
    }

    fn remove_first_of_key(&mut self, at: u32) -> Option<Entry<K, T, I>> {
        self.unlink_first_of_key(at);
        self.places.get_mut(at as usize)?.entry.take()
    }

    /// Takes a place out of both lists and makes it the next free one. Its entry is still there.
    #[inline]
    fn unlink_first_of_key(&mut self, at: u32) {
        let Some(place) = self.places.get_mut(at as usize) else {
            return;
        };
        let Some(hash) = place.entry.as_ref().map(|entry| entry.hash) else {
            return;
        };
        let next_of_key = place.next_of_key;
        let older = place.older;
        let newer = mem::replace(&mut place.newer, self.free);
        self.free = at;
        match self.places.get_mut(older as usize) {
            Some(place) => place.newer = newer,
            None => self.oldest = newer,
        }
        match self.places.get_mut(newer as usize) {
            Some(place) => place.older = older,
            None => self.newest = older,
        }
        if let Ok(mut chain) = self.keys.find_entry(hash, |chain| chain.first == at) {
            if next_of_key == NONE {
                chain.remove();
            } else {
                chain.get_mut().first = next_of_key;
            }
        }
    }
}

impl<K: Eq, T, I> Memory<K, T, I> {
    /// The place of the oldest entry with this key, or `NONE`.
    #[inline]
    pub(super) fn first_of_key(&self, hash: u64, key: &K) -> u32 {
        self.keys.find(hash, |chain| has_key(&self.places, chain, key)).map_or(NONE, |chain| chain.first)
    }

    /// Removes the oldest entry with this key.
    pub(super) fn take_first_of_key(&mut self, hash: u64, key: &K) -> Option<Entry<K, T, I>> {
        let first = self.first_of_key(hash, key);
        self.remove_first_of_key(first)
    }

    /// Adds an entry, in place of the oldest if there is no room. Gives the place and the entry that had to go.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry<K, T, I>) -> (u32, Option<Entry<K, T, I>>) {
        let full = self.free == NONE && self.places.len() == self.capacity;
        let evicted = if full { self.pop_oldest() } else { None };
        self.evicted += u64::from(full);

        let hash = entry.hash;
        let new = match self.places.get(self.free as usize) {
            Some(place) => mem::replace(&mut self.free, place.newer),
            None => self.places.len() as u32,
        };
        let places = &self.places;
        match self.keys.find_mut(hash, |chain| has_key(places, chain, &entry.key)) {
            Some(chain) => {
                let last = mem::replace(&mut chain.last, new);
                self.places[last as usize].next_of_key = new;
            }
            None => {
                let chain = Chain { first: new, last: new };
                self.keys.insert_unique(hash, chain, |chain| {
                    let first = &places[chain.first as usize];
                    first.entry.as_ref().map_or(0, |entry| entry.hash)
                });
            }
        }
        let place = Place { entry: Some(entry), older: self.newest, newer: NONE, next_of_key: NONE };
        match self.places.get_mut(new as usize) {
            Some(free) => *free = place,
            None => self.places.push(place),
        }
        match self.places.get_mut(self.newest as usize) {
            Some(before) => before.newer = new,
            None => self.oldest = new,
        }
        self.newest = new;
        (new, evicted)
    }
}

#[inline]
fn has_key<K: Eq, T, I>(places: &[Place<K, T, I>], chain: &Chain, key: &K) -> bool {
    let first = places[chain.first as usize].entry.as_ref();
    first.is_some_and(|entry| entry.key == *key)
}

impl<K, T, I> fmt::Debug for Memory<K, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("held", &self.iter().count())
            .field("capacity", &self.capacity)
            .field("evicted", &self.evicted)
            .finish_non_exhaustive()
    }
}
