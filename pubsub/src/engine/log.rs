//! A log that subscriptions share: one write for each event, a cursor for each reader.

use std::sync::Arc;
use std::task::Waker;

use super::claims::Claims;
use super::cursors::{Cursor, Cursors};
use super::effects::Effects;
use super::held::{DISCARDED, Held, WAITED_FOR};
use super::parked::{Parked, Ticket};
use super::ring::{Ring, Slot};
use super::stats::Blocking;
use crate::delivery::End;
use crate::event::Stored;

/// Events that a reader takes at most each time it holds the lock.
pub(super) const BATCH: usize = 32;

/// For one address or one topic, one policy and one bound.
///
/// Under backpressure a reader takes several events at once; those that it [holds](Held) count against the bound.
/// With drop-oldest it takes one at a time, since what it held could not give way.
pub(super) struct Log {
    pub(super) terms: Shared,
    closed: bool,
    slots: Ring,
    /// The number of the first slot. Every event ever written has one.
    first: u64,
    /// Backpressure: places that are known to be free. There may be more.
    free: u32,
    cursors: Cursors,
    parked: Parked,
    /// Backpressure: publishes that wait, for this log or for another that they need as well.
    pub(super) claims: Claims,
}

/// What readers must have in common to share a log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) bound: u32,
    pub(super) drops_oldest: bool,
}

/// What a reader learns besides the event, or instead of one. Not returned with the event: a result of two words stays
/// in registers, and a larger one, handed up from function to function, took a third of the time of a single event.
#[derive(Default)]
pub(crate) struct Found {
    /// How many events were lost just before.
    pub(crate) missed: u64,
    /// There will be none.
    pub(crate) end: Option<End>,
}

impl Log {
    pub(super) fn new(terms: Shared) -> Self {
        Self {
            terms,
            closed: false,
            slots: Ring::default(),
            first: 0,
            free: terms.bound,
            cursors: Cursors::default(),
            parked: Parked::default(),
            claims: Claims::default(),
        }
    }

    fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    pub(super) fn readers(&self) -> u32 {
        self.cursors.count()
    }

    pub(super) fn makes_wait(&self) -> bool {
        !self.terms.drops_oldest
    }

    /// Whether an event can be taken in now, without overtaking one that waits.
    #[inline]
    pub(super) fn has_room_now(&mut self) -> bool {
        self.terms.drops_oldest || (self.claims.is_empty() && self.has_room())
    }

    /// Whether one more event has room, were nobody waiting.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        self.free > 0 || self.finds_room()
    }

    #[inline(never)]
    fn finds_room(&mut self) -> bool {
        self.count_free(Cursor::held_count);
        self.free > 0
    }

    /// Says to all that hold something that room is waited for. Whether there is some after all.
    pub(super) fn wait_for_room(&mut self) -> bool {
        self.count_free(|cursor| cursor.held.as_ref().map_or(0, |held| held.mark(WAITED_FOR)));
        self.free > 0
    }

    fn count_free(&mut self, held: impl Fn(&Cursor) -> u32) {
        let end = self.end();
        let unread = |cursor: &Cursor| end - cursor.at + u64::from(held(cursor));
        // Every cursor is visited: `held` may have something to tell it.
        let most = self.cursors.taken().map(unread).fold(0, u64::max);
        self.free = u32::try_from(u64::from(self.terms.bound).saturating_sub(most)).unwrap_or(u32::MAX);
    }

    /// Takes an event in where nobody waits for it and none gives way, as [`push`](Self::push) does otherwise. Gives it
    /// back if it is not so.
    #[inline]
    pub(super) fn push_quietly(&mut self, stored: Stored) -> Option<Stored> {
        let gives_way = self.terms.drops_oldest && self.slots.len() >= self.terms.bound as usize;
        if gives_way || !self.parked.is_empty() {
            return Some(stored);
        }
        // With drop-oldest it says nothing.
        self.free = self.free.wrapping_sub(1);
        self.slots.push(stored, self.cursors.count());
        None
    }

    /// Takes an event in. Under backpressure the caller has seen to it that there is room. Gives how many readers
    /// lost one for it.
    pub(super) fn push(&mut self, stored: Stored, effects: &mut Effects) -> u32 {
        let mut lost = 0;
        if self.terms.drops_oldest {
            if self.slots.len() >= self.terms.bound as usize {
                lost = self.evict(effects);
            }
        } else {
            self.free -= 1;
        }
        self.slots.push(stored, self.cursors.count());
        self.parked.wake_all(effects);
        lost
    }

    fn evict(&mut self, effects: &mut Effects) -> u32 {
        let Some(oldest) = self.slots.pop() else { return 0 };
        self.first += 1;
        if let Some(stored) = oldest.stored {
            effects.discard(stored);
        }
        oldest.owed
    }

    pub(super) fn join(&mut self, held: Option<Arc<Held>>) -> u32 {
        self.cursors.join(self.end(), held)
    }

    /// Where the reader's next events are: the first, and how many it takes at once. None if there are none; if it is
    /// not the end either, the reader is woken when there are.
    #[inline]
    pub(super) fn read(
        &mut self,
        seat: u32,
        ticket: &mut Ticket,
        most: usize,
        waker: &Waker,
        found: &mut Found,
        effects: &mut Effects,
    ) -> Option<(usize, usize)> {
        let cursor = self.cursors.seat(seat);
        found.missed = self.first.saturating_sub(cursor.at);
        cursor.at += found.missed;
        // In range: a cursor is never beyond the slots.
        let offset = (cursor.at - self.first) as usize;
        let unread = self.slots.len() - offset;
        if unread == 0 {
            if self.closed {
                found.end = Some(End::Closed);
            } else {
                effects.forget(self.parked.park(ticket, waker));
            }
            return None;
        }
        let batch = if self.terms.drops_oldest { 1 } else { unread.min(most) };
        cursor.at += batch as u64;
        Some((offset, batch))
    }

    /// The reader took several events, and hands out the first now. `held` is its share of their count.
    pub(super) fn hold(&mut self, seat: u32, batch: usize, held: &mut Option<Arc<Held>>) {
        let cursor = self.cursors.seat(seat);
        let held = held.get_or_insert_with(|| Arc::clone(cursor.held.get_or_insert_default()));
        let waited_for = !self.claims.is_empty() || self.closed;
        if self.closed {
            held.set_undrained();
        }
        held.refill(batch as u32 - 1, if waited_for { WAITED_FOR } else { 0 });
    }

    /// The event at `offset`: moved out for the last of those who have still to read it, shared otherwise.
    #[inline]
    pub(super) fn take_one(&mut self, offset: usize) -> Option<Stored> {
        let slot = self.slots.slot(offset);
        slot.owed -= 1;
        if offset == 0 && slot.owed == 0 {
            self.first += 1;
            return self.slots.pop().and_then(|slot| slot.stored);
        }
        slot.stored.clone()
    }

    /// The event at `offset`, and those of the batch that follow it into `events`, the next one last.
    ///
    /// Compiled for each type of events, unlike the rest of the engine: what an erased event is costs a call to find
    /// out, which in this loop is a third of what it is in between two events.
    pub(super) fn take_batch<T>(
        &mut self,
        (offset, batch): (usize, usize),
        events: &mut Vec<T>,
        make: impl Fn(Stored) -> T,
    ) -> Option<Stored> {
        events.reserve(batch - 1);
        let rest = (offset + 1, batch - 1);
        if offset == 0 && self.slots.slot(batch - 1).owed == 1 {
            for slot in self.slots.backwards(rest.0, rest.1) {
                if let Some(stored) = slot.stored.take() {
                    events.push(make(stored));
                }
            }
            let first = self.slots.slot(0).stored.take();
            self.slots.skip(batch);
            self.first += batch as u64;
            return first;
        }
        let share = |slot: &mut Slot| {
            slot.owed -= 1;
            slot.stored.clone()
        };
        for slot in self.slots.backwards(rest.0, rest.1) {
            if let Some(stored) = share(slot) {
                events.push(make(stored));
            }
        }
        let first = share(self.slots.slot(offset));
        self.trim();
        first
    }

    /// Gives up the slots that nobody owes any more. Their readers took what was in them: it lives on.
    fn trim(&mut self) {
        while self.slots.first().is_some_and(|slot| slot.owed == 0) {
            self.slots.pop();
            self.first += 1;
        }
    }

    /// What follows from having handed out an event: whose turn it is, and whether a closed log was read to its end.
    #[inline]
    pub(super) fn after_read(&self, seat: u32, follow: &mut Follow) {
        if self.closed || !self.claims.is_empty() {
            self.follow(seat, follow);
        }
    }

    /// The same for an event that was held; the reader may not be waited for any more.
    pub(super) fn after_handing_out(&self, seat: u32, follow: &mut Follow) {
        self.after_read(seat, follow);
        if self.claims.is_empty()
            && !self.closed
            && let Some(held) = &self.cursors.get(seat).held
        {
            held.unmark(WAITED_FOR);
        }
    }

    #[cold]
    fn follow(&self, seat: u32, follow: &mut Follow) {
        let cursor = self.cursors.get(seat);
        // One that holds nothing had the event that it just read.
        follow.drained = self.closed && self.unread(cursor) == 0 && cursor.settle(1);
        follow.next = self.claims.first();
    }

    fn unread(&self, cursor: &Cursor) -> u64 {
        self.end() - cursor.at.max(self.first) + u64::from(cursor.held_count())
    }

    /// Gives whether it was one that had something of a closed log left.
    pub(super) fn leave(&mut self, seat: u32, ticket: Ticket, effects: &mut Effects) -> bool {
        let unread = self.unread(self.cursors.get(seat));
        let cursor = self.cursors.leave(seat);
        let undrained = self.closed && cursor.settle(unread);
        let offset = (cursor.at.max(self.first) - self.first) as usize;
        for slot in self.slots.backwards(offset, self.slots.len() - offset) {
            slot.owed -= 1;
        }
        while self.slots.first().is_some_and(|slot| slot.owed == 0) {
            self.evict(effects);
        }
        // Not woken but dropped, outside the lock.
        effects.forget(self.parked.leave(ticket));
        undrained
    }

    /// Events that wait for this reader in the log, those it holds not counted.
    pub(super) fn len(&self, seat: u32) -> u64 {
        self.end() - self.cursors.get(seat).at.max(self.first)
    }

    /// Events that this reader lost and was not told of.
    pub(super) fn lost(&self, seat: u32) -> u64 {
        self.first.saturating_sub(self.cursors.get(seat).at)
    }

    /// Nothing more will be written. Gives how many readers have something left to read.
    pub(super) fn close(&mut self, effects: &mut Effects) -> usize {
        self.closed = true;
        self.claims = Claims::default();
        self.parked.wake_all(effects);
        let mut undrained = 0;
        for cursor in self.cursors.taken() {
            let in_log = self.end() - cursor.at.max(self.first);
            // Whoever hands out an event from now on sees the mark.
            let held = cursor.held.as_ref().map_or(0, |held| held.mark(WAITED_FOR));
            if in_log + u64::from(held) > 0 {
                undrained += 1;
                cursor.held.as_ref().inspect(|held| held.set_undrained());
            }
        }
        undrained
    }

    /// What each reader has still to read.
    pub(super) fn each_unread(&self) -> impl Iterator<Item = u64> {
        self.cursors.taken().map(|cursor| self.unread(cursor))
    }

    /// The readers for whom publishers wait.
    pub(super) fn blocking(&self) -> impl Iterator<Item = Blocking> {
        let bound = self.terms.bound;
        let waits = !self.claims.is_empty();
        let full = move |cursor: &&Cursor| waits && self.unread(cursor) >= u64::from(bound);
        self.cursors.taken().filter(full).map(move |cursor| Blocking {
            name: cursor.held.as_ref().and_then(|held| held.name.clone()),
            bound: bound as usize,
        })
    }

    /// Takes away what was not read, and gives how much that was for each reader, and how many have nothing left for
    /// that reason.
    pub(super) fn discard(&mut self, effects: &mut Effects) -> (Vec<u64>, usize) {
        let mut discarded = Vec::new();
        let mut drained = 0;
        for cursor in self.cursors.taken() {
            let held = cursor.held.as_ref().map_or(0, |held| held.mark(DISCARDED));
            let unread = self.end() - cursor.at.max(self.first) + u64::from(held);
            discarded.push(unread);
            drained += usize::from(cursor.settle(unread));
        }
        self.first = self.end();
        effects.discard_all(std::iter::from_fn(|| self.slots.pop()?.stored));
        self.parked.wake_all(effects);
        (discarded, drained)
    }
}

/// What a reader has to do once it has released the lock.
#[derive(Default)]
pub(super) struct Follow {
    /// The publish whose turn it is.
    pub(super) next: Option<u64>,
    /// Of a closed bus, this reader has read the last event.
    pub(super) drained: bool,
}
