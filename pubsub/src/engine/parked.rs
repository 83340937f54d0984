//! Readers of a log that wait for its next event.

use std::task::Waker;

use super::effects::Effects;

/// Where a reader parked. It becomes stale when the readers are woken, and then says nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct Ticket(u64);

/// Wakers in the order in which the readers parked; one that left in between leaves a hole.
#[derive(Default)]
pub(super) struct Parked {
    wakers: Vec<Option<Waker>>,
    /// Number of the first of them. Numbers start at 1, so that the default ticket is stale.
    woken: u64,
}

impl Parked {
    fn place(&mut self, ticket: Ticket) -> Option<&mut Option<Waker>> {
        let place = ticket.0.checked_sub(self.woken + 1)?;
        self.wakers.get_mut(usize::try_from(place).ok()?)
    }

    /// Gives the waker that it replaces, which is dropped outside the lock.
    pub(super) fn park(&mut self, ticket: &mut Ticket, waker: &Waker) -> Option<Waker> {
        if let Some(place) = self.place(*ticket) {
            return match place {
                Some(parked) if parked.will_wake(waker) => None,
                place => place.replace(waker.clone()),
            };
        }
        self.wakers.push(Some(waker.clone()));
        *ticket = Ticket(self.woken + self.wakers.len() as u64);
        None
    }

    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        self.place(ticket).and_then(Option::take)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.wakers.is_empty()
    }

    pub(super) fn wake_all(&mut self, effects: &mut Effects) {
        if self.wakers.is_empty() {
            return;
        }
        self.woken += self.wakers.len() as u64;
        if self.wakers.len() == 1 {
            if let Some(waker) = self.wakers.pop().flatten() {
                effects.wake(waker);
            }
        } else {
            effects.wake_all(&mut self.wakers);
        }
    }
}
