//! Wakes of readers, which a thread that delivers many events at once puts off until it has.
//!
//! A reader that is quicker than what comes waits for each event anew. To wake it costs more than to deliver an event, so that it
//! is woken once for all that came together makes the difference where events come from a pipe.

use std::cell::RefCell;
use std::task::Waker;

/// How many wakes are put off at most: another reader may wait for each event.
const HELD: usize = 32;

thread_local! {
    static PUT_OFF: RefCell<Option<Vec<Waker>>> = const { RefCell::new(None) };
}

/// Wakes at once, or by the next [`flush`] of this thread where wakes are held.
pub(super) fn wake(waker: Waker) {
    let mut waker = Some(waker);
    // A thread that ends holds nothing any more.
    let is_full = PUT_OFF.try_with(|put_off| {
        let mut put_off = put_off.borrow_mut();
        let held = put_off.as_mut()?;
        held.extend(waker.take());
        Some(held.len() >= HELD)
    });
    if let Some(waker) = waker {
        waker.wake();
    }
    if is_full.is_ok_and(|it| it == Some(true)) {
        flush();
    }
}

/// From now on this thread puts off wakes, until it [flushes](flush), which it has to do before it waits for anything.
pub(crate) fn hold() {
    let _ended = PUT_OFF.try_with(|put_off| put_off.borrow_mut().get_or_insert_default().len());
}

/// Does what was put off. Wakes are not held any more.
pub(crate) fn flush() {
    let put_off = PUT_OFF.try_with(|put_off| put_off.borrow_mut().take());
    // Outside the borrow: they run code of users.
    put_off.ok().flatten().into_iter().flatten().for_each(Waker::wake);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_held_is_woken_by_the_flush_and_what_comes_after_it_at_once() {
        let counted = Arc::new(Counted::default());
        let count = || counted.0.load(Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&counted));
        wake(waker.clone());
        assert_eq!(count(), 1);
        hold();
        wake(waker.clone());
        hold();
        wake(waker.clone());
        assert_eq!(count(), 1);
        flush();
        assert_eq!(count(), 3);
        wake(waker.clone());
        flush();
        assert_eq!(count(), 4);
        hold();
        (0..HELD).for_each(|_| wake(waker.clone()));
        assert_eq!(count(), 4 + HELD, "no more than so many are held");
    }
}
