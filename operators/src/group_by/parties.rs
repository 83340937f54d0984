//! Who waits for the source of a `group_by`.

use alloc::{sync::Arc, task::Wake, vec::Vec};
use core::task::Waker;
use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

/// The place of the outer stream; groups follow.
pub(super) const OUTER: usize = 0;

/// How many are woken per lock, so that waking many needs no allocation.
const BATCH: usize = 16;

/// The waker the source gets: it wakes every party that waits. If it woke only the one that polled last, a party whose
/// task does something else would keep all others waiting.
#[derive(Default)]
pub(super) struct Parties {
    waiting: Mutex<Vec<Option<Waker>>>,
}

impl Parties {
    pub(super) fn register(&self, place: usize, waker: &Waker) {
        if let Some(Some(known)) = self.lock().get(place)
            && known.will_wake(waker)
        {
            return;
        }
        let mut new = Some(waker.clone());
        let mut waiting = self.lock();
        if waiting.len() <= place {
            waiting.resize(place + 1, None);
        }
        core::mem::swap(&mut waiting[place], &mut new);
        drop(waiting);
        // The one before is dropped here: that may be the end of a task, which must not happen under the lock.
    }

    pub(super) fn forget(&self, place: usize) {
        let waker = self.lock().get_mut(place).and_then(Option::take);
        drop(waker);
    }

    pub(super) fn wake(&self, place: usize) {
        let waker = self.lock().get_mut(place).and_then(Option::take);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn wake_all(&self) {
        self.wake_all_but(None);
    }

    pub(super) fn wake_all_but(&self, spared: Option<usize>) {
        let mut next = 0;
        loop {
            let mut batch = [const { None }; BATCH];
            let mut taken = 0;
            let mut waiting = self.lock();
            let end = waiting.len();
            while next < end && taken < BATCH {
                if Some(next) != spared
                    && let Some(waker) = waiting[next].take()
                {
                    batch[taken] = Some(waker);
                    taken += 1;
                }
                next += 1;
            }
            drop(waiting);
            batch.into_iter().flatten().for_each(Waker::wake);
            if next >= end {
                return;
            }
        }
    }

    /// Nothing here can be half done: a panic in the clone of a waker leaves no trace.
    fn lock(&self) -> MutexGuard<'_, Vec<Option<Waker>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Parties {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}
