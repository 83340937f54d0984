//! One edge after the other.

use std::{
    hash::{Hash, Hasher},
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, channel::mpsc, stream};
use pubsub_operators::{
    EitherOrBoth, ManualTimer, StreamOps, Within, correlate, correlate_left, join, join_left, join_outer,
    stage,
};

use super::within;
use crate::{
    harness::{Rig, Script, Waking, alloc::allocations, drain, panic_message, poll},
    time::{Coarse, Counted, Erratic, MS, TICK, Wall},
};

type Sender = mpsc::UnboundedSender<(u32, char)>;
type Receiver = mpsc::UnboundedReceiver<(u32, char)>;

fn sides() -> (Sender, Receiver, Sender, Receiver) {
    let (left, left_source) = mpsc::unbounded();
    let (right, right_source) = mpsc::unbounded();
    (left, left_source, right, right_source)
}

fn key(item: &(u32, char)) -> u32 {
    item.0
}

fn letters(left: &(u32, char), right: &(u32, char)) -> String {
    format!("{}{}", left.1, right.1)
}

fn left_letters(left: &(u32, char), right: Option<&(u32, char)>) -> String {
    format!("{}{}", left.1, right.map_or('-', |right| right.1))
}

fn outer_letters(both: EitherOrBoth<&(u32, char), &(u32, char)>) -> String {
    match both {
        EitherOrBoth::Both(left, right) => letters(left, right),
        EitherOrBoth::Left(left) => format!("{}-", left.1),
        EitherOrBoth::Right(right) => format!("-{}", right.1),
    }
}

fn all<S: Stream + Unpin>(stream: &mut S) -> Vec<S::Item> {
    let mut items = Vec::new();
    while let Poll::Ready(Some(item)) = poll(pin!(&mut *stream)) {
        items.push(item);
    }
    items
}

#[test]
fn every_pair_once_in_the_order_of_the_partners() {
    let (left, left_source, right, right_source) = sides();
    let clock = ManualTimer::new();
    let mut pairs = left_source.flow().join(right_source, within(MS, 9, clock), key, key, letters);
    for letter in ['a', 'b', 'c'] {
        left.unbounded_send((1, letter)).unwrap();
    }
    assert!(all(&mut pairs).is_empty());
    right.unbounded_send((1, 'x')).unwrap();
    right.unbounded_send((2, 'n')).unwrap();
    assert_eq!(all(&mut pairs), ["ax", "bx", "cx"]);
    right.unbounded_send((1, 'y')).unwrap();
    assert_eq!(all(&mut pairs), ["ay", "by", "cy"]);
    left.unbounded_send((1, 'd')).unwrap();
    // Left first, whichever came later.
    assert_eq!(all(&mut pairs), ["dx", "dy"]);
}

#[test]
fn arrivals_match_up_to_the_span_and_not_a_tick_more() {
    for (apart, matches) in [(10 * MS - TICK, true), (10 * MS, true), (10 * MS + TICK, false)] {
        for left_first in [true, false] {
            let (left, left_source, right, right_source) = sides();
            let clock = ManualTimer::new();
            let bounds = within(10 * MS, 9, clock.clone());
            let mut pairs = left_source.flow().join(right_source, bounds, key, key, letters);
            let order = if left_first { [&left, &right] } else { [&right, &left] };
            order[0].unbounded_send((1, 'a')).unwrap();
            assert!(all(&mut pairs).is_empty());
            clock.advance(apart);
            order[1].unbounded_send((1, 'b')).unwrap();
            let seen = all(&mut pairs);
            assert_eq!(seen.len(), usize::from(matches), "{apart:?}, left first: {left_first}");
        }
    }
}

#[test]
fn a_span_of_zero_matches_within_one_moment() {
    let (left, left_source, right, right_source) = sides();
    let clock = ManualTimer::new();
    let bounds = within(Duration::ZERO, 9, clock.clone());
    let mut pairs = left_source.flow().join(right_source, bounds, key, key, letters);
    left.unbounded_send((1, 'a')).unwrap();
    right.unbounded_send((1, 'x')).unwrap();
    assert_eq!(all(&mut pairs), ["ax"]);
    clock.advance(TICK);
    right.unbounded_send((1, 'y')).unwrap();
    assert!(all(&mut pairs).is_empty());
}

#[test]
fn a_span_beyond_all_time_and_a_clock_that_steps_far() {
    let clock = ManualTimer::new();
    clock.advance(MS);
    let (left, left_source, right, right_source) = sides();
    let bounds = within(Duration::MAX, 9, clock.clone());
    let mut pairs = left_source.flow().join_left(right_source, bounds, key, key, left_letters);
    left.unbounded_send((1, 'a')).unwrap();
    assert!(all(&mut pairs).is_empty());
    assert_eq!(clock.sleepers(), 0, "a window that is never over needs no timer");
    clock.advance_to(Duration::MAX);
    right.unbounded_send((1, 'x')).unwrap();
    assert_eq!(all(&mut pairs), ["ax"]);
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let clock = Erratic::default();
    clock.0.set(20 * MS);
    let (left, left_source, right, right_source) = sides();
    let bounds = within(10 * MS, 9, clock.clone());
    let mut pairs = left_source.flow().join(right_source, bounds, key, key, letters);
    left.unbounded_send((1, 'a')).unwrap();
    assert!(all(&mut pairs).is_empty());
    clock.0.set(MS);
    left.unbounded_send((2, 'b')).unwrap();
    assert!(all(&mut pairs).is_empty());
    clock.0.set(30 * MS);
    right.unbounded_send((1, 'x')).unwrap();
    right.unbounded_send((2, 'y')).unwrap();
    assert_eq!(all(&mut pairs), ["ax", "by"]);
}

#[test]
fn a_window_of_a_coarse_clock_is_over_at_its_next_moment() {
    let clock = Coarse::default();
    let (left, left_source, _right, right_source) = sides();
    let bounds = within(10 * MS, 9, clock.clone());
    let mut lefts = left_source.flow().join_left(right_source, bounds, key, key, left_letters);
    let (outer, outer_source, _other, other_source) = sides();
    let bounds = within(10 * MS, 9, clock.clone());
    let mut both = outer_source.flow().join_outer(other_source, bounds, key, key, outer_letters);
    let (requests, requests_source, _replies, replies_source) = sides();
    let bounds = within(10 * MS, 9, clock.clone());
    let mut outcomes = requests_source.flow().correlate_left(replies_source, bounds, key, key);
    for sender in [&left, &outer, &requests] {
        sender.unbounded_send((1, 'a')).unwrap();
    }
    assert!(all(&mut lefts).is_empty() && all(&mut both).is_empty() && all(&mut outcomes).is_empty());
    clock.0.advance(10 * MS);
    assert!(all(&mut lefts).is_empty() && all(&mut both).is_empty() && all(&mut outcomes).is_empty());
    assert_eq!((clock.0.sleepers(), clock.0.next_deadline()), (3, Some(11 * MS)));
    clock.0.advance(MS);
    assert_eq!((all(&mut lefts), all(&mut both)), (vec!["a-".to_owned()], vec!["a-".to_owned()]));
    assert_eq!(all(&mut outcomes), [((1, 'a'), None)]);
}

#[test]
fn a_sleep_that_ends_while_the_clock_reads_earlier_is_believed() {
    let wall = Wall::at(100 * MS);
    let (left, left_source, _right, right_source) = sides();
    let bounds = within(10 * MS, 9, wall.clone());
    let mut lefts = left_source.flow().join_left(right_source, bounds, key, key, left_letters);
    left.unbounded_send((1, 'a')).unwrap();
    assert!(all(&mut lefts).is_empty());
    wall.clock.0.set(95 * MS);
    wall.timer.advance(10 * MS + TICK);
    assert_eq!(all(&mut lefts), ["a-"]);
    assert_eq!(wall.timer.sleepers(), 0);
}

#[test]
fn a_full_side_forgets_its_oldest_and_counts() {
    let (left, left_source, right, right_source) = sides();
    let bounds = within(MS, 1, ManualTimer::new());
    let mut pairs = left_source.flow().join(right_source, bounds, key, key, letters);
    left.unbounded_send((1, 'a')).unwrap();
    left.unbounded_send((1, 'b')).unwrap();
    assert!(all(&mut pairs).is_empty());
    right.unbounded_send((1, 'x')).unwrap();
    assert_eq!(all(&mut pairs), ["bx"]);
    right.unbounded_send((1, 'y')).unwrap();
    assert_eq!(all(&mut pairs), ["by"], "the arrival evicts its own side, not its partner");
    assert_eq!(pairs.get_ref().evicted(), 2);
}

#[test]
fn sides_that_are_both_ready_take_turns_and_nothing_is_read_ahead() {
    let rig = Rig::default();
    let (left, left_seen) = Script::of(&rig, [1, 2, 3]);
    let (right, right_seen) = Script::of(&rig, [1, 2, 3]);
    let bounds = within(MS, 9, ManualTimer::new());
    let mut pairs = pin!(left.flow().join(right, bounds, |_| 0, |_| 0, |l, r| (l.value(), r.value())));
    let mut seen = Vec::new();
    let mut polls = Vec::new();
    while let Poll::Ready(Some(pair)) = poll(pairs.as_mut()) {
        seen.push(pair);
        polls.push((left_seen.polls.get(), right_seen.polls.get()));
    }
    let order = [(1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (3, 2), (1, 3), (2, 3), (3, 3)];
    assert_eq!(seen, order);
    // One arrival at a time, its pairs one per poll.
    let arrivals = [(1, 1), (2, 1), (2, 2), (2, 2), (3, 2), (3, 2), (3, 3), (3, 3), (3, 3)];
    assert_eq!(polls, arrivals);
}

#[test]
fn one_side_that_is_silent_for_ever_costs_a_bounded_memory() {
    let left = stream::iter(0..1000);
    let bounds = within(MS, 16, ManualTimer::new());
    let mut pairs = pin!(left.flow().join(stream::pending::<i32>(), bounds, |n| *n, |n| *n, |_, _| ()));
    assert!(poll(pairs.as_mut()).is_pending());
    // The end of the left side leaves the 16 it remembers.
    assert_eq!(pairs.get_ref().evicted(), 1000 - 16);
    assert!(pairs.get_ref().get_ref().0.is_none());
    assert!(format!("{pairs:?}").contains("held: 16"));
}

#[test]
fn when_one_side_has_ended_and_left_nothing_the_other_is_released() {
    let (left, left_source, right, right_source) = sides();
    let bounds = within(MS, 9, ManualTimer::new());
    let mut pairs = left_source.flow().join(right_source, bounds, key, key, letters);
    drop(left);
    assert_eq!(poll(pin!(&mut pairs)), Poll::Ready(None));
    assert!(right.is_closed(), "in the same poll");
    assert_eq!(poll(pin!(&mut pairs)), Poll::Ready(None));
}

#[test]
fn when_one_side_has_ended_what_it_left_still_matches_until_it_is_too_old() {
    let (left, left_source, right, right_source) = sides();
    let clock = ManualTimer::new();
    let bounds = within(10 * MS, 9, clock.clone());
    let mut pairs = left_source.flow().join(right_source, bounds, key, key, letters);
    left.unbounded_send((1, 'a')).unwrap();
    drop(left);
    right.unbounded_send((1, 'x')).unwrap();
    assert_eq!(all(&mut pairs), ["ax"]);
    clock.advance(10 * MS);
    right.unbounded_send((1, 'y')).unwrap();
    assert_eq!(all(&mut pairs), ["ay"]);
    assert!(!right.is_closed());
    clock.advance(TICK);
    right.unbounded_send((1, 'z')).unwrap();
    assert_eq!(poll(pin!(&mut pairs)), Poll::Ready(None));
    assert!(right.is_closed());
}

#[test]
fn ends_wait_for_the_pairs_of_the_last_arrival() {
    let (left, left_source, right, right_source) = sides();
    let bounds = within(MS, 9, ManualTimer::new());
    let mut pairs = left_source.flow().join(right_source, bounds, key, key, letters);
    left.unbounded_send((1, 'a')).unwrap();
    left.unbounded_send((1, 'b')).unwrap();
    assert!(all(&mut pairs).is_empty());
    right.unbounded_send((1, 'x')).unwrap();
    assert_eq!(poll(pin!(&mut pairs)), Poll::Ready(Some("ax".into())));
    drop((left, right));
    assert_eq!(poll(pin!(&mut pairs)), Poll::Ready(Some("bx".into())));
    assert_eq!(poll(pin!(&mut pairs)), Poll::Ready(None));
}

/// All collide.
#[derive(PartialEq, Eq)]
struct Collides(u32);

impl Hash for Collides {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0_u8.hash(state);
    }
}

#[test]
fn keys_that_collide_and_sides_of_different_types() {
    let left = stream::iter(0..20_u32);
    let right = stream::iter((0..20_u64).rev());
    let bounds = within(MS, 64, ManualTimer::new());
    let pairs = left.flow().join(
        right,
        bounds,
        |n| Collides(*n),
        |n| Collides(*n as u32),
        |left, right| (*left, *right),
    );
    let mut seen = drain(pairs);
    seen.sort_unstable();
    assert_eq!(seen, (0..20).map(|n| (n, u64::from(n))).collect::<Vec<_>>());
}

#[test]
fn items_of_a_full_memory_are_dropped_once() {
    let rig = Rig::default();
    let (left, _) = Script::of(&rig, 0..40);
    let (right, _) = Script::of(&rig, 0..40);
    let bounds = within(MS, 8, ManualTimer::new());
    let mut pairs = Box::pin(left.flow().join(right, bounds, |_| 0, |_| 0, |_, _| ()));
    for _ in 0..50 {
        assert!(poll(pairs.as_mut()).is_ready());
    }
    assert!(rig.live() > 8);
    drop(pairs);
    assert_eq!(rig.live(), 0);
}

#[test]
fn nothing_is_allocated_once_the_memories_have_grown() {
    let numbers = || stream::iter(0..2000_u64).flow().map(|n| n % 7);
    let bounds = within(MS, 64, ManualTimer::new());
    let mut pairs = pin!(numbers().join(numbers(), bounds, |n| *n, |n| *n, |l, r| l + r));
    for _ in 0..1500 {
        assert!(poll(pairs.as_mut()).is_ready());
    }
    let (count, ()) = allocations(|| while let Poll::Ready(Some(_)) = poll(pairs.as_mut()) {});
    // Two memories and two tables are freed at the end, and nothing is taken.
    assert_eq!(count, 0);
}

#[test]
fn an_unmatched_left_item_leaves_when_its_window_is_over_and_never_before() {
    let counted = Counted::default();
    let clock = &counted.timer;
    let (left, left_source, right, right_source) = sides();
    let bounds = within(10 * MS, 9, counted.clone());
    let mut joined = left_source.flow().join_left(right_source, bounds, key, key, left_letters);
    assert!(all(&mut joined).is_empty());
    assert_eq!(counted.sleeps.get(), 0);
    left.unbounded_send((1, 'a')).unwrap();
    assert!(all(&mut joined).is_empty());
    clock.advance(4 * MS);
    left.unbounded_send((2, 'b')).unwrap();
    let (waking, waker) = Waking::new();
    let mut pinned = pin!(&mut joined);
    assert!(pinned.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    clock.advance(6 * MS);
    assert_eq!(waking.count(), 0);
    assert!(pinned.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    clock.advance(TICK);
    assert_eq!(waking.count(), 1, "right after the last moment");
    // Too late for the a, in time for the b.
    right.unbounded_send((1, 'x')).unwrap();
    right.unbounded_send((2, 'y')).unwrap();
    assert_eq!(all(&mut joined), ["a-", "by"]);
    clock.advance(100 * MS);
    assert!(all(&mut joined).is_empty(), "what matched does not leave alone");
    assert_eq!((counted.sleeps.get(), clock.sleepers()), (1, 0));
}

#[test]
fn an_unmatched_item_leaves_early_when_nothing_can_match_it_any_more() {
    let (left, left_source, right, right_source) = sides();
    let bounds = within(10 * MS, 2, ManualTimer::new());
    let mut joined = left_source.flow().join_left(right_source, bounds, key, key, left_letters);
    for letter in ['a', 'b', 'c'] {
        left.unbounded_send((1, letter)).unwrap();
    }
    assert_eq!(all(&mut joined), ["a-"], "evicted");
    right.unbounded_send((1, 'x')).unwrap();
    left.unbounded_send((2, 'd')).unwrap();
    assert_eq!(all(&mut joined), ["bx", "cx"], "the b is evicted, but has matched");
    drop(right);
    assert_eq!(all(&mut joined), ["d-"], "the right side has ended");
    left.unbounded_send((1, 'e')).unwrap();
    left.unbounded_send((3, 'f')).unwrap();
    assert_eq!(all(&mut joined), ["ex", "f-"], "it is remembered, but nothing more will come");
    drop(left);
    assert_eq!(poll(pin!(&mut joined)), Poll::Ready(None));
    assert_eq!(joined.get_ref().evicted(), 2);
}

#[test]
fn join_left_ends_when_the_left_side_has_and_its_windows_are_over() {
    let clock = ManualTimer::new();
    let (left, left_source, right, right_source) = sides();
    let bounds = within(10 * MS, 9, clock.clone());
    let mut joined = left_source.flow().join_left(right_source, bounds, key, key, left_letters);
    left.unbounded_send((1, 'a')).unwrap();
    drop(left);
    assert!(poll(pin!(&mut joined)).is_pending());
    clock.advance(10 * MS + TICK);
    assert_eq!(poll(pin!(&mut joined)), Poll::Ready(Some("a-".into())));
    assert_eq!(poll(pin!(&mut joined)), Poll::Ready(None));
    assert!(right.is_closed());
    assert_eq!(clock.sleepers(), 0);
}

#[test]
fn the_outer_join_gives_both_sides_left_ones_first() {
    let clock = ManualTimer::new();
    let (left, left_source, right, right_source) = sides();
    let bounds = within(10 * MS, 9, clock.clone());
    let mut joined = left_source.flow().join_outer(right_source, bounds, key, key, outer_letters);
    right.unbounded_send((1, 'x')).unwrap();
    left.unbounded_send((2, 'a')).unwrap();
    left.unbounded_send((3, 'b')).unwrap();
    right.unbounded_send((3, 'y')).unwrap();
    assert_eq!(all(&mut joined), ["by"]);
    clock.advance(11 * MS);
    assert_eq!(all(&mut joined), ["a-", "-x"], "both over at one time");
    right.unbounded_send((4, 'z')).unwrap();
    left.unbounded_send((5, 'c')).unwrap();
    assert!(all(&mut joined).is_empty());
    drop((left, right));
    assert_eq!(all(&mut joined), ["c-", "-z"], "and at the end");
    assert_eq!(poll(pin!(&mut joined)), Poll::Ready(None));
}

#[test]
fn correlate_pairs_equal_keys_first_with_first_and_uses_them_up() {
    let (left, left_source, right, right_source) = sides();
    let bounds = within(MS, 2, ManualTimer::new());
    let mut pairs = left_source.flow().correlate(right_source, bounds, key, key);
    left.unbounded_send((1, 'a')).unwrap();
    left.unbounded_send((1, 'b')).unwrap();
    assert!(all(&mut pairs).is_empty());
    for letter in ['x', 'y', 'z'] {
        right.unbounded_send((1, letter)).unwrap();
    }
    assert_eq!(all(&mut pairs), [((1, 'a'), (1, 'x')), ((1, 'b'), (1, 'y'))]);
    left.unbounded_send((1, 'c')).unwrap();
    assert_eq!(all(&mut pairs), [((1, 'c'), (1, 'z'))], "a reply may come first");
    for number in 2..=4 {
        left.unbounded_send((number, 'd')).unwrap();
    }
    assert!(all(&mut pairs).is_empty());
    right.unbounded_send((2, 'x')).unwrap();
    assert!(all(&mut pairs).is_empty());
    assert_eq!(pairs.get_ref().evicted(), 1);
}

#[test]
fn places_used_up_out_of_order_are_used_again() {
    // What waits longest stays while later ones come and go.
    let (left, left_source, right, right_source) = sides();
    let bounds = within(MS, 3, ManualTimer::new());
    let mut pairs = left_source.flow().correlate(right_source, bounds, key, key);
    left.unbounded_send((0, 'a')).unwrap();
    for number in 1..100 {
        left.unbounded_send((number, 'b')).unwrap();
        left.unbounded_send((number, 'c')).unwrap();
        assert!(all(&mut pairs).is_empty());
        right.unbounded_send((number, 'x')).unwrap();
        right.unbounded_send((number, 'y')).unwrap();
        assert_eq!(all(&mut pairs), [((number, 'b'), (number, 'x')), ((number, 'c'), (number, 'y'))]);
    }
    right.unbounded_send((0, 'z')).unwrap();
    assert_eq!(all(&mut pairs), [((0, 'a'), (0, 'z'))]);
    assert_eq!(pairs.get_ref().evicted(), 0);
}

#[test]
fn a_request_without_a_reply_times_out_once() {
    let clock = ManualTimer::new();
    let (requests, left_source, replies, right_source) = sides();
    let bounds = within(10 * MS, 9, clock.clone());
    let mut outcomes = left_source.flow().correlate_left(right_source, bounds, key, key);
    requests.unbounded_send((1, 'a')).unwrap();
    requests.unbounded_send((2, 'b')).unwrap();
    replies.unbounded_send((2, 'x')).unwrap();
    assert_eq!(all(&mut outcomes), [((2, 'b'), Some((2, 'x')))]);
    clock.advance(10 * MS + TICK);
    replies.unbounded_send((1, 'y')).unwrap();
    assert_eq!(all(&mut outcomes), [((1, 'a'), None)], "the late reply meets nothing");
    let hint = outcomes.size_hint();
    assert_eq!(hint.0, 0);
    requests.unbounded_send((3, 'c')).unwrap();
    drop(replies);
    assert_eq!(all(&mut outcomes), [((3, 'c'), None)]);
    drop(requests);
    assert_eq!(poll(pin!(&mut outcomes)), Poll::Ready(None));
}

#[test]
fn no_memory_is_refused() {
    let bounds = |capacity| within(MS, capacity, ManualTimer::new());
    let empty = stream::empty::<u8>;
    let messages = [
        panic_message(|| join(empty(), bounds(0), |n: &u8| *n, |n| *n, |_, _| ())),
        panic_message(|| join_left(empty(), bounds(0), |n: &u8| *n, |n| *n, |_, _| ())),
        panic_message(|| join_outer(empty(), bounds(0), |n: &u8| *n, |n| *n, |_| ())),
        panic_message(|| correlate(empty(), bounds(0), |n: &u8| *n, |n| *n)),
        panic_message(|| correlate_left(empty(), bounds(0), |n: &u8| *n, |n| *n)),
    ];
    for message in messages {
        assert!(message.contains("pass a capacity of at least 1"), "{message}");
    }
    let message = panic_message(|| correlate(empty(), bounds(usize::MAX), |n: &u8| *n, |n| *n));
    assert!(message.contains("pass a smaller capacity"), "{message}");
}

#[test]
fn values_and_stages_do_the_same() {
    let timer = ManualTimer::new();
    let bounds: Within<&ManualTimer> = within(MS, 9, &timer);
    let numbers = || stream::iter(0..4);
    let by_value = drain(numbers().pipe(join(numbers(), bounds, |n: &i32| *n, |n| n % 2, |l, r| (*l, *r))));
    let by_stage =
        drain(numbers().pipe(stage::<i32>().join(numbers(), bounds, |n| *n, |n| n % 2, |l, r| (*l, *r))));
    assert_eq!(by_value, by_stage);
    let left = stage::<i32>().join_left(numbers(), bounds, |n| *n, |n| n % 2, |l, r| (*l, r.copied()));
    assert_eq!(drain(numbers().pipe(left)).len(), 6);
    let outer = stage::<i32>().join_outer(numbers(), bounds, |n| *n, |n| n % 2, |_| ());
    assert_eq!(drain(numbers().pipe(outer)).len(), 6);
    let once = stage::<i32>().correlate(numbers(), bounds, |n| *n, |n| n % 2);
    assert_eq!(drain(numbers().pipe(once)), [(0, 0), (1, 1)]);
    let once_left = stage::<i32>().correlate_left(numbers(), bounds, |n| *n, |n| n % 2);
    assert_eq!(drain(numbers().pipe(once_left)).len(), 4);
}

#[test]
fn both_sources_can_be_reached() {
    let timer = ManualTimer::new();
    let numbers = || stream::iter(0..4);
    let mut pairs =
        pin!(numbers().flow().join(numbers(), within(MS, 9, &timer), |n| *n, |n| *n, |l, r| l + r));
    assert_eq!(poll(pairs.as_mut()), Poll::Ready(Some(0)));
    let (left, right) = pairs.as_mut().get_pin_mut().get_pin_mut();
    assert_eq!((poll(left.unwrap()), poll(right.unwrap())), (Poll::Ready(Some(1)), Poll::Ready(Some(1))));
    let mut pairs = numbers().flow().correlate(numbers(), within(MS, 9, &timer), |n| *n, |n| *n).into_inner();
    assert!(matches!(pairs.get_mut(), (Some(_), Some(_))));
    assert!(matches!(pairs.into_inner(), (Some(_), Some(_))));
}
