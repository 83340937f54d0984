//! A member's end of the exchange.

use std::fmt;
use std::sync::Arc;

use super::state::Offered;
use super::{MemberId, Shared};
use crate::{Address, Closing, Frame, Link, Patience, SendError, Sending};

/// A member of an [`Exchange`](super::Exchange). Dropped, it leaves, and what its inbox holds is given up.
pub struct Member {
    shared: Arc<Shared>,
    id: MemberId,
}

impl Member {
    pub(super) fn new(shared: Arc<Shared>, id: MemberId) -> Self {
        Self { shared, id }
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
    let mut refused = None;
    let sending = shared.change(|state, effects| match state.offer(from, to, frame, effects) {
        Offered::Accepted => Sending::Done(Ok(())),
        Offered::NoRoom(frame) if patience == Patience::Wait => {
            Sending::Pending(state.join_line(shared, from, to, frame))
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

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        let inlet = self.shared.change(|state, effects| state.follow(self.id, addresses, effects));
        if let Some(inlet) = inlet {
            inlet.subscribed(request);
        }
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        self.shared.change(|state, effects| state.unfollow(self.id, &addresses, effects));
    }

    /// Over when its inlet has all that its inbox holds, which takes as long as its inlet.
    fn close(&self) -> Closing {
        match self.shared.change(|state, effects| state.close(self.id, effects)) {
            Some(closing) => Closing::Pending(closing),
            None => Closing::Done(0),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.shared.change(|state, effects| state.leave(self.id, effects));
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Member").field(&self.id.0).finish()
    }
}
