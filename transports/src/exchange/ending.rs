//! How a member ends: one direction, both, or at once.

use std::collections::BTreeSet;

use futures_channel::oneshot;

use super::MemberId;
use super::effects::Effects;
use super::pump::Pump;
use super::state::State;

impl State {
    pub(super) fn end_intake(&mut self, member: MemberId, effects: &mut Effects) {
        let mut next = BTreeSet::new();
        self.stop_intake(member, &mut next, effects);
        self.admit(next, effects);
    }

    fn stop_intake(&mut self, member: MemberId, next: &mut BTreeSet<u64>, effects: &mut Effects) {
        let Some(seat) = self.seats.get_mut(&member).filter(|seat| !seat.gets_no_more) else { return };
        seat.gets_no_more = true;
        if seat.pump == Pump::Idle {
            effects.run(seat.run(None));
        }
        let followed: Vec<_> = seat.followed.iter().cloned().collect();
        self.refuse(|waiter| waiter.to == Some(member), next, effects);
        self.stop_following(member, &followed, next);
        for watcher in self.watchers.extract_if(.., |watcher| watcher.member == member) {
            effects.forget(watcher.answer);
        }
    }

    pub(super) fn mute(&mut self, member: MemberId, effects: &mut Effects) {
        let mut next = BTreeSet::new();
        self.stop_hearing(member, &mut next, effects);
        self.admit(next, effects);
    }

    /// Nothing more is taken from the member, and what it has in the line is refused.
    fn stop_hearing(&mut self, member: MemberId, next: &mut BTreeSet<u64>, effects: &mut Effects) {
        let Some(seat) = self.seats.get_mut(&member) else { return };
        seat.is_muted = true;
        self.refuse(|waiter| waiter.from == member, next, effects);
    }

    /// Both ends. Gives the end of it, unless it has ended.
    pub(super) fn close(
        &mut self,
        member: MemberId,
        effects: &mut Effects,
    ) -> Option<oneshot::Receiver<u64>> {
        let mut next = BTreeSet::new();
        self.stop(member, &mut next, effects);
        self.admit(next, effects);
        let seat = self.seats.get_mut(&member)?;
        if seat.is_told {
            self.leave(member, effects);
            return None;
        }
        let (answer, receiver) = oneshot::channel();
        seat.closings.push(answer);
        Some(receiver)
    }

    /// Nothing comes from the member or goes to it any more, before those who waited for it are admitted.
    fn stop(&mut self, member: MemberId, next: &mut BTreeSet<u64>, effects: &mut Effects) {
        self.stop_hearing(member, next, effects);
        self.stop_intake(member, next, effects);
    }

    /// The member is not there any more. Gives how many frames its inbox held.
    pub(super) fn leave(&mut self, member: MemberId, effects: &mut Effects) -> u64 {
        let mut next = BTreeSet::new();
        self.stop(member, &mut next, effects);
        let Some(seat) = self.seats.remove(&member) else { return 0 };
        let given_up = seat.inbox.len() as u64;
        effects.discard_all(seat.inbox);
        for closing in seat.closings {
            effects.closing(closing, given_up);
        }
        if seat.is_told {
            effects.release(seat.inlet);
        } else {
            effects.closed(seat.inlet);
        }
        self.admit(next, effects);
        given_up
    }
}
