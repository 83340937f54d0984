//! Counts allocations, per thread, for all tests of this binary.
#![allow(
    unsafe_code,
    reason = "a global allocator cannot be written without; it hands everything to the system's"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    // Constant and without a destructor, so that reading it allocates nothing.
    static COUNT: Cell<u64> = const { Cell::new(0) };
    // Below zero in a thread that frees what another one allocated.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// During the end of a thread the counters may be gone, and nobody asks for them any more.
fn count() {
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

fn grow(allocated: usize, freed: usize) {
    let change = allocated.wrapping_sub(freed).cast_signed();
    let _ = LIVE.try_with(|live| live.set(live.get() + change));
}

// SAFETY: each call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        grow(layout.size(), 0);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        grow(0, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        grow(size, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread allocates in `f`.
pub(crate) fn allocations<R>(f: impl FnOnce() -> R) -> (u64, R) {
    let before = COUNT.with(Cell::get);
    let result = f();
    (COUNT.with(Cell::get) - before, result)
}

/// How many bytes more than before this thread holds after `f`, with its result alive.
pub(crate) fn live_bytes<R>(f: impl FnOnce() -> R) -> (isize, R) {
    let before = LIVE.with(Cell::get);
    let result = f();
    (LIVE.with(Cell::get) - before, result)
}
