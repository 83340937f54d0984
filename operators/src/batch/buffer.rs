//! The vector a batch is gathered in.

use alloc::vec::Vec;

/// Room made at once; beyond it the vector doubles, so that `batch(usize::MAX)` does not ask for all memory.
const FIRST_ROOM: usize = 1024;

/// Adds `item`. A vector that gets full has a capacity of exactly `max`: one allocation for all but huge batches.
#[inline]
pub(super) fn push<T>(items: &mut Vec<T>, item: T, max: usize) {
    if items.len() == items.capacity() {
        make_room(items, max);
    }
    items.push(item);
}

#[cold]
fn make_room<T>(items: &mut Vec<T>, max: usize) {
    let held = items.len();
    items.reserve_exact((max - held).min(held.max(FIRST_ROOM)));
}
