//! The count of what a reader has taken from a log and not handed out yet.
//!
//! A reader takes several events while it holds the log's lock, and hands them out later without it. Until then
//! they count against its bound, so publishers have to know how many they are, and the reader has to know when it is
//! waited for. One word does both: the count, and flags that others set with the lock held. Handing out an event
//! and reading the flags is one step, so either the reader sees that it is waited for, or who waits saw the room.

use super::sync::{AtomicU32, Ordering};

/// Somebody waits for room or for the end of a closed bus: take the lock after handing out an event.
pub(super) const WAITED_FOR: u32 = 1 << 30;
/// What is held was discarded when the bus was closed, and counted as lost.
pub(super) const DISCARDED: u32 = 1 << 31;
const COUNT: u32 = WAITED_FOR - 1;

/// What was discarded does not count.
fn count(word: u32) -> u32 {
    if word & DISCARDED == 0 { word & COUNT } else { 0 }
}

#[derive(Default)]
pub(super) struct Held {
    word: AtomicU32,
    /// What the subscription is called in statistics.
    pub(super) name: Option<Box<str>>,
}

impl Held {
    pub(super) fn new(name: Option<Box<str>>) -> Self {
        Self { word: AtomicU32::new(0), name }
    }

    pub(super) fn count(&self) -> u32 {
        count(self.word.load(Ordering::Acquire))
    }

    pub(super) fn is_discarded(&self) -> bool {
        self.word.load(Ordering::Acquire) & DISCARDED != 0
    }

    /// One event is handed out; gives the flags. By the reader, without the lock.
    #[inline]
    pub(super) fn hand_out(&self) -> u32 {
        self.word.fetch_sub(1, Ordering::AcqRel) & !COUNT
    }

    /// More was taken. By the reader, with the lock.
    pub(super) fn refill(&self, count: u32, flags: u32) {
        self.word.store(count | flags, Ordering::Release);
    }

    /// Gives what is held at this moment. With the lock.
    pub(super) fn mark(&self, flag: u32) -> u32 {
        count(self.word.fetch_or(flag, Ordering::AcqRel))
    }

    /// With the lock.
    pub(super) fn unmark(&self, flag: u32) {
        self.word.fetch_and(!flag, Ordering::AcqRel);
    }
}
