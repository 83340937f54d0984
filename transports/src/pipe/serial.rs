//! Work that is done in order, by whoever brings it or has made room for it: nobody waits, and there is no thread for it.
//!
//! It has four states, as the pumps of the exchange have: idle, at work, at work with a wake meanwhile, and parked until the wake.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Wake, Waker};

/// What is done with each item.
pub trait Work: Send + Sync + 'static {
    /// What there is to do.
    type Item: Send + 'static;

    /// Does it, or as much of it as can be done now; then `waker` is woken when it can go on. No lock is held.
    fn poll(&self, item: &mut Self::Item, waker: &Waker) -> Poll<()>;
}

/// Items that are worked off one after the other.
pub struct Serial<W: Work> {
    work: W,
    state: Mutex<State<W::Item>>,
}

struct State<T> {
    queue: VecDeque<T>,
    turn: Turn,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Idle,
    Running,
    /// And there was a wake meanwhile: a "not now" that was heard before does not count.
    Again,
    Parked,
}

impl<W: Work> Serial<W> {
    /// Nothing to do yet.
    pub fn new(work: W) -> Arc<Self> {
        let state = State { queue: VecDeque::new(), turn: Turn::Idle };
        Arc::new(Self { work, state: Mutex::new(state) })
    }

    /// What is done with each.
    pub fn work(&self) -> &W {
        &self.work
    }

    fn lock(&self) -> MutexGuard<'_, State<W::Item>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more thing to do, which is done at once if nothing waits. Says whether there were fewer than `bound` that wait; if
    /// not, it is not taken.
    pub fn push(self: &Arc<Self>, item: W::Item, bound: usize) -> bool {
        let mut state = self.lock();
        if state.queue.len() >= bound {
            drop(state);
            return false;
        }
        if state.turn != Turn::Idle {
            state.queue.push_back(item);
            return true;
        }
        state.turn = Turn::Running;
        drop(state);
        self.run(Some(item));
        true
    }

    /// Goes on until nothing is left, or something cannot be done now. A panic, of a waker most likely, stops none of it; it goes
    /// on to the caller in the end.
    fn run(self: &Arc<Self>, mut in_hand: Option<W::Item>) {
        let waker = Waker::from(Arc::clone(self));
        let mut panic: Option<Box<dyn Any + Send>> = None;
        loop {
            if in_hand.is_none() {
                let mut state = self.lock();
                in_hand = state.queue.pop_front();
                state.turn = if in_hand.is_some() { Turn::Running } else { Turn::Idle };
            }
            let Some(mut item) = in_hand.take() else { break };
            match catch_unwind(AssertUnwindSafe(|| self.work.poll(&mut item, &waker))) {
                Ok(Poll::Ready(())) => {}
                Ok(Poll::Pending) => {
                    let mut state = self.lock();
                    if state.turn == Turn::Again {
                        state.turn = Turn::Running;
                        in_hand = Some(item);
                        continue;
                    }
                    state.turn = Turn::Parked;
                    state.queue.push_front(item);
                    break;
                }
                Err(new) => {
                    panic.get_or_insert(new);
                }
            }
        }
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl<W: Work> Wake for Serial<W> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.lock();
        match state.turn {
            Turn::Parked => {
                state.turn = Turn::Running;
                drop(state);
                self.run(None);
            }
            Turn::Running => state.turn = Turn::Again,
            Turn::Again | Turn::Idle => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Does as many as there is room for.
    #[derive(Default)]
    struct Rooms {
        room: AtomicUsize,
        done: Mutex<Vec<u32>>,
        waker: Mutex<Option<Waker>>,
    }

    impl Rooms {
        fn make(&self, room: usize) {
            self.room.fetch_add(room, Ordering::SeqCst);
            let waker = self.waker.lock().unwrap().take();
            waker.into_iter().for_each(Waker::wake);
        }
    }

    impl Work for Rooms {
        type Item = u32;

        fn poll(&self, item: &mut u32, waker: &Waker) -> Poll<()> {
            assert_ne!(*item, 13, "an unlucky number");
            *self.waker.lock().unwrap() = Some(waker.clone());
            if self.room.load(Ordering::SeqCst) == 0 {
                return Poll::Pending;
            }
            self.room.fetch_sub(1, Ordering::SeqCst);
            self.done.lock().unwrap().push(*item);
            Poll::Ready(())
        }
    }

    #[test]
    fn it_is_done_in_order_and_what_cannot_be_waits_up_to_the_bound() {
        let serial = Serial::new(Rooms::default());
        serial.work().make(1);
        assert!((0..3).all(|item| serial.push(item, 2)));
        assert!(!serial.push(3, 2), "two wait");
        assert_eq!(*serial.work().done.lock().unwrap(), [0]);
        serial.work().make(5);
        assert!(serial.push(3, 2));
        assert_eq!(*serial.work().done.lock().unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_wake_while_it_is_at_work_is_not_lost() {
        struct WakesItself(AtomicUsize);
        impl Work for WakesItself {
            type Item = ();
            fn poll(&self, (): &mut (), waker: &Waker) -> Poll<()> {
                waker.wake_by_ref();
                if self.0.fetch_add(1, Ordering::Relaxed) < 3 { Poll::Pending } else { Poll::Ready(()) }
            }
        }
        let serial = Serial::new(WakesItself(AtomicUsize::new(0)));
        serial.push((), 1);
        assert_eq!(serial.work().0.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn a_panic_costs_no_more_than_what_it_was_at() {
        let serial = Serial::new(Rooms::default());
        for item in [1, 13, 2] {
            serial.push(item, 9);
        }
        let result = catch_unwind(AssertUnwindSafe(|| serial.work().make(9)));
        assert!(result.is_err(), "it is told");
        assert_eq!(*serial.work().done.lock().unwrap(), [1, 2]);
    }

    #[test]
    fn many_threads_at_once_keep_the_order_of_each() {
        let serial = Serial::new(Rooms::default());
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let serial = &serial;
                scope.spawn(move || {
                    for number in 0..1_000 {
                        assert!(serial.push(thread * 10_000 + 100 + number, usize::MAX));
                        serial.work().make(1);
                    }
                });
            }
        });
        let done = serial.work().done.lock().unwrap();
        assert_eq!(done.len(), 3_000);
        for thread in 0..3 {
            let of_thread: Vec<u32> = done.iter().copied().filter(|it| it / 10_000 == thread).collect();
            assert!(of_thread.len() == 1_000 && of_thread.is_sorted());
        }
    }
}
