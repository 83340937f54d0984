use std::{
    cell::Cell,
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
};

use futures::stream;
use pubsub_operators::StreamOps;

use crate::harness::{Ends, Hint, Rig, Script, Step, contract, drain, poll};

#[test]
fn flat_keeps_the_contract_over_vectors() {
    let build = |rig: &Rig, source: Script| {
        let board = rig.clone();
        source.flow().map(move |item| (0..item.value()).map(|n| board.item(n)).collect::<Vec<_>>()).flat()
    };
    contract(Ends::WithSource, false, &[1, 0, 0, 3, 2], build, |_| vec![0, 0, 1, 2, 0, 1]);
    contract(Ends::WithSource, false, &[], build, |_| Vec::<u32>::new());
}

#[test]
fn flat_map_keeps_the_contract_over_streams() {
    let build = |rig: &Rig, source: Script| {
        let board = rig.clone();
        source.flow().flat_map(move |item| {
            board.tick();
            let board = board.clone();
            stream::iter(0..item.value()).flow().map(move |n| board.item(n)).yielding(1)
        })
    };
    contract(Ends::WithSource, false, &[1, 0, 3], build, |_| vec![0, 0, 1, 2]);
}

#[test]
fn flat_ok_keeps_the_contract() {
    let build = |_: &Rig, source: Script| {
        let results = source
            .flow()
            .map(|item| if item.value() == 2 { Err(item) } else { Ok(vec![item.clone(), item]) });
        results.flat_ok()
    };
    contract(Ends::WithSource, false, &[1, 2, 3], build, |_| vec![Ok(1), Ok(1), Err(2), Ok(3), Ok(3)]);
}

#[test]
fn options_and_results_are_iterable() {
    assert_eq!(drain(stream::iter([Some(1), None, Some(3)]).flow().flat()), [1, 3]);
    assert_eq!(drain(stream::iter([Ok(1), Err("lost"), Ok(3)]).flow().flat()), [1, 3]);
}

#[test]
fn batches_undone() {
    assert_eq!(drain(stream::iter(0..10).flow().batch(3).flat()), (0..10).collect::<Vec<_>>());
}

#[test]
fn the_next_is_taken_when_the_inner_one_has_ended_and_is_dropped() {
    for inside_ok in [false, true] {
        let rig = Rig::default();
        let (inner, seen) = Script::new(&rig, 0, &[Step::Pending, Step::Item(7)], Hint::Exact, true);
        let mut first = Some(inner);
        let polls = Rc::new(Cell::new(0));
        let counter = polls.clone();
        let watched = seen.clone();
        let outer = stream::poll_fn(move |_| {
            counter.set(counter.get() + 1);
            assert!(counter.get() == 1 || watched.dropped.get(), "the inner one is still there");
            Poll::Ready(first.take())
        });
        let outer = outer.flow();
        let mut flat = if inside_ok {
            outer.map(Ok::<_, ()>).flat_ok().filter_map(Result::ok).boxed_local()
        } else {
            outer.flat().boxed_local()
        };
        assert!(poll(Pin::new(&mut flat)).is_pending());
        assert!(matches!(poll(Pin::new(&mut flat)), Poll::Ready(Some(item)) if item.value() == 7));
        assert_eq!((polls.get(), seen.dropped.get()), (1, false), "the inner one is not done");
        assert!(matches!(poll(Pin::new(&mut flat)), Poll::Ready(None)));
        assert_eq!((polls.get(), seen.dropped.get()), (2, true));
    }
}

#[test]
fn the_outer_may_end_while_the_inner_goes_on() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, [2]);
    let mut flat = pin!(source.flow().flat_map(|item| 0..item.value()));
    assert_eq!(poll(flat.as_mut()), Poll::Ready(Some(0)));
    assert_eq!(futures::Stream::size_hint(&*flat), (1, Some(1)), "the outer has no more, the inner one");
    assert_eq!(poll(flat.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(poll(flat.as_mut()), Poll::Ready(None));
}

#[test]
fn many_empty_ones_do_not_grow_the_stack() {
    let empty = stream::iter(0..1_000_000).flow().map(|_| Vec::<u32>::new());
    assert!(drain(empty.flat()).is_empty());
}

#[test]
fn what_is_still_to_come_may_hold_any_number() {
    let mut flat = stream::iter([1, 2]).flow().flat_map(|n| 0..n);
    assert_eq!(futures::Stream::size_hint(&flat), (0, None));
    assert_eq!(poll(Pin::new(&mut flat)), Poll::Ready(Some(0)));
    assert_eq!(futures::Stream::size_hint(&flat), (0, None));
}
