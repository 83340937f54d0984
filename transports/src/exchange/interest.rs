//! What members follow, and who waits for that.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_channel::oneshot;

use super::MemberId;
use super::effects::Effects;
use super::line::Waiter;
use super::state::State;
use crate::{Address, Inlet};

/// Who waits for a member to follow something.
pub(super) struct Watcher {
    pub(super) member: MemberId,
    pub(super) addresses: Vec<Address>,
    pub(super) answer: oneshot::Sender<()>,
}

impl State {
    /// Gives the inlet that is to hear of it, unless the member gets nothing more.
    pub(super) fn follow(
        &mut self,
        member: MemberId,
        addresses: Vec<Address>,
        effects: &mut Effects,
    ) -> Option<Arc<dyn Inlet>> {
        let seat = self.seats.get_mut(&member).filter(|seat| !seat.gets_no_more)?;
        for address in addresses {
            // They will be accepted after this, so by this member too.
            let matches = |waiter: &Waiter| {
                let header = &waiter.frame.header;
                waiter.to.is_none_or(|to| to == member) && address.matches(header.topic(), header.id())
            };
            let waiting = self.line.iter().filter(|(_, waiter)| matches(waiter));
            seat.claims.extend(waiting.map(|(key, _)| *key));
            self.routes.add(&address, member);
            seat.followed.insert(address);
        }
        let is_covered = |address: &Address| {
            let whole = |address: &Address| Address::whole(address.topic()).ok();
            seat.followed.contains(address) || whole(address).is_some_and(|it| seat.followed.contains(&it))
        };
        let due = |watcher: &mut Watcher| {
            watcher.answer.is_canceled()
                || (watcher.member == member && watcher.addresses.iter().all(is_covered))
        };
        for watcher in self.watchers.extract_if(.., due) {
            effects.follows(watcher.answer);
        }
        let inlet = Arc::clone(&seat.inlet);
        // Those in the line wait for this member too, from now on.
        if !seat.claims.is_empty() {
            seat.hand.set_waited_for(true);
            self.wake(member, effects);
        }
        Some(inlet)
    }

    pub(super) fn unfollow(&mut self, member: MemberId, addresses: &[Address], effects: &mut Effects) {
        let mut next = BTreeSet::new();
        self.stop_following(member, addresses, &mut next);
        self.admit(next, effects);
    }

    /// Those who wait for the member no more, and whose turn it is there now, are added to `next`.
    pub(super) fn stop_following(
        &mut self,
        member: MemberId,
        addresses: &[Address],
        next: &mut BTreeSet<u64>,
    ) {
        let Some(seat) = self.seats.get_mut(&member) else { return };
        for address in addresses {
            if seat.followed.remove(address) {
                self.routes.remove(address, member);
            }
        }
        seat.claims.retain(|key| {
            let waiter = self.line.get(key);
            let stays = waiter.is_some_and(|waiter| self.routes.follows(&waiter.frame.header, member));
            if !stays {
                next.insert(*key);
            }
            stays
        });
        next.extend(seat.claims.first());
    }

    pub(super) fn until_follows(
        &mut self,
        member: MemberId,
        addresses: Vec<Address>,
        effects: &mut Effects,
    ) -> oneshot::Receiver<()> {
        let (answer, receiver) = oneshot::channel();
        self.watchers.push(Watcher { member, addresses, answer });
        if self.follow(member, Vec::new(), effects).is_none() {
            // Dropped outside the lock, as every sender is.
            let gone = self.watchers.pop();
            gone.into_iter().for_each(|watcher| effects.forget(watcher.answer));
        }
        receiver
    }
}
