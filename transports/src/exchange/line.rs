//! Publishes that wait for room, in order.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};

use futures_channel::oneshot;

use super::effects::Effects;
use super::state::State;
use super::{MemberId, Shared};
use crate::{Frame, SendError};

pub(super) struct Waiter {
    pub(super) from: MemberId,
    pub(super) to: Option<MemberId>,
    pub(super) frame: Frame,
    answer: oneshot::Sender<Result<(), SendError>>,
}

/// Woken when the answer of a publish in the line is not waited for any more.
struct Cancel {
    shared: Weak<Shared>,
    key: u64,
}

impl Wake for Cancel {
    fn wake(self: Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.change(|state, effects| state.cancel(self.key, effects));
        }
    }
}

impl State {
    /// The frame that was just offered in vain waits, until the answer is not waited for any more.
    pub(super) fn join_line(
        &mut self,
        shared: &Arc<Shared>,
        from: MemberId,
        to: Option<MemberId>,
        frame: Frame,
        effects: &mut Effects,
    ) -> oneshot::Receiver<Result<(), SendError>> {
        self.last_waiter += 1;
        let key = self.last_waiter;
        let (mut answer, receiver) = oneshot::channel();
        let cancel = Waker::from(Arc::new(Cancel { shared: Arc::downgrade(shared), key }));
        let _pending = answer.poll_canceled(&mut Context::from_waker(&cancel));
        for member in &self.targets {
            if let Some(seat) = self.seats.get_mut(member) {
                seat.claims.insert(key);
                seat.hand.set_waited_for(true);
            }
        }
        self.line.insert(key, Waiter { from, to, frame, answer });
        // Who made room before did not know of it.
        self.look_for_room(effects);
        receiver
    }

    /// Accepts those of `next` who have their turn and room, and then those who had waited for nothing but these.
    pub(super) fn admit(&mut self, mut next: BTreeSet<u64>, effects: &mut Effects) {
        while let Some(key) = next.pop_first() {
            let Some(waiter) = self.line.remove(&key) else { continue };
            self.find_targets(waiter.to, &waiter.frame.header);
            if !self.targets_have_room_for(Some(key)) {
                self.line.insert(key, waiter);
                continue;
            }
            self.accept(waiter.frame, effects);
            effects.answer(waiter.answer, Ok(()));
            self.give_up_turn(key, &mut next);
        }
    }

    /// The targets wait for `key` no more. Whose turn it is now is added to `next`.
    fn give_up_turn(&mut self, key: u64, next: &mut BTreeSet<u64>) {
        for member in &self.targets {
            if let Some(seat) = self.seats.get_mut(member) {
                seat.claims.remove(&key);
                next.extend(seat.claims.first());
            }
        }
    }

    /// The publish does not wait any more.
    pub(super) fn cancel(&mut self, key: u64, effects: &mut Effects) {
        let Some(waiter) = self.line.remove(&key) else { return };
        self.find_targets(waiter.to, &waiter.frame.header);
        effects.discard(waiter.frame);
        let mut next = BTreeSet::new();
        self.give_up_turn(key, &mut next);
        self.admit(next, effects);
    }

    /// Gives those back that are of this kind. Whose turn it is now is added to `next`.
    pub(super) fn refuse(
        &mut self,
        which: impl Fn(&Waiter) -> bool,
        next: &mut BTreeSet<u64>,
        effects: &mut Effects,
    ) {
        let refused = self.line.iter().filter(|(_, waiter)| which(waiter)).map(|(key, _)| *key);
        for key in refused.collect::<Vec<_>>() {
            let Some(waiter) = self.line.remove(&key) else { continue };
            self.find_targets(waiter.to, &waiter.frame.header);
            self.give_up_turn(key, next);
            effects.discard(waiter.frame);
            effects.answer(waiter.answer, Err(SendError::Closed));
        }
    }
}
