//! An exchange of frames between members in one process, without a thread or a runtime of its own.
//!
//! # What it promises
//! A member has an inbox, which is bounded, and follows addresses. A publish is accepted by the inboxes of all members that
//! follow its address, each once, the publisher's own included, or by none. So there is one order of all events, and every
//! member sees its part of it. Where there is no room a publish is refused, or it joins the [line]: first come,
//! first served, and nobody overtakes a publish that waits for a member which both match. That it was accepted is its answer.
//!
//! # Who does the work
//! Whoever has put a frame into an inbox hands it on to the member's inlet, if nobody else is at it: see `pump`. When an
//! inlet has no room the frame stays in the inbox, and whoever makes room, a reader most often, goes on from there.
//!
//! # Locks
//! One, for all of it. None is held while an inlet, a waker or the destructor of a frame runs: see `Effects`.

mod effects;
mod ending;
mod interest;
mod line;
mod member;
mod pump;
mod routes;
mod state;
mod sync;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, PoisonError};

use futures_channel::oneshot;

use self::effects::Effects;
pub use self::member::Member;
use self::state::State;
use self::sync::{Mutex, MutexGuard};
use crate::queue::{Leave, Queue, Queues, Unfinished};
use crate::{
    Address, Carries, Delivery, Dispatch, Frame, Guarantees, Inlet, Ordering, OwnEvents, Patience, Sending,
};

/// Where members exchange frames. A clone is another handle on it.
#[derive(Clone)]
pub struct Exchange {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    queues: Queues,
}

impl Shared {
    /// No code of users runs under the lock, so whoever panicked held no half-changed state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then does what follows from it, without the lock.
    fn change<R>(&self, change: impl FnOnce(&mut State, &mut Effects) -> R) -> R {
        let mut effects = Effects::default();
        let result = change(&mut self.lock(), &mut effects);
        pump::drive(self, effects);
        result
    }
}

/// Who a member is, also when it has left. Numbers are not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberId(u64);

impl Exchange {
    /// What its members can rely on.
    pub const GUARANTEES: Guarantees = Guarantees {
        ordering: Ordering::PerTopic,
        delivery: Delivery::ExactlyOnce,
        own_events: OwnEvents::Echoed,
        carries: Carries::Shared,
        backpressure: true,
        history: false,
        acknowledgement: false,
    };

    /// Without members.
    #[must_use]
    pub fn new() -> Self {
        let (state, queues) = (Mutex::new(State::default()), Queues::default());
        Self { shared: Arc::new(Shared { state, queues }) }
    }

    /// A new member, whose inbox holds at most `bound` frames: at least one. One more is in the hands of whoever gives
    /// it to the inlet.
    #[must_use]
    pub fn join(&self, bound: usize, inlet: Arc<dyn Inlet>) -> Member {
        let hand = self.shared.lock().join(&self.shared, bound.max(1), inlet);
        Member::new(Arc::clone(&self.shared), hand)
    }

    /// A queue group that follows these addresses, in which so many events wait; `None` if there is one of this name.
    /// `unfinished` is called without a lock.
    #[must_use]
    pub fn open_queue(
        &self,
        name: &str,
        addresses: Vec<Address>,
        dispatch: Dispatch,
        bound: usize,
        unfinished: impl Fn(Unfinished) + Send + Sync + 'static,
    ) -> Option<Queue> {
        self.shared.queues.open(self, name, addresses, (dispatch, bound), Box::new(unfinished))
    }

    /// The queue group of this name.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<Queue> {
        self.shared.queues.find(name)
    }

    /// The member has no place in a queue group any more.
    pub fn leave_queues(&self, member: MemberId, how: Leave) {
        self.shared.queues.leave(member, how);
    }

    /// The member is given nothing more by queue groups, whatever it joins.
    pub fn retire(&self, member: MemberId) {
        self.shared.lock().retire(member);
        self.shared.queues.retire(member);
    }

    /// Sends a frame of `from` to one member, and to it only if it follows the address.
    pub fn publish_to(&self, from: MemberId, to: MemberId, frame: Frame, patience: Patience) -> Sending {
        member::publish(&self.shared, from, Some(to), frame, patience)
    }

    /// Frames in the inbox of a member; none if it has left.
    #[must_use]
    pub fn depth(&self, member: MemberId) -> usize {
        self.shared.lock().depth(member)
    }

    /// What a member follows, in order; nothing if it has left.
    #[must_use]
    pub fn followed(&self, member: MemberId) -> Vec<Address> {
        self.shared.lock().followed(member)
    }

    /// Answers when the member follows all of this, by these addresses or by the whole topic. Cancelled when it left before.
    pub fn until_follows(&self, member: MemberId, addresses: Vec<Address>) -> oneshot::Receiver<()> {
        self.shared.change(|state, effects| state.until_follows(member, addresses, effects))
    }

    /// The member gets nothing more than what its inbox holds. When it has all of that, its inlet is told that it is closed.
    /// It can still publish.
    pub fn end_intake(&self, member: MemberId) {
        self.shared.change(|state, effects| state.end_intake(member, effects));
    }

    /// Nothing more is taken from the member, and what it has in the line is refused. It still gets what it follows.
    pub fn mute(&self, member: MemberId) {
        self.shared.change(|state, effects| state.mute(member, effects));
    }

    /// The member is gone. Gives how many frames its inbox held.
    pub fn expel(&self, member: MemberId) -> u64 {
        self.shared.change(|state, effects| state.leave(member, effects))
    }

    /// Members, addresses that somebody follows, and publishes in the line: what is to be zero in the end.
    #[must_use]
    pub fn entries(&self) -> (usize, usize, usize) {
        self.shared.lock().entries()
    }
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (members, addresses, line) = self.entries();
        f.debug_struct("Exchange")
            .field("members", &members)
            .field("addresses", &addresses)
            .field("line", &line)
            .finish()
    }
}
