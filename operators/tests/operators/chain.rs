use std::{cell::Cell, pin::pin, rc::Rc, task::Poll};

use futures::{Stream, stream};
use pubsub_operators::StreamOps;

use crate::harness::{Ends, Rig, Script, contract, contract2, drain, poll};

#[test]
fn chain_keeps_the_contract() {
    for inputs in [[&[1, 2, 3][..], &[4, 5]], [&[], &[4]], [&[1], &[]], [&[], &[]]] {
        let expected = inputs.concat();
        contract2(true, inputs, |_, left, right| left.flow().chain(right), |_| expected.clone());
        let lazy = |rig: &Rig, left: Script, right: Script| {
            let rig = rig.clone();
            left.flow().chain_with(move || {
                rig.tick();
                right
            })
        };
        contract2(false, inputs, lazy, |_| expected.clone());
    }
}

#[test]
fn three_in_a_row() {
    let build = |_: &Rig, source: Script| {
        source
            .flow()
            .take(9)
            .map(|item| item.value())
            .take(9)
            .chain(stream::iter([3]))
            .chain(stream::iter([4]))
    };
    contract(Ends::Itself, true, &[1, 2], build, |_| vec![1, 2, 3, 4]);
}

#[test]
fn the_first_is_gone_before_the_second_is_polled() {
    let rig = Rig::default();
    let (left, seen) = Script::of(&rig, [1]);
    let polls = Rc::new(Cell::new(0));
    let counter = polls.clone();
    let right = stream::poll_fn(move |_| {
        assert!(seen.dropped.get(), "the first is still there");
        counter.set(counter.get() + 1);
        Poll::Ready(Some(2))
    });
    let mut both = pin!(left.flow().map(|item| item.value()).chain(right));
    assert_eq!(poll(both.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(polls.get(), 0);
    assert_eq!(poll(both.as_mut()), Poll::Ready(Some(2)));
    assert_eq!(polls.get(), 1);
}

#[test]
fn what_follows_is_made_at_the_seam_and_only_there() {
    let made = Rc::new(Cell::new(0));
    let make = |made: &Rc<Cell<u32>>| {
        let made = made.clone();
        move || {
            made.set(made.get() + 1);
            stream::iter([9])
        }
    };
    let rig = Rig::default();
    let (left, left_seen) = Script::of(&rig, [1]);
    let counting = make(&made);
    let seam = move || {
        assert!(left_seen.dropped.get(), "the first is gone");
        counting()
    };
    let mut both = pin!(left.flow().map(|item| item.value()).chain_with(seam));
    assert_eq!(both.size_hint(), (1, None));
    assert_eq!(poll(both.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(made.get(), 0);
    assert_eq!(poll(both.as_mut()), Poll::Ready(Some(9)));
    assert_eq!(made.get(), 1);
    assert_eq!(poll(both.as_mut()), Poll::Ready(None));
    assert_eq!(poll(both.as_mut()), Poll::Ready(None));
    assert_eq!(made.get(), 1);

    drop(stream::iter([1]).flow().chain_with(make(&made)));
    assert_eq!(made.get(), 1, "dropped before the seam: never made");
}

#[test]
fn the_end_is_sticky_although_the_second_would_go_on() {
    fn restless() -> impl Stream<Item = u32> {
        let mut polls = 0;
        stream::poll_fn(move |_| {
            polls += 1;
            Poll::Ready((polls % 2 == 0).then_some(1))
        })
    }
    fn ends_for_good(both: impl Stream<Item = u32>) {
        let mut both = pin!(both);
        assert_eq!(poll(both.as_mut()), Poll::Ready(Some(0)));
        for _ in 0..3 {
            assert_eq!(poll(both.as_mut()), Poll::Ready(None));
        }
    }
    ends_for_good(stream::iter([0]).flow().chain(restless()));
    ends_for_good(stream::iter([0]).flow().chain_with(restless));
}

#[test]
fn an_error_at_the_end_of_the_first_does_not_stop() {
    let both = stream::iter([Ok(1), Err("lost")]).flow().chain(stream::iter([Ok(2)]));
    assert_eq!(drain(both), [Ok(1), Err("lost"), Ok(2)]);
}

#[test]
fn a_stream_may_follow_itself_by_reference() {
    let mut numbers = stream::iter([1, 2, 3]).flow();
    let first = drain((&mut numbers).flow().take(1));
    let rest = drain(stream::iter(first).flow().chain(&mut numbers));
    assert_eq!(rest, [1, 2, 3]);
}
