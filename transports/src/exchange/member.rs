//! A member's end of the exchange.

use std::fmt;
use std::sync::Arc;

use super::pump::Hand;
use super::state::Offered;
use super::{MemberId, Shared};
use crate::queue::{Leave, Place, ThreadSeat};
use crate::{
    Address, Closing, ErrorCode, Frame, JoinError, JoinQueue, Link, Patience, QueueSeat, Rejection,
    SendError, Sending,
};

/// A member of an [`Exchange`](super::Exchange). Dropping it closes it.
pub struct Member {
    shared: Arc<Shared>,
    id: MemberId,
    hand: Arc<Hand>,
    name: String,
}

impl Member {
    pub(super) fn new(shared: Arc<Shared>, hand: Arc<Hand>) -> Self {
        Self { shared, id: hand.member, hand, name: String::new() }
    }

    /// With the name by which queue groups know it.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gets nothing more than what its inbox holds.
    pub(crate) fn end_intake(&self) {
        self.shared.change(|state, effects| state.end_intake(self.id, effects));
    }

    /// A place in a queue group.
    ///
    /// # Errors
    /// There is no such group, or it follows something else.
    pub fn join(&self, join: &JoinQueue) -> Result<Place, Rejection> {
        let JoinQueue { group, addresses, prefetch } = join;
        let refuse = |reason: String| Rejection::new(ErrorCode::NotFound, reason);
        let Some(queue) = self.shared.queues.find(group) else {
            return Err(refuse(format!("the host has no pool {group:?}")));
        };
        if !queue.follows(addresses) {
            return Err(refuse(format!("the pool {group:?} selects something else")));
        }
        let place = queue.join(self.id, &self.name, *prefetch);
        // Asked after it can be found: whoever retires the member finds it, or is seen here.
        if self.shared.lock().is_retired(self.id) {
            place.retire();
        }
        Ok(place)
    }

    /// Who it is.
    #[must_use]
    pub fn id(&self) -> MemberId {
        self.id
    }
}

pub(super) fn publish(
    shared: &Arc<Shared>,
    from: MemberId,
    to: Option<MemberId>,
    frame: Frame,
    patience: Patience,
) -> Sending {
    let offered = shared.change(|state, effects| {
        let offered = state.offer(from, to, frame, effects);
        if let Offered::NoRoom(_) = offered {
            state.look_for_room(effects);
        }
        offered
    });
    let frame = match offered {
        Offered::Accepted => return Sending::Done(Ok(())),
        Offered::Closed(_) => return Sending::Done(Err(SendError::Closed)),
        Offered::NoRoom(frame) => frame,
    };
    // There is room by now where an inlet had some that it had not told of.
    let mut refused = None;
    let sending = shared.change(|state, effects| match state.offer(from, to, frame, effects) {
        Offered::Accepted => Sending::Done(Ok(())),
        Offered::NoRoom(frame) if patience == Patience::Wait => {
            Sending::Pending(state.join_line(shared, from, to, frame, effects))
        }
        Offered::NoRoom(frame) => {
            refused = Some(frame);
            Sending::Done(Err(SendError::Full))
        }
        Offered::Closed(frame) => {
            refused = Some(frame);
            Sending::Done(Err(SendError::Closed))
        }
    });
    drop(refused);
    sending
}

impl Link for Member {
    fn publish(&self, frame: Frame, patience: Patience) -> Sending {
        publish(&self.shared, self.id, None, frame, patience)
    }

    /// What its inbox holds.
    fn in_flight(&self) -> u64 {
        self.shared.lock().depth(self.id) as u64
    }

    fn is_waited_for(&self) -> bool {
        self.hand.is_waited_for()
    }

    fn look_for_room(&self) {
        self.shared.change(|state, effects| state.wake(self.id, effects));
    }

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        let inlet = self.shared.change(|state, effects| state.follow(self.id, addresses, effects));
        if let Some(inlet) = inlet {
            inlet.subscribed(request);
        }
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        self.shared.change(|state, effects| state.unfollow(self.id, &addresses, effects));
    }

    fn join_queue(&self, join: JoinQueue) -> Option<Box<dyn QueueSeat>> {
        let is_closed = self.shared.lock().is_muted(self.id);
        let place =
            if is_closed { Err(JoinError::Closed) } else { self.join(&join).map_err(JoinError::Rejected) };
        Some(Box::new(ThreadSeat(place)))
    }

    /// Over when its inlet has all that its inbox holds, which takes as long as its inlet.
    fn close(&self) -> Closing {
        self.shared.queues.leave(self.id, Leave::Done);
        match self.shared.change(|state, effects| state.close(self.id, effects)) {
            Some(closing) => Closing::Pending(closing),
            None => Closing::Done(0),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        drop(self.close());
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Member").field(&self.id.0).finish()
    }
}
