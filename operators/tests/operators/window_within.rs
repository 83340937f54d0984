//! Besides the cases, runs of random arrivals against a model that goes through all windows of the grid.
//!
//! Mutations tried by hand, each caught by `random_arrivals_match_the_model` and by the case named: `now > end` for
//! `now >= end` in `is_over` (the border); a grid that starts with the first item after an idle time instead of going
//! on (idle); keeping at `slide` what lies before the next start (overlap).

use std::{
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, channel::mpsc, stream};
use pubsub_operators::{Clock, ManualTimer, StreamOps, stage, window_within};

use crate::{
    harness::{Ends, Random, Rig, Script, Waking, contract, drain, panic_message, poll},
    time::{Counted, MS, TICK, Wall},
};

const INPUT: [u32; 6] = [1, 2, 3, 4, 5, 6];

#[test]
fn window_within_keeps_the_contract() {
    for max in [1, 2, 3, 6, 100] {
        for slide in [MS, 2 * MS, 3 * MS] {
            // Time stands still: windows are full or flushed.
            let build =
                |_: &Rig, source: Script| source.flow().window_within(2 * MS, slide, max, ManualTimer::new());
            contract(Ends::Itself, false, &INPUT, build, |input| {
                input.chunks(max).map(<[u32]>::to_vec).collect::<Vec<_>>()
            });
        }
    }
}

#[test]
fn an_item_on_the_border_belongs_to_the_later_window() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(10 * MS, 10 * MS, 9, timer.clone()));
    timer.advance(3 * MS);
    events.unbounded_send(1).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance(10 * MS - TICK);
    events.unbounded_send(2).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance(TICK);
    events.unbounded_send(3).unwrap();
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![1, 2])));
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance(10 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![3])));
}

#[test]
fn an_idle_time_emits_nothing_and_keeps_the_grid() {
    let counted = Counted::default();
    let timer = &counted.timer;
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(10 * MS, 10 * MS, 9, counted.clone()));
    assert!(poll(windows.as_mut()).is_pending());
    assert_eq!(counted.sleeps.get(), 0, "no timer before the first item");
    events.unbounded_send(1).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance(10 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![1])));
    assert!(poll(windows.as_mut()).is_pending());
    assert_eq!(timer.sleepers(), 0, "no timer while nothing is held");
    for _ in 0..20 {
        timer.advance(10 * MS);
        assert!(poll(windows.as_mut()).is_pending());
    }
    timer.advance(7 * MS);
    events.unbounded_send(2).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance(3 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![2])), "on the first grid");
    assert_eq!(counted.sleeps.get(), 1);
}

#[test]
fn overlapping_windows_share_items() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(10 * MS, 5 * MS, 9, timer.clone()));
    for (at, n) in [(0, 1), (3, 2), (7, 3)] {
        timer.advance_to(at * MS);
        events.unbounded_send(n).unwrap();
        assert!(poll(windows.as_mut()).is_pending());
    }
    timer.advance_to(10 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![1, 2, 3])));
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance_to(15 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![3])));
    assert!(poll(windows.as_mut()).is_pending());
}

#[test]
fn what_falls_between_windows_that_lie_apart_is_dropped() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(2 * MS, 5 * MS, 9, timer.clone()));
    let mut seen = Vec::new();
    for at in 0..12 {
        timer.advance_to(at * MS);
        events.unbounded_send(at).unwrap();
        while let Poll::Ready(Some(window)) = poll(windows.as_mut()) {
            seen.push(window);
        }
    }
    assert_eq!(seen, [[0, 1], [5, 6]]);
    drop(events);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![10, 11])));
    assert_eq!(poll(windows.as_mut()), Poll::Ready(None));
}

#[test]
fn a_full_window_leaves_at_once_and_the_grid_begins_anew() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(10 * MS, 10 * MS, 2, timer.clone()));
    for n in 1..=3 {
        events.unbounded_send(n).unwrap();
    }
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![1, 2])));
    timer.advance(4 * MS);
    assert!(poll(windows.as_mut()).is_pending(), "3 begins a window, now");
    timer.advance(6 * MS);
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance(4 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![3])));
}

#[test]
fn the_end_flushes_once_and_releases_source_and_timer() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(10 * MS, 2 * MS, 9, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    assert_eq!(timer.sleepers(), 1);
    drop(events);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![1])));
    assert!(windows.get_ref().get_ref().is_none());
    assert_eq!(timer.sleepers(), 0);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(None));
}

#[test]
fn a_poll_that_comes_late_gives_every_window_that_is_over() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(9 * MS, 3 * MS, 9, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance(8 * MS);
    events.unbounded_send(2).unwrap();
    let (waking, waker) = Waking::new();
    assert!(windows.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    timer.advance_to(Duration::MAX);
    assert!(waking.count() > 0);
    events.unbounded_send(3).unwrap();
    let mut seen = Vec::new();
    while let Poll::Ready(Some(window)) = poll(windows.as_mut()) {
        seen.push(window);
    }
    assert_eq!(seen, [vec![1, 2], vec![2], vec![2]]);
    drop(events);
    let rest = poll(windows.as_mut());
    assert!(rest == Poll::Ready(Some(vec![3])) || rest == Poll::Ready(None), "where time ends");
}

#[test]
fn a_span_beyond_all_time_leaves_the_size_and_the_end() {
    let timer = ManualTimer::new();
    timer.advance(MS);
    let windows = stream::iter(0..5).flow().window_within(Duration::MAX, MS, 2, timer);
    assert_eq!(drain(windows), [vec![0, 1], vec![2, 3], vec![4]]);
}

#[test]
fn a_sleep_that_ends_while_the_clock_reads_earlier_loses_no_item() {
    let wall = Wall::at(100 * MS);
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(10 * MS, 10 * MS, 9, wall.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    wall.clock.0.set(95 * MS);
    wall.timer.advance(10 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![1])));
    events.unbounded_send(2).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    wall.clock.0.set(119 * MS);
    events.unbounded_send(3).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    wall.clock.0.set(120 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![2, 3])));
    events.unbounded_send(4).unwrap();
    drop(events);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![4])));
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let wall = Wall::at(100 * MS);
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(10 * MS, 10 * MS, 9, wall.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    wall.clock.0.set(112 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![1])));
    wall.clock.0.set(95 * MS);
    events.unbounded_send(2).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    wall.clock.0.set(119 * MS);
    assert!(poll(windows.as_mut()).is_pending());
    wall.clock.0.set(120 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![2])));
}

#[test]
fn a_slide_beyond_all_time_leaves_the_first_window() {
    let timer = ManualTimer::new();
    timer.advance(MS);
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(10 * MS, Duration::MAX, 2, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance(10 * MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![1])));
    for n in 2..9 {
        events.unbounded_send(n).unwrap();
        assert!(poll(windows.as_mut()).is_pending(), "it lies in no window");
        assert_eq!(windows.size_hint(), (0, None));
        timer.advance(10 * MS);
    }
    assert_eq!(timer.sleepers(), 0);
    // Only this begins the grid anew.
    assert!(windows.as_mut().get_pin_mut().take_buffered().is_empty());
    events.unbounded_send(9).unwrap();
    drop(events);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![9])));
    assert_eq!(poll(windows.as_mut()), Poll::Ready(None));
}

#[test]
fn a_slide_beyond_all_time_after_a_pause() {
    // The second window ends where time does, and there is no third.
    let timer = ManualTimer::new();
    timer.advance(MS);
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(MS, Duration::MAX - 2 * MS, 9, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    timer.advance(MS);
    assert_eq!(poll(windows.as_mut()), Poll::Ready(Some(vec![1])));
    timer.advance_to(Duration::MAX);
    for n in 2..5 {
        events.unbounded_send(n).unwrap();
        assert!(poll(windows.as_mut()).is_pending(), "where the clock ends");
    }
}

#[test]
fn take_buffered_gives_the_open_windows() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut windows = pin!(source.flow().window_within(10 * MS, 5 * MS, 9, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(windows.as_mut()).is_pending());
    assert_eq!(windows.as_mut().get_pin_mut().take_buffered(), [1]);
    timer.advance(20 * MS);
    assert!(poll(windows.as_mut()).is_pending());
}

#[test]
fn no_time_and_no_room_are_refused() {
    let timer = ManualTimer::new();
    for (span, slide, max, hint) in [
        (Duration::ZERO, MS, 1, "pass a span"),
        (MS, Duration::ZERO, 1, "pass a slide"),
        (MS, MS, 0, "pass how many items"),
    ] {
        let message = panic_message(|| window_within(span, slide, max, &timer));
        assert!(message.contains(hint), "{message}");
    }
}

#[test]
fn the_value_and_the_stage_do_the_same() {
    let timer = ManualTimer::new();
    let by_value = drain(stream::iter(0..5).pipe(window_within(MS, MS, 2, &timer)));
    let by_stage = drain(stream::iter(0..5).pipe(stage::<i32>().window_within(MS, MS, 2, &timer)));
    assert_eq!(by_value, by_stage);
}

/// What every window of the grid holds, in the order in which they are over; and what is open at the end.
fn model(arrivals: &[(u32, u32)], span: u32, slide: u32, end: u32) -> (Vec<Vec<u32>>, Vec<u32>) {
    let first = arrivals[0].0;
    let mut over = Vec::new();
    for number in 0.. {
        let start = first + number * slide;
        let of_window: Vec<u32> =
            arrivals.iter().filter(|(at, _)| (start..start + span).contains(at)).map(|(_, n)| *n).collect();
        if start + span > end {
            return (over, of_window);
        }
        if !of_window.is_empty() {
            over.push(of_window);
        }
    }
    unreachable!()
}

#[test]
fn random_arrivals_match_the_model() {
    let mut random = Random::new();
    for round in 0..300 {
        let (span, slide) = (1 + random.below(12) as u32, 1 + random.below(12) as u32);
        let timer = ManualTimer::new();
        let (events, source) = mpsc::unbounded();
        let mut windows = pin!(source.flow().window_within(span * MS, slide * MS, 1000, timer.clone()));
        let mut arrivals = Vec::new();
        let mut seen = Vec::new();
        let mut now = 0;
        for n in 0..40 {
            let quiet = if random.below(10) == 0 { 50 } else { 4 };
            for _ in 0..random.below(quiet) {
                now += 1;
                timer.advance(MS);
                // Sometimes the poll comes late.
                while random.below(4) > 0
                    && let Poll::Ready(Some(window)) = poll(windows.as_mut())
                {
                    seen.push(window);
                }
            }
            arrivals.push((now, n));
            events.unbounded_send(n).unwrap();
            while let Poll::Ready(Some(window)) = poll(windows.as_mut()) {
                seen.push(window);
            }
            assert_eq!(Duration::from_millis(now.into()), timer.now());
        }
        let (over, open) = model(&arrivals, span, slide, now);
        assert_eq!(seen, over, "round {round}, span {span}, slide {slide}: {random}");
        drop(events);
        let rest = match poll(windows.as_mut()) {
            Poll::Ready(rest) => rest.unwrap_or_default(),
            Poll::Pending => panic!("round {round}: it does not end: {random}"),
        };
        assert_eq!(rest, open, "round {round}, span {span}, slide {slide}: {random}");
    }
}
