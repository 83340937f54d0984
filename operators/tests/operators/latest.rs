use std::{pin::pin, task::Poll};

use futures::{channel::mpsc, stream};
use pubsub_operators::StreamOps;

use crate::harness::{Rig, Script, contract2, drain, poll};

const INPUTS: [[&[u32]; 2]; 6] = [
    [&[1, 2, 3], &[10, 20]],
    [&[1], &[10, 20, 30]],
    [&[], &[10, 20]],
    [&[1, 2], &[]],
    [&[], &[]],
    [&[1], &[10]],
];

/// The specification: the last of each, after each arrival, once there is one of each.
fn model(delivered: &[(usize, u32)]) -> Vec<(u32, u32)> {
    let mut last = [None, None];
    let mut combined = Vec::new();
    for (side, item) in delivered {
        last[*side] = Some(*item);
        combined.extend(last[0].zip(last[1]));
    }
    combined
}

#[test]
fn latest_keeps_the_contract() {
    for inputs in INPUTS {
        contract2(false, inputs, |_, left, right| left.flow().latest(right), model);
    }
}

#[test]
fn latest_map_keeps_the_contract() {
    for inputs in INPUTS {
        let build = |rig: &Rig, left: Script, right: Script| {
            let rig = rig.clone();
            left.flow().latest_map(right, move |left, right| {
                rig.tick();
                (left.value(), right.value())
            })
        };
        contract2(false, inputs, build, model);
    }
}

/// The specification: each of the left, with the last of the right, once there is one.
fn led(delivered: &[(usize, u32)]) -> Vec<(u32, u32)> {
    let mut last = None;
    let mut combined = Vec::new();
    for (side, item) in delivered {
        match side {
            0 => combined.extend(last.map(|last| (*item, last))),
            _ => last = Some(*item),
        }
    }
    combined
}

#[test]
fn with_latest_keeps_the_contract() {
    for inputs in INPUTS {
        contract2(false, inputs, |_, left, right| left.flow().with_latest(right), led);
    }
}

#[test]
fn with_latest_map_keeps_the_contract() {
    for inputs in INPUTS {
        let build = |rig: &Rig, left: Script, right: Script| {
            let rig = rig.clone();
            left.flow().with_latest_map(right, move |left, right| {
                rig.tick();
                (left.value(), right.value())
            })
        };
        contract2(false, inputs, build, led);
    }
}

#[test]
fn nothing_is_skipped_although_both_are_ready() {
    let both = stream::iter([1, 2, 3]).flow().latest(stream::iter([10, 20, 30]));
    assert_eq!(drain(both), [(1, 10), (2, 10), (2, 20), (3, 20), (3, 30)]);
}

#[test]
fn a_side_that_ends_without_an_item_releases_the_other() {
    let (sender, receiver) = mpsc::unbounded::<u32>();
    let mut both = pin!(receiver.flow().latest(stream::empty::<u32>()));
    assert_eq!(poll(both.as_mut()), Poll::Ready(None));
    assert!(sender.is_closed());

    let (sender, receiver) = mpsc::unbounded::<u32>();
    let mut led = pin!(receiver.flow().with_latest(stream::empty::<u32>()));
    assert_eq!(poll(led.as_mut()), Poll::Ready(None));
    assert!(sender.is_closed());
}

#[test]
fn a_side_that_ends_without_an_item_is_not_followed_by_a_poll_of_the_other() {
    let rig = Rig::default();
    // The left side is asked first; after an item of it, it is the turn of the right one.
    for (left_items, right_items, polls) in [(&[][..], &[10, 11][..], (1, 0)), (&[1, 2], &[], (1, 1))] {
        let (left, left_seen) = Script::of(&rig, left_items.iter().copied());
        let (right, right_seen) = Script::of(&rig, right_items.iter().copied());
        let mut both = pin!(left.flow().latest(right));
        assert!(matches!(poll(both.as_mut()), Poll::Ready(None)));
        assert_eq!((left_seen.polls.get(), right_seen.polls.get()), polls);
        assert_eq!(rig.live(), 0);
    }
}

#[test]
fn the_last_item_of_a_side_that_ended_stays_in_use() {
    let (sender, receiver) = mpsc::unbounded();
    let mut both = pin!(receiver.flow().latest(stream::iter([10])));
    assert_eq!(poll(both.as_mut()), Poll::Pending);
    sender.unbounded_send(1).unwrap();
    assert_eq!(poll(both.as_mut()), Poll::Ready(Some((1, 10))));
    sender.unbounded_send(2).unwrap();
    assert_eq!(poll(both.as_mut()), Poll::Ready(Some((2, 10))));
    drop(sender);
    assert_eq!(poll(both.as_mut()), Poll::Ready(None));
}

#[test]
fn with_latest_ends_with_its_source_and_releases_the_other() {
    let (sender, receiver) = mpsc::unbounded::<u32>();
    sender.unbounded_send(10).unwrap();
    let mut led = pin!(stream::iter([1]).flow().with_latest(receiver));
    assert_eq!(poll(led.as_mut()), Poll::Ready(Some((1, 10))));
    assert_eq!(poll(led.as_mut()), Poll::Ready(None));
    assert!(sender.is_closed());
}

#[test]
fn with_latest_takes_all_that_is_ready_before_it_pairs() {
    let led = stream::iter([1, 2]).flow().with_latest(stream::iter([10, 20, 30]));
    assert_eq!(drain(led), [(1, 30), (2, 30)]);
    // Without anything to pair with, items of the source are dropped.
    let (sender, receiver) = mpsc::unbounded();
    let mut led = pin!(stream::iter([1, 2]).flow().chain(stream::pending()).with_latest(receiver));
    assert_eq!(poll(led.as_mut()), Poll::Pending);
    sender.unbounded_send(10).unwrap();
    assert_eq!(poll(led.as_mut()), Poll::Pending);
}
