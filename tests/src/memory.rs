//! How much memory something takes: an allocator that counts what the thread has, and the process, for programs that install it.
#![allow(unsafe_code, reason = "an allocator can only be wrapped like this")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering};

static ALLOCATED: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The allocator of the system, counted: to be a program's `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting;

/// Runs `work`, and gives with its result the most bytes that the thread had more than before; 0 where nobody
/// counts. They are counted as they were asked for.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = work();
    (result, usize::try_from(PEAK.get() - before).unwrap_or_default())
}

/// Bytes that the process has, as they were asked for; 0 where nobody counts.
pub fn allocated() -> u64 {
    u64::try_from(ALLOCATED.load(Ordering::Relaxed)).unwrap_or_default()
}

fn add(bytes: usize) {
    ALLOCATED.fetch_add(bytes as isize, Ordering::Relaxed);
    // A thread allocates to its end, when its counters are gone.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes as isize);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

fn subtract(bytes: usize) {
    ALLOCATED.fetch_sub(bytes as isize, Ordering::Relaxed);
    let _ = LIVE.try_with(|live| live.set(live.get() - bytes as isize));
}

// SAFETY: every call is passed on as it came; counting touches no memory of the caller, and allocates none.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        subtract(layout.size());
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(block, layout) }
    }
}
