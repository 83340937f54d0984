//! What is left to do once the locks are released.

use std::mem::ManuallyDrop;
use std::task::Waker;

use super::wakes;
use crate::event::Stored;

/// Wake-ups and the destructors of events, which both run code of users. Dropping it does them.
///
/// A publish that wakes one reader and evicts one event, as most do, takes no memory for that.
#[derive(Default)]
pub(super) struct Effects {
    // The destructor empties them; what the compiler would add to it finds nothing, which it does not know.
    wake: ManuallyDrop<Option<Waker>>,
    garbage: ManuallyDrop<Option<Stored>>,
    more: ManuallyDrop<Option<Box<More>>>,
}

#[derive(Default)]
struct More {
    wake: Vec<Waker>,
    garbage: Vec<Stored>,
    /// Not woken, only dropped.
    forgotten: Vec<Waker>,
}

impl Effects {
    #[inline]
    pub(super) fn wake(&mut self, waker: Waker) {
        if self.wake.is_none() {
            *self.wake = Some(waker);
        } else {
            self.more().wake.push(waker);
        }
    }

    /// Those that are left of `wakers`, which keeps its memory.
    pub(super) fn wake_all(&mut self, wakers: &mut Vec<Option<Waker>>) {
        let wake = &mut self.more().wake;
        wake.reserve(wakers.len());
        wake.extend(wakers.drain(..).flatten());
    }

    /// The waker of a reader that left, or has another one now.
    #[inline]
    pub(super) fn forget(&mut self, waker: Option<Waker>) {
        if waker.is_some() {
            self.more().forgotten.extend(waker);
        }
    }

    #[inline]
    pub(super) fn discard(&mut self, stored: Stored) {
        if self.garbage.is_none() {
            *self.garbage = Some(stored);
        } else {
            self.more().garbage.push(stored);
        }
    }

    pub(super) fn discard_all(&mut self, events: impl IntoIterator<Item = Stored>) {
        for stored in events {
            self.discard(stored);
        }
    }

    #[cold]
    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }
}

impl Drop for Effects {
    #[inline]
    fn drop(&mut self) {
        if let Some(waker) = self.wake.take() {
            wakes::wake(waker);
        }
        if let Some(stored) = self.garbage.take() {
            drop(stored);
        }
        if let Some(more) = self.more.take() {
            more.run();
        }
    }
}

impl More {
    #[cold]
    fn run(self) {
        self.wake.into_iter().for_each(wakes::wake);
        drop((self.garbage, self.forgotten));
    }
}
