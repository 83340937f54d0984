//! User code that panics, and user code that does unusual things while it runs.

use std::{
    cell::{Cell, RefCell},
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Stream, channel::mpsc, stream::FusedStream};
use pubsub_operators::{Groups, StreamOps};

use super::{WIDE, drain_now, next, open};
use crate::harness::{Rig, Script, Waking};

#[test]
fn a_panic_of_the_key_is_the_end_for_all_others() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, [0, 1, 10, 99, 11]);
    let mut outer = source.flow().group_by(WIDE, |item| {
        assert_ne!(item.value(), 99, "as told");
        item.value() % 10
    });
    let mut zeros = open(&mut outer);
    let mut ones = open(&mut outer);
    assert!(matches!(next(&mut ones), Poll::Ready(Some(_))));
    let (waking, waker) = Waking::new();
    assert!(catch_unwind(AssertUnwindSafe(|| next(&mut ones))).is_err());
    assert!(seen.dropped.get(), "the source is gone");
    assert_eq!(drain_now(&mut zeros).len(), 2, "what was routed is there");
    let mut cx = Context::from_waker(&waker);
    assert!(matches!(Pin::new(&mut zeros).poll_next(&mut cx), Poll::Ready(None)));
    assert!(matches!(next(&mut ones), Poll::Ready(None)));
    assert!(matches!(next(&mut outer), Poll::Ready(None)));
    assert_eq!(waking.count(), 0);
    drop((outer, zeros, ones));
    assert_eq!(rig.live(), 0);
}

#[test]
fn those_who_found_the_source_taken_are_woken_by_a_panic() {
    let (waking, waker) = Waking::new();
    let outer = Rc::<RefCell<Option<Pin<Box<dyn Stream<Item = ()>>>>>>::default();
    let in_key = outer.clone();
    let (events, source) = mpsc::unbounded();
    let mut groups = source.flow().group_by(WIDE, move |n| {
        if *n == 99 {
            // What a task on another thread may do meanwhile.
            let mut outer = in_key.borrow_mut();
            let outer = outer.as_mut().unwrap().as_mut();
            assert!(outer.poll_next(&mut Context::from_waker(&waker)).is_pending());
            panic!("as told");
        }
        *n
    });
    events.unbounded_send(0).unwrap();
    let mut zeros = open(&mut groups);
    assert!(next(&mut zeros).is_ready());
    *outer.borrow_mut() = Some(Box::pin(groups.map(|_| ())));
    events.unbounded_send(99).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| next(&mut zeros))).is_err());
    assert_eq!(waking.count(), 1);
    assert_eq!(next(&mut outer.take().unwrap()), Poll::Ready(None));
}

/// A key whose comparison can panic, which happens under the lock.
#[derive(Clone)]
struct Touchy(u32, Rc<Cell<bool>>);

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        assert!(!self.1.get(), "as told");
        self.0 == other.0
    }
}

impl Eq for Touchy {}

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0_u8.hash(state);
    }
}

#[test]
fn a_panic_of_a_comparison_is_the_end_for_all_and_no_panic_of_the_lock() {
    let touchy = Rc::new(Cell::new(false));
    let of = touchy.clone();
    let (events, source) = mpsc::unbounded();
    let mut outer = source.flow().group_by(WIDE, move |n| Touchy(*n, of.clone()));
    events.unbounded_send(0).unwrap();
    events.unbounded_send(1).unwrap();
    let mut zeros = open(&mut outer);
    let mut ones = open(&mut outer);
    touchy.set(true);
    events.unbounded_send(0).unwrap();
    assert!(next(&mut zeros).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| next(&mut zeros))).is_err());
    assert_eq!(next(&mut ones), Poll::Ready(None));
    assert!(matches!(next(&mut outer), Poll::Ready(None)));
    assert!(outer.is_terminated() && zeros.is_terminated());
    assert_eq!((outer.get_ref().lost(), outer.size_hint()), (0, (0, Some(0))));
    assert!(format!("{outer:?}").contains("GroupBy"));
    drop((outer, zeros, ones));
    assert!(events.is_closed());
}

#[test]
fn a_panic_of_a_comparison_outside_a_turn_wakes_those_who_wait_for_room() {
    for by_drop in [false, true] {
        let touchy = Rc::new(Cell::new(false));
        let of = touchy.clone();
        let (events, source) = mpsc::unbounded();
        let bounds = Groups { per_group: 1, ..WIDE };
        let mut outer = source.flow().group_by(bounds, move |n| Touchy(*n, of.clone()));
        for n in [0, 1, 0] {
            events.unbounded_send(n).unwrap();
        }
        let mut zeros = open(&mut outer);
        let mut ones = open(&mut outer);
        assert!(next(&mut ones).is_ready());
        let (waking, waker) = Waking::new();
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut outer).poll_next(&mut cx).is_pending(), "an item is held");
        assert!(Pin::new(&mut ones).poll_next(&mut cx).is_pending());
        assert!(!events.is_closed());

        // Room is made for it, and it is compared with the keys of the open groups.
        touchy.set(true);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            if by_drop {
                // Where its own group is gone, it meets the other.
                drop(zeros);
            } else {
                let _ = next(&mut zeros);
            }
        }));
        assert!(panic.is_err());
        assert_eq!(waking.count(), 2, "nobody else would wake them");
        assert!(events.is_closed(), "the source is released");
        assert_eq!(next(&mut ones), Poll::Ready(None));
        assert!(matches!(next(&mut outer), Poll::Ready(None)));
    }
}

/// An item that looks at its stream when it is dropped, which takes the lock.
struct Looks<F: Fn()>(u32, F);

impl<F: Fn()> Drop for Looks<F> {
    fn drop(&mut self) {
        self.1();
    }
}

#[test]
fn no_item_is_dropped_under_the_lock_by_a_panic_of_a_comparison() {
    for by_drop in [false, true] {
        let touchy = Rc::new(Cell::new(false));
        let of = touchy.clone();
        let seen = Rc::<RefCell<Option<Box<dyn Fn()>>>>::default();
        let looks = |n| {
            let seen = seen.clone();
            Looks(n, move || {
                if let Some(look) = &*seen.borrow() {
                    look();
                }
            })
        };
        let (events, source) = mpsc::unbounded();
        let bounds = Groups { per_group: 1, ..WIDE };
        let mut outer = source.flow().group_by(bounds, move |item: &Looks<_>| Touchy(item.0, of.clone()));
        for n in [0, 1, 0] {
            assert!(events.unbounded_send(looks(n)).is_ok());
        }
        let mut zeros = open(&mut outer);
        let ones = open(&mut outer);
        assert!(next(&mut outer).is_pending(), "an item is held");
        let looked = Rc::new(Cell::new(false));
        let look = looked.clone();
        *seen.borrow_mut() = Some(Box::new(move || look.set(ones.size_hint() == (0, Some(0)))));
        touchy.set(true);
        let panic =
            catch_unwind(AssertUnwindSafe(|| if by_drop { drop(zeros) } else { drop(next(&mut zeros)) }));
        assert!(panic.is_err());
        assert!(!looked.get(), "nothing is dropped yet");
        // Apart from what holds the group that they look at.
        drop((outer, events));
        drop(seen.take());
    }
}

#[test]
fn who_is_dropped_leaves_no_waker() {
    let (events, source) = mpsc::unbounded();
    let mut outer = source.flow().group_by(WIDE, |n: &u32| *n);
    events.unbounded_send(0).unwrap();
    events.unbounded_send(1).unwrap();
    let mut zeros = open(&mut outer);
    let mut ones = open(&mut outer);
    assert!(next(&mut zeros).is_ready() && next(&mut ones).is_ready());
    let (waking, waker) = Waking::new();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut zeros).poll_next(&mut cx).is_pending());
    assert!(Pin::new(&mut outer).poll_next(&mut cx).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&waking), 3);
    drop(zeros);
    assert_eq!(Arc::strong_count(&waking), 2);
    drop(outer);
    assert_eq!(Arc::strong_count(&waking), 1);
    assert!(next(&mut ones).is_pending());
}

#[test]
fn no_lock_is_held_while_user_code_runs() {
    // The key function drops a group, looks at another, and the source polls the outer stream.
    type Held = Rc<RefCell<Vec<Box<dyn std::any::Any>>>>;
    let held = Held::default();
    let in_key = held.clone();
    let (events, source) = mpsc::unbounded::<u32>();
    let mut outer = source.flow().group_by(WIDE, move |n| {
        if *n >= 10 {
            in_key.borrow_mut().clear();
        }
        n % 10
    });
    events.unbounded_send(0).unwrap();
    events.unbounded_send(1).unwrap();
    let mut zeros = open(&mut outer);
    let ones = open(&mut outer);
    held.borrow_mut().push(Box::new(ones));
    events.unbounded_send(10).unwrap();
    events.unbounded_send(11).unwrap();
    assert_eq!(drain_now(&mut zeros), [0, 10]);
    assert!(held.borrow().is_empty(), "the group was dropped inside the poll of another");
    let mut again = open(&mut outer);
    assert_eq!(drain_now(&mut again), [11]);
}
