//! What is known of a topic without a hash table.

use super::roster::Roster;
use super::sync::{AtomicU64, Mutex, Ordering};

/// Aligned so that publishers to one topic do not slow those to its neighbour.
#[derive(Default)]
#[repr(align(64))]
pub(super) struct Topic {
    /// Subscriptions to the whole topic in the upper half, to single addresses of it in the lower: one load says
    /// where to look.
    listening: AtomicU64,
    /// Who follows the whole topic.
    pub(super) roster: Mutex<Roster>,
    /// Events accepted for addresses that are followed no more.
    pub(super) published: AtomicU64,
    pub(super) lost: AtomicU64,
}

/// Where followers of an event are to be looked for.
#[derive(Clone, Copy)]
pub(super) struct Listening(u64);

/// How a subscription counts: once for each topic or address of its interest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Topic,
    Address,
}

impl Width {
    fn unit(self) -> u64 {
        match self {
            Self::Topic => 1 << 32,
            Self::Address => 1,
        }
    }
}

impl Listening {
    pub(super) fn anybody(self) -> bool {
        self.0 != 0
    }

    pub(super) fn only_to_addresses(self) -> bool {
        self.to_addresses() && !self.to_topic()
    }

    pub(super) fn to_topic(self) -> bool {
        self.0 >> 32 != 0
    }

    pub(super) fn to_addresses(self) -> bool {
        self.0 & u64::from(u32::MAX) != 0
    }
}

impl Topic {
    #[inline]
    pub(super) fn listening(&self) -> Listening {
        Listening(self.listening.load(Ordering::Acquire))
    }

    pub(super) fn joined(&self, width: Width) {
        self.listening.fetch_add(width.unit(), Ordering::AcqRel);
    }

    pub(super) fn left(&self, width: Width) {
        self.listening.fetch_sub(width.unit(), Ordering::AcqRel);
    }

    pub(super) fn lose(&self, events: u64) {
        if events > 0 {
            self.lost.fetch_add(events, Ordering::Relaxed);
        }
    }
}
