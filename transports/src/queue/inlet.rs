//! What the exchange gives to a queue group.

use std::sync::Weak;
use std::task::{Poll, Waker};

use super::Shared;
use crate::{Address, ConnectionState, Frame, Gap, Header, Inlet, Rejection, SendError, Undecodable};

/// It does not keep the group: whoever runs it does.
pub(super) struct QueueInlet(pub(super) Weak<Shared>);

impl Inlet for QueueInlet {
    fn poll_ready(&self, waker: &Waker) -> Poll<()> {
        let waker = waker.clone();
        self.0
            .upgrade()
            .map_or(Poll::Ready(()), |queue| queue.change(|state, effects| state.poll_room(waker, effects)))
    }

    fn deliver(&self, frame: Frame) {
        if let Some(queue) = self.0.upgrade() {
            queue.change(|state, effects| state.take_in(frame, effects));
        }
    }

    fn subscribed(&self, _: u64) {}

    /// An exchange refuses nobody, loses nothing, and sends what it took.
    fn refused(&self, _: u64, _: Address, _: Rejection) {}

    fn gap(&self, _: Option<Address>, _: Gap) {}

    fn undecodable(&self, _: Undecodable) {}

    fn not_sent(&self, _: Header, _: SendError) {}

    fn state(&self, state: ConnectionState) {
        if let (ConnectionState::Closed { .. }, Some(queue)) = (state, self.0.upgrade()) {
            queue.change(super::State::close);
        }
    }
}
