//! The operators of time, of two keyed streams and of many: what they allocate, how large they are, on which threads they
//! may be, and what their `Debug` asks for and prints.

use std::{
    fmt::Debug,
    mem::size_of_val,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures::{Stream, stream};
use pubsub_operators::{
    Groups, ManualTimer, OnFull, StreamOps, Within, batch_within, correlate, debounce, dedupe_within,
    flat_merge, group_by, join, throttle, window_within,
};

use crate::{
    harness::{alloc::allocations, poll},
    time::MS,
};

const GROUPS: Groups = Groups { max: 4, per_group: 4, on_full: OnFull::Wait };

fn within<C>(clock: C) -> Within<C> {
    Within { span: MS, capacity: 8, clock }
}

/// Allocations from the first poll to the end.
fn of<S: Stream>(stream: S) -> u64 {
    let mut stream = pin!(stream);
    allocations(|| while let Poll::Ready(Some(_)) = poll(stream.as_mut()) {}).0
}

#[test]
fn allocations_are_per_batch_and_window_and_for_memories_that_grow() {
    let numbers = |n: u64| stream::iter(0..n).flow();
    let timer = ManualTimer::new();
    assert_eq!(of(numbers(1000).batch_within(16, MS, &timer)), 1000_u64.div_ceil(16));
    assert_eq!(of(numbers(1000).map(Ok::<_, ()>).batch_within_ok(16, MS, &timer)), 1000_u64.div_ceil(16));
    assert_eq!(of(numbers(1000).debounce(MS, &timer).throttle(MS, &timer)), 0);
    // One per window, and the buffer that all of them share: four steps to sixteen places.
    let window = |n| of(numbers(n).window_within(MS, MS, 16, &timer));
    assert_eq!(window(3200) - window(1600), 100);
    // Twice as many items cost no more.
    let once = |n| of(numbers(n).dedupe_within(64, MS, &timer, |n| n % 100));
    assert_eq!(once(1000), once(2000));
    let pairs = |n| of(numbers(n).join(numbers(n), within(&timer), |n| n % 5, |n| n % 5, |_, _| ()));
    assert_eq!(pairs(1000), pairs(2000));
    let once = |n| of(numbers(n).correlate(numbers(n), within(&timer), |n| n % 5, |n| n % 5));
    assert_eq!(once(1000), once(2000));
}

/// Sizes on a 64-bit machine. An operator that grows shows here.
#[test]
#[cfg(target_pointer_width = "64")]
fn sizes() {
    let timer = ManualTimer::new();
    let source = || stream::iter(0..9_u64).flow();
    let table = [
        ("source", 16, size_of_val(&source())),
        ("group_by", 8, size_of_val(&source().group_by(GROUPS, |_| ()))),
        ("flat_merge", 88, size_of_val(&source().map(|_| source()).flat_merge(1))),
        ("flat_merge value", 8, size_of_val(&flat_merge(1))),
        ("group_by value", 24, size_of_val(&group_by(GROUPS, |_: &u8| ()))),
        ("debounce value", 24, size_of_val(&debounce(MS, &timer))),
        ("throttle value", 24, size_of_val(&throttle(MS, &timer))),
        ("batch_within value", 32, size_of_val(&batch_within(1, MS, &timer))),
    ];
    let wrong: Vec<_> = table.iter().filter(|(_, expected, is)| expected != is).collect();
    assert!(wrong.is_empty(), "operator, expected, is: {wrong:?}");
}

fn is_send<T: Send>(value: T) -> T {
    value
}

fn is_sync<T: Sync>(value: T) -> T {
    value
}

fn is_copy<T: Copy>(value: T) -> T {
    value
}

fn is_unpin<T: Unpin>(value: T) -> T {
    value
}

/// Neither `Clone` nor `Debug`, nor anything else.
struct Opaque(#[allow(dead_code, reason = "its size is what matters")] u8);

#[derive(Clone, Debug)]
struct Source;

impl Stream for Source {
    type Item = Opaque;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Opaque>> {
        Poll::Ready(Some(Opaque(42)))
    }
}

#[test]
fn adaptors_are_send_sync_and_unpin_if_their_parts_are() {
    let timer = ManualTimer::new();
    let numbers = || stream::iter(0..9_u32).flow();
    let _ = is_unpin(is_sync(is_send(numbers().batch_within(2, MS, timer.clone()))));
    let _ = is_unpin(is_sync(is_send(numbers().window_within(MS, MS, 2, timer.clone()))));
    let _ = is_unpin(is_sync(is_send(numbers().debounce(MS, timer.clone()).throttle(MS, timer.clone()))));
    let _ = is_unpin(is_sync(is_send(numbers().dedupe_within(2, MS, timer.clone(), |n| *n))));
    let _ = is_unpin(is_sync(is_send(numbers().join(
        numbers(),
        within(timer.clone()),
        |n| *n,
        |n| *n,
        |_, _| (),
    ))));
    let _ = is_unpin(is_sync(is_send(numbers().correlate_left(numbers(), within(timer), |n| *n, |n| *n))));
    let mut groups = is_unpin(is_sync(is_send(numbers().group_by(GROUPS, |n| n % 2))));
    let Poll::Ready(Some(group)) = poll(Pin::new(&mut groups)) else {
        panic!("there is an item");
    };
    let _ = is_unpin(is_sync(is_send(group)));
    let _ = is_unpin(is_sync(is_send(numbers().map(|_| numbers()).flat_merge(2))));
}

#[test]
fn values_are_copy_if_their_closures_and_timers_are_whatever_the_items() {
    let timer = &ManualTimer::new();
    let _ = is_copy((
        batch_within(2, MS, timer),
        window_within(MS, MS, 2, timer),
        debounce(MS, timer),
        throttle(MS, timer),
        flat_merge(2),
    ));
    let _ = is_copy(dedupe_within(2, MS, timer, |_: &Opaque| 1));
    let _ = is_copy(group_by(GROUPS, |_: &Opaque| 1));
    let _ = is_copy(join(Nothing, within(timer), |_: &Opaque| 1, |_| 1, |_, _| ()));
    let _ = is_copy(correlate(Nothing, within(timer), |_: &Opaque| 1, |_| 1));
}

#[derive(Clone, Copy)]
struct Nothing;

impl Stream for Nothing {
    type Item = Opaque;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Opaque>> {
        Poll::Ready(None)
    }
}

#[test]
fn debug_asks_nothing_of_items_and_closures_and_prints_neither() {
    let timer = &ManualTimer::new();
    let one = |_: &Opaque| 1;
    let text = |value: &dyn Debug| format!("{value:?}");
    let mut waiting = Source.flow().batch_within(4, MS, timer);
    assert!(poll(Pin::new(&mut waiting)).is_ready());
    let mut grouped = Source.flow().group_by(GROUPS, one);
    let Poll::Ready(Some(group)) = poll(Pin::new(&mut grouped)) else {
        panic!("there is an item");
    };
    assert_eq!(text(&group), "Group { key: 1, queued: Some(1), .. }");
    assert_eq!(text(&grouped), "GroupBy { open: 1, lost: 0, closed: 0, .. }");
    let all = [
        text(&waiting),
        text(&Source.flow().map(Ok::<_, ()>).batch_within_ok(4, MS, timer)),
        text(&Source.flow().map(|_| 1).window_within(MS, MS, 4, timer)),
        text(&Source.flow().dedupe_within(4, MS, timer, one)),
        text(&Source.flow().debounce(MS, timer)),
        text(&Source.flow().throttle(MS, timer)),
        text(&Source.flow().join(Source, within(timer), one, one, |_, _| ())),
        text(&Source.flow().join_left(Source, within(timer), one, one, |_, _| ())),
        text(&Source.flow().join_outer(Source, within(timer), one, one, |_| ())),
        text(&Source.flow().correlate(Source, within(timer), one, one)),
        text(&Source.flow().correlate_left(Source, within(timer), one, one)),
        text(&Source.flow().map(|_| Source).flat_merge(4)),
    ];
    for text in all {
        assert!(text.contains("Source") && !text.contains("Opaque") && !text.contains("42"), "{text}");
    }
}
