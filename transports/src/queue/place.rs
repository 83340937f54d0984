//! A place in a queue group.

use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;

use super::{Leave, Shared};
use crate::{Frame, JoinError, QueueSeat};

/// A place in a [`Queue`](super::Queue). Dropping it leaves: what it had begun is done, unless the thread panics.
pub struct Place {
    shared: Arc<Shared>,
    key: u64,
}

impl Place {
    pub(super) fn new(shared: Arc<Shared>, key: u64) -> Self {
        Self { shared, key }
    }

    /// The next event is given to the place, which has not begun it yet; `None` when none will be. While there is none, or it has
    /// as many as it may have, `waker` is woken when that changes.
    pub fn poll_give(&self, waker: &Waker) -> Poll<Option<Frame>> {
        let waker = waker.clone();
        self.shared.change(|state, effects| state.give(self.key, waker, effects))
    }

    /// The event that was given last cannot be brought there. It is lost.
    pub fn discard(&self) {
        self.shared.change(|state, effects| state.discard(self.key, effects));
    }

    /// What was given first is begun, and what was begun before is done.
    pub fn begin(&self) {
        self.shared.change(|state, effects| state.begin(self.key, effects));
    }

    /// What was begun is done.
    pub fn finish(&self) {
        self.shared.change(|state, effects| state.finish(self.key, effects));
    }

    /// What was begun cannot be read there.
    pub fn reject(&self, reason: String) {
        self.shared.change(|state, effects| state.reject(self.key, reason, effects));
    }

    /// It is given nothing more than what it was given.
    pub fn retire(&self) {
        self.shared.change(|state, effects| state.retire(self.key, effects));
    }

    /// It wants nothing more.
    pub fn leave(&self, how: Leave) {
        self.shared.change(|state, effects| state.leave(self.key, how, effects));
    }

    /// The next event is given and begun at once, and what was begun before is done.
    pub(super) fn poll_begin(&self, waker: &Waker) -> Poll<Option<Frame>> {
        let waker = waker.clone();
        self.shared.change(|state, effects| state.take(self.key, waker, effects))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave(if thread::panicking() { Leave::Unfinished } else { Leave::Done });
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.key).finish()
    }
}

/// The place of a bus in this process.
pub(crate) struct ThreadSeat(pub(crate) Result<Place, JoinError>);

impl QueueSeat for ThreadSeat {
    fn poll_joined(&mut self, _: &Waker) -> Poll<Result<(), JoinError>> {
        Poll::Ready(self.0.as_ref().map(drop).map_err(Clone::clone))
    }

    fn poll_next(&mut self, waker: &Waker) -> Poll<Option<Frame>> {
        self.0.as_ref().map_or(Poll::Ready(None), |place| place.poll_begin(waker))
    }

    fn reject(&mut self, reason: String) {
        if let Ok(place) = &self.0 {
            place.reject(reason);
        }
    }
}
