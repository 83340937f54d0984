//! A log that subscriptions share: one write for each event, a cursor for each reader.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::claims::Claims;
use super::cursors::{Cursor, Cursors};
use super::effects::Effects;
use super::held::{DISCARDED, Held, WAITED_FOR};
use super::parked::{Parked, Ticket};
use super::reader::Local;
use super::stats::Blocking;
use crate::event::Stored;

/// Events that a reader takes at most each time it holds the lock.
const BATCH: usize = 32;

/// For one address or one topic, one policy and one bound.
///
/// Under backpressure a reader takes several events at once; those that it [holds](Held) count against the bound.
/// With drop-oldest it takes one at a time, since what it held could not give way.
pub(super) struct Log {
    pub(super) terms: Shared,
    closed: bool,
    slots: VecDeque<Slot>,
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

struct Slot {
    stored: Stored,
    /// How many have still to read it. Whoever came later owes nothing, and nobody skips an event; so it never
    /// falls from one slot to the next, and the slots that nobody owes are the first ones.
    owed: u32,
}

/// What a reader finds.
pub(super) enum Read {
    Event { stored: Stored, missed: u64 },
    End { missed: u64 },
}

impl Log {
    pub(super) fn new(terms: Shared) -> Self {
        Self {
            terms,
            closed: false,
            slots: VecDeque::new(),
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

    /// Whether one more event has room, were nobody waiting.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        self.free > 0 || {
            self.count_free(Cursor::held_count);
            self.free > 0
        }
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

    /// Takes an event in. Under backpressure the caller has seen to it that there is room. Gives how many readers
    /// lost one for it.
    #[inline]
    pub(super) fn push(&mut self, stored: Stored, effects: &mut Effects) -> u32 {
        let mut lost = 0;
        if self.terms.drops_oldest {
            if self.slots.len() >= self.terms.bound as usize {
                lost = self.evict(effects);
            }
        } else {
            self.free -= 1;
        }
        let owed = self.cursors.count();
        self.slots.push_back(Slot { stored, owed });
        self.parked.wake_all(effects);
        lost
    }

    fn evict(&mut self, effects: &mut Effects) -> u32 {
        let Some(oldest) = self.slots.pop_front() else { return 0 };
        self.first += 1;
        effects.discard(oldest.stored);
        oldest.owed
    }

    pub(super) fn join(&mut self, held: Option<Arc<Held>>) -> u32 {
        self.cursors.join(self.end(), held)
    }

    /// Takes the reader's next event, and under backpressure some more into `local`.
    #[inline]
    pub(super) fn read(
        &mut self,
        seat: u32,
        ticket: &mut Ticket,
        local: &mut Option<Box<Local>>,
        waker: &Waker,
        effects: &mut Effects,
    ) -> Poll<Read> {
        let cursor = self.cursors.seat(seat);
        let missed = self.first.saturating_sub(cursor.at);
        cursor.at += missed;
        // In range: a cursor is never beyond the slots.
        let offset = (cursor.at - self.first) as usize;
        let unread = self.slots.len() - offset;
        if unread == 0 {
            if self.closed {
                return Poll::Ready(Read::End { missed });
            }
            effects.forget(self.parked.park(ticket, waker));
            return Poll::Pending;
        }
        let batch = if self.terms.drops_oldest { 1 } else { unread.min(BATCH) };
        cursor.at += batch as u64;
        if batch == 1 {
            let stored = self.take_one(offset);
            return Poll::Ready(Read::Event { stored, missed });
        }
        let local = local.get_or_insert_default();
        let held = local.held.get_or_insert_with(|| Arc::clone(cursor.held.get_or_insert_default()));
        let waited_for = !self.claims.is_empty() || self.closed;
        held.refill(batch as u32 - 1, if waited_for { WAITED_FOR } else { 0 });
        let stored = self.take_batch(offset, batch, &mut local.events);
        Poll::Ready(Read::Event { stored, missed })
    }

    /// The event at `offset`: moved out for the last of those who have still to read it, shared otherwise.
    #[inline]
    fn take_one(&mut self, offset: usize) -> Stored {
        let slot = &mut self.slots[offset];
        slot.owed -= 1;
        if offset == 0 && slot.owed == 0 {
            self.first += 1;
            return self.slots.pop_front().expect("it was just looked at").stored;
        }
        slot.stored.clone()
    }

    /// The event at `offset`, and those of the batch that follow it into `events`, the next one last.
    fn take_batch(&mut self, offset: usize, batch: usize, events: &mut Vec<Stored>) -> Stored {
        if offset == 0 && self.slots[batch - 1].owed == 1 {
            self.first += batch as u64;
            let mut slots = self.slots.drain(..batch);
            let first = slots.next().expect("a batch is not empty").stored;
            events.extend(slots.rev().map(|slot| slot.stored));
            return first;
        }
        for slot in self.slots.range_mut(offset + 1..offset + batch).rev() {
            slot.owed -= 1;
            events.push(slot.stored.clone());
        }
        let slot = &mut self.slots[offset];
        slot.owed -= 1;
        let first = slot.stored.clone();
        while self.slots.front().is_some_and(|slot| slot.owed == 0) {
            self.slots.pop_front();
            self.first += 1;
        }
        first
    }

    /// What follows from having handed out an event: whose turn it is, and whether a closed log was read to its end.
    #[inline]
    pub(super) fn after_read(&self, seat: u32) -> Follow {
        if self.claims.is_empty() && !self.closed {
            return Follow::default();
        }
        let cursor = self.cursors.get(seat);
        if let Some(held) = &cursor.held
            && self.claims.is_empty()
            && !self.closed
        {
            held.unmark(WAITED_FOR);
        }
        Follow { next: self.claims.first(), drained: self.closed && self.unread(cursor) == 0 }
    }

    fn unread(&self, cursor: &Cursor) -> u64 {
        self.end() - cursor.at.max(self.first) + u64::from(cursor.held_count())
    }

    /// Gives what it leaves unread.
    pub(super) fn leave(&mut self, seat: u32, ticket: Ticket, effects: &mut Effects) -> u64 {
        let unread = self.unread(self.cursors.get(seat));
        let cursor = self.cursors.leave(seat);
        let offset = (cursor.at.max(self.first) - self.first) as usize;
        for slot in self.slots.range_mut(offset..) {
            slot.owed -= 1;
        }
        while self.slots.front().is_some_and(|slot| slot.owed == 0) {
            self.evict(effects);
        }
        // Not woken but dropped, outside the lock.
        effects.forget(self.parked.leave(ticket));
        unread
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
        for held in self.cursors.taken().filter_map(|cursor| cursor.held.as_ref()) {
            held.mark(WAITED_FOR);
        }
        self.each_unread().filter(|&unread| unread > 0).count()
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

    /// Takes away what was not read, and gives how much that was for each reader.
    pub(super) fn discard(&mut self, effects: &mut Effects) -> Vec<u64> {
        let (end, first) = (self.end(), self.first);
        let discarded = |cursor: &Cursor| {
            let held = cursor.held.as_ref().map_or(0, |held| held.mark(DISCARDED));
            end - cursor.at.max(first) + u64::from(held)
        };
        let unread = self.cursors.taken().map(discarded).collect();
        effects.discard_all(self.slots.drain(..).map(|slot| slot.stored));
        self.first = end;
        self.parked.wake_all(effects);
        unread
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
