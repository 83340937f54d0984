//! A waker that counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

/// Counts how often it was woken. The atomic is what the trait `Wake` asks for; the tests have one thread.
#[derive(Default)]
pub(crate) struct Waking(AtomicUsize);

impl Waking {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let waking = Arc::<Self>::default();
        (waking.clone(), waking.into())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
