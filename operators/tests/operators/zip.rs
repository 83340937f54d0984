use std::{pin::pin, task::Poll};

use futures::stream;
use pubsub_operators::StreamOps;

use crate::harness::{Rig, Script, contract2, drain, poll};

#[test]
fn zip_keeps_the_contract() {
    for inputs in
        [[&[1, 2, 3][..], &[10, 20]], [&[1, 2], &[10, 20, 30]], [&[], &[10]], [&[1], &[]], [&[], &[]]]
    {
        let expected: Vec<_> = inputs[0].iter().copied().zip(inputs[1].iter().copied()).collect();
        contract2(true, inputs, |_, left, right| left.flow().zip(right), |_| expected.clone());
    }
}

#[test]
fn the_stream_that_is_ahead_is_not_asked_for_more() {
    let rig = Rig::default();
    let (left, seen) = Script::of(&rig, [1, 2, 3]);
    let mut pairs = pin!(left.flow().zip(stream::pending::<u32>()));
    for _ in 0..5 {
        assert!(matches!(poll(pairs.as_mut()), Poll::Pending));
    }
    assert_eq!(seen.polls.get(), 1);
}

#[test]
fn an_item_without_a_partner_is_dropped_at_the_end() {
    let rig = Rig::default();
    let (left, seen) = Script::of(&rig, [1, 2]);
    let mut pairs = pin!(left.flow().zip(stream::empty::<u32>()));
    assert!(matches!(poll(pairs.as_mut()), Poll::Ready(None)));
    assert!(seen.dropped.get());
    assert_eq!(rig.live(), 0);
    assert_eq!(drain(stream::iter([1]).flow().zip(stream::iter([2]))), [(1, 2)]);
}

#[test]
fn when_one_has_ended_the_other_is_not_asked_for_an_item_it_would_lose() {
    let rig = Rig::default();
    let (right, seen) = Script::of(&rig, [1, 2]);
    let mut pairs = pin!(stream::empty::<u32>().flow().zip(right));
    assert!(matches!(poll(pairs.as_mut()), Poll::Ready(None)));
    assert_eq!(seen.polls.get(), 0);
    assert!(seen.dropped.get());
}
