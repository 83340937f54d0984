//! The slots of a log.

use crate::event::Stored;

/// A queue of events, each with the number of those who have still to read it.
///
/// Not a `VecDeque`: that takes a slot as a whole, put together elsewhere and read back at once in larger pieces than it
/// was written in, for which processors wait. Here a slot is written where it stays.
#[derive(Default)]
pub(super) struct Ring {
    /// A power of two of them, or none.
    slots: Box<[Slot]>,
    head: u32,
    len: u32,
}

#[derive(Default)]
pub(super) struct Slot {
    /// Nothing where nothing is queued.
    pub(super) stored: Option<Stored>,
    /// How many have still to read it. Whoever came later owes nothing, and nobody skips an event; so it never
    /// falls from one slot to the next, and the slots that nobody owes are the first ones.
    pub(super) owed: u32,
}

const FIRST_CAPACITY: usize = 4;

impl Ring {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Where the slot at `offset` is.
    #[inline]
    fn place(&self, offset: usize) -> usize {
        (self.head as usize + offset) & self.slots.len().wrapping_sub(1)
    }

    #[inline(always)]
    pub(super) fn push(&mut self, stored: Stored, owed: u32) {
        if self.len() == self.slots.len() {
            self.grow();
        }
        let slot = &mut self.slots[self.place(self.len())];
        slot.stored = Some(stored);
        slot.owed = owed;
        self.len += 1;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let capacity = (self.slots.len() * 2).max(FIRST_CAPACITY);
        let mut slots = Vec::with_capacity(capacity);
        while let Some(slot) = self.pop() {
            slots.push(slot);
        }
        self.head = 0;
        self.len = slots.len() as u32;
        slots.resize_with(capacity, Slot::default);
        self.slots = slots.into();
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Slot> {
        if self.len == 0 {
            return None;
        }
        let slot = std::mem::take(&mut self.slots[self.head as usize]);
        self.skip(1);
        Some(slot)
    }

    /// The first slots are empty.
    #[inline]
    pub(super) fn skip(&mut self, count: usize) {
        self.head = self.place(count) as u32;
        self.len -= count as u32;
    }

    pub(super) fn first(&self) -> Option<&Slot> {
        if self.len == 0 { None } else { self.slots.get(self.head as usize) }
    }

    #[inline]
    pub(super) fn slot(&mut self, offset: usize) -> &mut Slot {
        &mut self.slots[self.place(offset)]
    }

    /// `count` slots from `offset` on, the last one first.
    #[inline]
    pub(super) fn backwards(&mut self, offset: usize, count: usize) -> impl Iterator<Item = &mut Slot> {
        let start = self.place(offset);
        let (wrapped, straight) = self.slots.split_at_mut(start);
        let in_line = count.min(straight.len());
        wrapped[..count - in_line].iter_mut().rev().chain(straight[..in_line].iter_mut().rev())
    }
}
