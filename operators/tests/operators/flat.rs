use std::{pin::pin, task::Poll};

use futures::{channel::mpsc, stream};
use pubsub_operators::StreamOps;

use crate::harness::{Ends, Rig, Script, contract, drain, poll};

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
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, [1, 2]);
    let (sender, receiver) = mpsc::unbounded::<u32>();
    let mut first = Some(receiver);
    let inner = move |_| first.take().unwrap_or_else(|| mpsc::unbounded().1);
    let mut flat = pin!(source.flow().flat_map(inner));
    assert!(poll(flat.as_mut()).is_pending());
    sender.unbounded_send(7).unwrap();
    assert_eq!(poll(flat.as_mut()), Poll::Ready(Some(7)));
    assert!(poll(flat.as_mut()).is_pending());
    assert_eq!(seen.polls.get(), 1, "the outer has more, but the inner is not done");
    drop(sender);
    assert_eq!(poll(flat.as_mut()), Poll::Ready(None));
    assert_eq!(seen.polls.get(), 3);
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
    assert_eq!(poll(std::pin::Pin::new(&mut flat)), Poll::Ready(Some(0)));
    assert_eq!(futures::Stream::size_hint(&flat), (0, None));
}
