//! The engine: who follows what, and delivery to them.
//!
//! It knows topics by their index and payloads not at all.
//!
//! # Where events are kept
//! Subscriptions that follow the same address, or the same whole topic, with the same policy and bound share a
//! [`Log`]: a publish writes one slot however many they are, each of them reads at a cursor of its own, and the last
//! to read a slot takes the event out of it. Only backpressure and drop-oldest can be shared: under the other
//! policies, and with several selectors, what one subscription keeps depends on itself alone, so it has a private
//! [`Queue`], and a slow reader never costs another an event.
//!
//! # How an event finds its way
//! Two loads say that nobody follows the topic. Otherwise a [`Roster`] lists the logs and queues of the whole topic,
//! and another those of the address, found by a hash table in one of [`SHARDS`] shards.
//!
//! # Acceptance
//! Every publish is accepted by all it matches or by none: with all their locks held, room is checked in each that
//! asks for backpressure, then the event is written to all. Otherwise the publish joins the [`Line`], once, and it
//! [claims](Claims) its turn in each of them: from then on no later publish overtakes it there. Whoever makes room
//! moves the event in, and wakes the publisher.
//!
//! # Locks, in the order in which they are taken
//! the line · the roster of the topic · the shard · private queues by their key. None is held while a waker is
//! called or an event is dropped, which both run code of users: see [`Effects`].
//!
//! * Readers join and leave under the lock under which publishes find their log, so no log stays without readers.
//! * A log or queue is made with the line locked, so that it knows who waits for its address already.
//! * `closed` is set first; then every lock is taken once. So a publish that holds a lock and reads `false` is seen
//!   by the closing, and one that comes later reads `true`.

mod accept;
mod claims;
mod closing;
mod cursors;
mod effects;
mod held;
mod line;
mod log;
mod overdue;
mod parked;
mod private;
mod publish;
mod queue;
mod reader;
mod ring;
mod roster;
mod routing;
mod shard;
mod stats;
mod subscribe;
mod sync;
#[cfg(test)]
mod tests;
mod topic;
#[cfg(all(feature = "worker", feature = "json"))]
pub(crate) mod wakes;
#[cfg(not(all(feature = "worker", feature = "json")))]
mod wakes {
    pub(super) use std::task::Waker;

    #[inline]
    pub(super) fn wake(waker: Waker) {
        waker.wake();
    }
}

use std::collections::BTreeMap;

pub(crate) use self::closing::Draining;
pub(crate) use self::line::Waiting;
pub(crate) use self::log::Found;
pub(crate) use self::reader::{Make, Reader, Seat};
pub(crate) use self::routing::{Address, At, Pin};
use self::shard::Shard;
pub(crate) use self::stats::{Blocking, Figures};
pub(crate) use self::subscribe::Terms;
use self::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use self::topic::Topic;
use crate::IdString;
#[cfg(test)]
use crate::delivery::End;
use crate::event::Stored;

#[cfg(doc)]
use self::{claims::Claims, effects::Effects, line::Line, log::Log, queue::Queue, roster::Roster};

/// A power of two. More of them let more threads publish at once, to different addresses.
const SHARDS: usize = if cfg!(pubsub_loom) { 1 } else { 64 };

pub(crate) struct Engine {
    topics: Box<[Topic]>,
    shards: Box<[Mutex<Shard>]>,
    hasher: foldhash::fast::RandomState,
    closed: AtomicBool,
    line: Mutex<line::Line>,
    /// Subscriptions to a closed bus that still have something to read.
    undrained: AtomicUsize,
    drained: Mutex<closing::Drained>,
    overdue: overdue::Overdue,
}

/// What is published, before it is an event.
pub(crate) trait Store {
    /// Makes the event, once. Called with locks held. `id` is the id as text, where it is there already.
    fn store(&mut self, id: Option<&IdString>) -> Stored;
}

/// Why an event was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

/// What a reader gets.
#[cfg(test)]
pub(crate) enum Taken {
    Event { stored: Stored, missed: u64 },
    End { end: End, missed: u64 },
}

/// What was left when the bus was closed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Topic and number of events, for each subscription that still has some.
    pub(crate) queued: Vec<BTreeMap<usize, u64>>,
    /// Publishes that waited and were given their event back.
    pub(crate) refused: usize,
}

impl Engine {
    pub(crate) fn new(topics: usize) -> Self {
        Self {
            topics: (0..topics).map(|_| Topic::default()).collect(),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect(),
            hasher: foldhash::fast::RandomState::default(),
            closed: AtomicBool::new(false),
            line: Mutex::default(),
            undrained: AtomicUsize::new(0),
            drained: Mutex::default(),
            overdue: overdue::Overdue::default(),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
