//! The readers of a log: where each of them stands.

use std::sync::Arc;

use super::held::Held;

/// A seat for each reader. Seats are reused; the list shrinks when those at its end are free.
#[derive(Default)]
pub(super) struct Cursors {
    seats: Vec<Cursor>,
    /// Free seats, as a list linked through [`Cursor::at`]; `FREE` if there is none.
    free: Option<u32>,
    count: u32,
}

pub(super) struct Cursor {
    /// The event that is read next; `FREE` plus the next free seat if nobody sits here.
    pub(super) at: u64,
    /// Made when the reader first takes several events at once, or has a name: most never do.
    pub(super) held: Option<Arc<Held>>,
}

/// No log counts that far.
const FREE: u64 = 1 << 63;
/// The end of the list of free seats.
const NONE: u64 = u32::MAX as u64;

impl Cursor {
    fn is_taken(&self) -> bool {
        self.at < FREE
    }

    pub(super) fn held_count(&self) -> u32 {
        self.held.as_ref().map_or(0, |held| held.count())
    }
}

impl Cursors {
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn seat(&mut self, seat: u32) -> &mut Cursor {
        &mut self.seats[seat as usize]
    }

    pub(super) fn get(&self, seat: u32) -> &Cursor {
        &self.seats[seat as usize]
    }

    pub(super) fn taken(&self) -> impl Iterator<Item = &Cursor> {
        self.seats.iter().filter(|cursor| cursor.is_taken())
    }

    pub(super) fn join(&mut self, at: u64, held: Option<Arc<Held>>) -> u32 {
        self.count += 1;
        let cursor = Cursor { at, held };
        if let Some(seat) = self.free {
            let next = self.seat(seat).at - FREE;
            self.free = u32::try_from(next).ok().filter(|&next| u64::from(next) != NONE);
            *self.seat(seat) = cursor;
            return seat;
        }
        if self.seats.len() == self.seats.capacity() {
            // Doubling would leave up to half of the seats empty; there may be many.
            self.seats.reserve_exact(self.seats.len() / 4 + 1);
        }
        self.seats.push(cursor);
        u32::try_from(self.seats.len() - 1).expect("a log has fewer than 2^32 readers")
    }

    pub(super) fn leave(&mut self, seat: u32) -> Cursor {
        self.count -= 1;
        let free = Cursor { at: FREE + self.free.map_or(NONE, u64::from), held: None };
        self.free = Some(seat);
        let left = std::mem::replace(self.seat(seat), free);
        // Tried rarely: it visits every seat if it succeeds.
        if self.count.is_power_of_two() && (self.count as usize) < self.seats.len() / 4 {
            self.shrink();
        }
        left
    }

    /// Gives up the free seats behind the last taken one.
    fn shrink(&mut self) {
        let len = self.seats.iter().rposition(Cursor::is_taken).map_or(0, |last| last + 1);
        if len > self.seats.len() / 2 {
            return;
        }
        self.seats.truncate(len);
        self.seats.shrink_to_fit();
        self.free = None;
        for seat in (0..self.seats.len()).rev() {
            if !self.seats[seat].is_taken() {
                self.seats[seat].at = FREE + self.free.map_or(NONE, u64::from);
                self.free = u32::try_from(seat).ok();
            }
        }
    }
}
