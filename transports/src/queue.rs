//! Queue groups: each event of what a group follows goes to exactly one of its members.
//!
//! A [`Queue`] is a member of the [exchange](crate::exchange), with a bound: publishers wait for its room, in order, as they
//! do for any other. What came waits there until a place asks for it, so a place that asks for nothing is given nothing.
//!
//! # What becomes of an event
//! It waits; it is given to a place, which may be far away; it is begun there; it is done when the place asks for the next, or
//! leaves; or it is rejected there, since it cannot be read. When a place fails, what was given to it and not begun goes to others, and is begun by nobody twice. What it had begun
//! is lost, and told: it may have been done, and it may be what made the place fail.
//!
//! # Order
//! Places begin events in the order in which they came. By id, those of one id are begun one after the other, each when the
//! one before is done, also while places come and go.
//!
//! # What a place that is stalled costs
//! Nothing, while others take what waits. By id, what is its waits for it, and the others go on, until the bound is reached by
//! what waits for that one alone. Then publishers wait, whatever they publish: an exchange does not look ahead.

mod inlet;
mod place;
mod state;
#[cfg(all(test, not(pubsub_loom)))]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Poll, Waker};

use self::inlet::QueueInlet;
pub use self::place::Place;
pub(crate) use self::place::ThreadSeat;
use self::state::{Effects, State};
use crate::exchange::{Exchange, Member, MemberId};
use crate::{Address, Header, Link};

/// Which member of a queue group gets an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Dispatch {
    /// Whoever has least to do: a member that is stalled gets nothing more.
    #[default]
    LeastLoaded,
    /// The same for all events with one id, as long as the members stay the same; when they change, as few ids as can be go to
    /// another. They are handled in order, one at a time. What is for a member that is stalled waits for it, and all other ids go
    /// on until as many wait for that one as the bound of the group says; then publishers wait.
    ById,
}

/// What became of the events of a queue group so far.
///
/// At any time `accepted` is the sum of the others but `redispatched`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct QueueStats {
    /// Events that came.
    pub accepted: u64,
    /// Those that wait for a member, or in the queue of one.
    pub waiting: u64,
    /// Those that members are at.
    pub in_hand: u64,
    /// Those that members are done with.
    pub done: u64,
    /// Those that a member was at when it failed. They are lost.
    pub unfinished: u64,
    /// Those that the member which was given them could not read. They are lost.
    pub undecodable: u64,
    /// Those that no member has begun, and none will.
    pub lost: u64,
    /// How often an event that was meant for a member went to others, since it left.
    pub redispatched: u64,
}

/// An event that a member had begun, and that is not done.
#[derive(Debug)]
pub struct Unfinished {
    /// The event.
    pub header: Header,
    /// The name of the member.
    pub member: String,
    /// Why the member could not read it; `None`: it failed while it was at it.
    pub undecodable: Option<String>,
}

/// What becomes of the event that a place had begun when it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It is done.
    Done,
    /// It is lost.
    Unfinished,
    /// It goes to others: its place had said so before it began.
    NotBegun,
}

type Report = Box<dyn Fn(Unfinished) + Send + Sync>;

/// A queue group. A clone is another handle on it.
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    /// Sorted.
    addresses: Vec<Address>,
    state: Mutex<State>,
    report: Report,
    member: OnceLock<Member>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then does what follows from it, without the lock.
    fn change<R>(&self, change: impl FnOnce(&mut State, &mut Effects) -> R) -> R {
        let mut effects = Effects::default();
        let result = change(&mut self.lock(), &mut effects);
        effects.unfinished.drain(..).for_each(|unfinished| (self.report)(unfinished));
        effects.settle();
        result
    }
}

impl Queue {
    /// Whether it follows this, no more and no less.
    #[must_use]
    pub fn follows(&self, addresses: &[Address]) -> bool {
        let mut addresses = addresses.to_vec();
        addresses.sort_unstable();
        self.shared.addresses == addresses
    }

    /// A place in it, of a member of the exchange. It is given at most `prefetch` events at once, and at least one.
    #[must_use]
    pub fn join(&self, owner: MemberId, name: &str, prefetch: usize) -> Place {
        let key = self.shared.change(|state, effects| state.join(owner, name, prefetch.max(1), effects));
        Place::new(Arc::clone(&self.shared), key)
    }

    /// Nothing more comes than what came. The places end when all of it is begun.
    pub fn close(&self) {
        match self.shared.member.get() {
            Some(member) => member.end_intake(),
            None => self.shared.change(State::close),
        }
    }

    /// Nobody gets anything more. Gives how many events are lost by that.
    pub fn abandon(&self) -> u64 {
        let before = self.stats().lost;
        self.shared.change(State::abandon);
        // What it had accepted and no room for comes now.
        if let Some(member) = self.shared.member.get() {
            drop(member.close());
        }
        self.stats().lost - before
    }

    /// Ready when it is closed, and nobody will be given anything any more; otherwise the waker is woken when that is so.
    pub fn poll_over(&self, waker: &Waker) -> Poll<()> {
        let waker = waker.clone();
        self.shared.change(|state, effects| state.poll_over(waker, effects))
    }

    /// What became of its events.
    #[must_use]
    pub fn stats(&self) -> QueueStats {
        self.shared.lock().stats()
    }

    /// How many places it has.
    #[must_use]
    pub fn places(&self) -> usize {
        self.shared.lock().places()
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("places", &self.places()).field("stats", &self.stats()).finish()
    }
}

/// The queue groups of an exchange, by name.
#[derive(Default)]
pub(crate) struct Queues(Mutex<BTreeMap<String, Weak<Shared>>>);

impl Queues {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Weak<Shared>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Queue> {
        self.lock().get(name)?.upgrade().map(|shared| Queue { shared })
    }

    pub(crate) fn all(&self) -> Vec<Queue> {
        let all = self.lock().values().filter_map(Weak::upgrade).collect::<Vec<_>>();
        all.into_iter().map(|shared| Queue { shared }).collect()
    }

    /// The member is no more.
    pub(crate) fn leave(&self, owner: MemberId, how: Leave) {
        for queue in self.all() {
            queue.shared.change(|state, effects| state.leave_all(owner, how, effects));
        }
    }

    /// The member gets nothing more.
    pub(crate) fn retire(&self, owner: MemberId) {
        for queue in self.all() {
            queue.shared.change(|state, effects| state.retire_all(owner, effects));
        }
    }

    /// `None`: there is one of this name.
    pub(crate) fn open(
        &self,
        exchange: &Exchange,
        name: &str,
        mut addresses: Vec<Address>,
        (dispatch, bound): (Dispatch, usize),
        report: Report,
    ) -> Option<Queue> {
        addresses.sort_unstable();
        let state = Mutex::new(State::new(dispatch, bound.max(1)));
        let shared = Arc::new(Shared { addresses, state, report, member: OnceLock::new() });
        {
            let mut queues = self.lock();
            queues.retain(|_, queue| queue.strong_count() > 0);
            if queues.contains_key(name) {
                return None;
            }
            queues.insert(name.to_owned(), Arc::downgrade(&shared));
        }
        let member = exchange.join(1, Arc::new(QueueInlet(Arc::downgrade(&shared))));
        member.subscribe(0, shared.addresses.clone());
        let _first = shared.member.set(member);
        Some(Queue { shared })
    }
}
