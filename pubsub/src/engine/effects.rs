//! What is left to do once the locks are released.

use std::task::Waker;

use crate::event::Stored;

/// Wake-ups and the destructors of events, which both run code of users. Dropping it does them.
///
/// A publish that wakes one reader and evicts one event, as most do, takes no memory for that.
#[derive(Default)]
pub(super) struct Effects {
    wake: Option<Waker>,
    wake_too: Vec<Waker>,
    garbage: Option<Stored>,
    more_garbage: Vec<Stored>,
    forgotten: Option<Waker>,
}

impl Effects {
    pub(super) fn wake(&mut self, waker: Waker) {
        if self.wake.is_none() {
            self.wake = Some(waker);
        } else {
            self.wake_too.push(waker);
        }
    }

    pub(super) fn wake_all(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.wake_too.extend(wakers);
    }

    /// Not woken, only dropped. There is at most one: of the reader that does something.
    pub(super) fn forget(&mut self, waker: Option<Waker>) {
        self.forgotten = waker;
    }

    pub(super) fn discard(&mut self, stored: Stored) {
        if self.garbage.is_none() {
            self.garbage = Some(stored);
        } else {
            self.more_garbage.push(stored);
        }
    }

    pub(super) fn discard_all(&mut self, events: impl IntoIterator<Item = Stored>) {
        self.more_garbage.extend(events);
    }
}

impl Drop for Effects {
    fn drop(&mut self) {
        if let Some(waker) = self.wake.take() {
            waker.wake();
        }
        self.wake_too.drain(..).for_each(Waker::wake);
    }
}
