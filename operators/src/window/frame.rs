//! The buffer all windows slide over.

use alloc::vec::Vec;
use core::{fmt, mem};

use futures_core::Stream;

/// Room made at once; a larger window grows as items arrive.
const FIRST_ROOM: usize = 1024;

/// The items of the window being filled, contiguous: they lie at the end of a vector of up to twice the size, whose
/// front is shed once per `size` items.
pub(super) struct Frame<T> {
    items: Vec<T>,
    start: usize,
    // How many items `items` may hold before its front is shed or it grows; at most twice the size.
    room: usize,
    size: usize,
    step: usize,
    // Items to pass over before the next window begins, if windows lie apart.
    skip: usize,
    // Items that were in no window yet.
    fresh: usize,
    partial: bool,
}

impl<T> Frame<T> {
    pub(super) fn new(size: usize, step: usize, partial: bool) -> Self {
        Self { items: Vec::new(), start: 0, room: 0, size, step, skip: 0, fresh: 0, partial }
    }

    /// Adds an item; true if it filled a window, which is to be looked at in `full` before `shed`. The frame has moved
    /// to the next one by then: what looks at the window is the user's code, and may panic.
    #[inline]
    pub(super) fn push(&mut self, item: T) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if self.items.len() >= self.room {
            self.make_room();
        }
        self.items.push(item);
        if self.items.len() - self.start < self.size {
            self.fresh += 1;
            return false;
        }
        self.fresh = 0;
        if self.step >= self.size {
            self.skip = self.step - self.size;
            self.start = self.items.len();
        } else {
            self.start += self.step;
        }
        true
    }

    /// The window that the last `push` filled.
    #[inline]
    pub(super) fn full(&self) -> &[T] {
        &self.items[self.items.len() - self.size..]
    }

    /// The items of the unfinished window.
    pub(super) fn rest(&self) -> &[T] {
        &self.items[self.start..]
    }

    /// After a full window: drops its items if the next one needs none of them. Without, they go when room is needed.
    #[inline]
    pub(super) fn shed(&mut self) {
        if self.step >= self.size {
            self.start = 0;
            self.items.clear();
        }
    }

    /// At the end: true if a short window is wanted and has something new in it.
    pub(super) fn has_rest(&self) -> bool {
        self.partial && self.fresh > 0
    }

    /// Drops all items; the next one begins a window.
    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.room = 0;
        self.skip = 0;
        self.fresh = 0;
        // Last: the drop of an item is the user's code.
        self.items = Vec::new();
    }

    /// Takes the items of the unfinished window.
    pub(super) fn take(&mut self) -> Vec<T> {
        let items = self.items.split_off(self.start);
        self.clear();
        items
    }

    fn len(&self) -> usize {
        self.items.len() - self.start
    }

    /// From now on, at the end, a short window with what was in none.
    pub(super) fn keep_rest(&mut self) {
        self.partial = true;
    }

    /// Exact if the source's is.
    pub(super) fn size_hint<S: Stream>(&self, source: Option<&S>) -> (usize, Option<usize>) {
        let Some(source) = source else {
            return (0, Some(0));
        };
        let (lower, upper) = source.size_hint();
        (self.windows_of(lower), upper.map(|upper| self.windows_of(upper)))
    }

    /// How many windows `more` further items make.
    pub(super) fn windows_of(&self, more: usize) -> usize {
        let all = more.saturating_sub(self.skip).saturating_add(self.len());
        let full = match all.checked_sub(self.size) {
            Some(beyond_first) => beyond_first / self.step + 1,
            None => 0,
        };
        if !self.partial {
            return full;
        }
        // A short window follows if an item is left that no full one covered, and that is not in a gap.
        let next_start = full.saturating_mul(self.step);
        let covered = match full {
            0 => self.len() - self.fresh,
            _ => next_start - self.step + self.size,
        };
        full + usize::from(all > covered.max(next_start))
    }

    #[cold]
    fn make_room(&mut self) {
        let live = self.items.len() - self.start;
        if self.start >= live && self.start > 0 {
            let start = mem::take(&mut self.start);
            self.items.drain(..start);
        } else {
            let most = self.size.saturating_mul(2);
            let more = self.room.max(FIRST_ROOM).min(most - self.room);
            self.items.reserve_exact(self.room + more - self.items.len());
            self.room += more;
        }
    }
}

impl<T> fmt::Debug for Frame<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("held", &self.len())
            .field("size", &self.size)
            .field("step", &self.step)
            .field("partial", &self.partial)
            .finish_non_exhaustive()
    }
}

/// Refuses what would never move or never fill.
pub(super) fn check(size: usize, step: usize) {
    assert!(size > 0, "a window of 0 items would show nothing: pass how many items a window has, at least 1");
    assert!(
        step > 0,
        "a window that moves by 0 would never end: pass by how many items it moves, at least 1"
    );
}
