//! Rooms that the connections of a thread share, so that none needs its own while it is idle.

use std::cell::Cell;

/// How much is read, and how much is written, in one call.
pub(super) const SIZE: usize = 64 * 1024;

thread_local! {
    static READ: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static WRITE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A room of [`SIZE`] bytes, whatever is in them.
pub(super) fn with_read<T>(use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut room = READ.take();
    // What is called may read in turn, and then has none.
    room.resize(SIZE, 0);
    let result = use_it(&mut room);
    READ.set(room);
    result
}

/// An empty room, which has [`SIZE`] bytes without growing.
pub(super) fn with_write<T>(use_it: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut room = WRITE.take();
    room.clear();
    room.reserve(SIZE);
    let result = use_it(&mut room);
    WRITE.set(room);
    result
}
