//! `debounce` and `throttle`.

use std::{pin::pin, task::Poll, time::Duration};

use futures::{channel::mpsc, stream};
use pubsub_operators::{Clock, ManualTimer, StreamOps, debounce, stage, throttle};

use crate::{
    harness::{Ends, Random, Rig, Script, contract, drain, poll},
    time::{Counted, MS, TICK, Wall},
};

const INPUT: [u32; 5] = [1, 2, 3, 4, 5];

#[test]
fn debounce_keeps_the_contract() {
    // Time stands still: the last item is emitted at the end.
    let build = |_: &Rig, source: Script| source.flow().debounce(MS, ManualTimer::new());
    contract(Ends::Itself, false, &INPUT, build, |input| vec![input[4]]);
    contract(Ends::Itself, false, &[], build, |_| Vec::<u32>::new());
    let build = |_: &Rig, source: Script| source.flow().debounce(Duration::ZERO, ManualTimer::new());
    contract(Ends::Itself, false, &INPUT, build, <[u32]>::to_vec);
}

#[test]
fn throttle_keeps_the_contract() {
    // Time stands still: the first item is emitted at once and the last at the end.
    let build = |_: &Rig, source: Script| source.flow().throttle(MS, ManualTimer::new());
    contract(Ends::Itself, false, &INPUT, build, |input| vec![input[0], input[4]]);
    contract(Ends::Itself, false, &[1], build, |_| vec![1]);
    contract(Ends::Itself, false, &[], build, |_| Vec::<u32>::new());
    let build = |_: &Rig, source: Script| source.flow().throttle(Duration::ZERO, ManualTimer::new());
    contract(Ends::Itself, false, &INPUT, build, <[u32]>::to_vec);
}

#[test]
fn debounce_waits_for_quiet_from_the_last_item_on() {
    let counted = Counted::default();
    let timer = &counted.timer;
    let (events, source) = mpsc::unbounded();
    let mut last = pin!(source.flow().debounce(10 * MS, counted.clone()));
    assert!(poll(last.as_mut()).is_pending());
    assert_eq!(counted.sleeps.get(), 0);
    for n in 1..=3 {
        events.unbounded_send(n).unwrap();
        assert!(poll(last.as_mut()).is_pending());
        timer.advance(10 * MS - TICK);
        assert!(poll(last.as_mut()).is_pending());
    }
    timer.advance(TICK);
    // Its time is up, so the next item does not take its place.
    events.unbounded_send(4).unwrap();
    assert_eq!(poll(last.as_mut()), Poll::Ready(Some(3)));
    assert!(poll(last.as_mut()).is_pending());
    timer.advance(10 * MS);
    assert_eq!(poll(last.as_mut()), Poll::Ready(Some(4)));
    assert!(poll(last.as_mut()).is_pending());
    assert_eq!((timer.sleepers(), counted.sleeps.get()), (0, 1));
    assert_eq!(last.get_ref().suppressed(), 2);
}

#[test]
fn debounce_emits_what_waits_at_the_end_and_releases() {
    let timer = ManualTimer::new();
    timer.advance(MS);
    for quiet in [10 * MS, Duration::MAX] {
        let (events, source) = mpsc::unbounded();
        let mut last = pin!(source.flow().debounce(quiet, &timer));
        events.unbounded_send(1).unwrap();
        assert!(poll(last.as_mut()).is_pending());
        drop(events);
        assert_eq!(poll(last.as_mut()), Poll::Ready(Some(1)));
        assert_eq!(timer.sleepers(), 0);
        assert!(last.get_ref().get_ref().is_none());
        assert_eq!(poll(last.as_mut()), Poll::Ready(None));
    }
}

#[test]
fn throttle_emits_the_first_at_once_and_the_last_of_each_period() {
    let counted = Counted::default();
    let timer = &counted.timer;
    let (events, source) = mpsc::unbounded();
    let mut rate = pin!(source.flow().throttle(10 * MS, counted.clone()));
    events.unbounded_send(1).unwrap();
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(1)));
    assert!(poll(rate.as_mut()).is_pending());
    assert_eq!(counted.sleeps.get(), 0, "nothing waits");
    for n in 2..=4 {
        timer.advance(3 * MS);
        events.unbounded_send(n).unwrap();
        assert!(poll(rate.as_mut()).is_pending());
    }
    timer.advance(MS - TICK);
    assert!(poll(rate.as_mut()).is_pending());
    timer.advance(TICK);
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(4)));
    // The period begins with what was emitted.
    timer.advance(9 * MS);
    events.unbounded_send(5).unwrap();
    assert!(poll(rate.as_mut()).is_pending());
    timer.advance(MS);
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(5)));
    timer.advance(30 * MS);
    events.unbounded_send(6).unwrap();
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(6)), "after a pause, at once");
    assert_eq!(rate.get_ref().suppressed(), 2);
    assert_eq!(counted.sleeps.get(), 1);
}

#[test]
fn throttle_with_a_period_beyond_all_time_leaves_the_first_and_the_last() {
    let timer = ManualTimer::new();
    timer.advance(MS);
    let rate = stream::iter(0..9).flow().throttle(Duration::MAX, timer);
    assert_eq!(drain(rate), [0, 8]);
}

#[test]
fn for_debounce_a_clock_that_goes_back_stands_still() {
    let wall = Wall::at(100 * MS);
    let clock = wall.clock.clone();
    let source = stream::iter(0..5).flow().map(move |n| {
        clock.0.set(clock.0.get() - MS);
        n
    });
    assert_eq!(drain(source.debounce(Duration::ZERO, wall)), [0, 1, 2, 3, 4]);

    // A sleep that ended is a reading too.
    let wall = Wall::at(100 * MS);
    let (events, source) = mpsc::unbounded();
    let mut last = pin!(source.flow().debounce(10 * MS, wall.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(last.as_mut()).is_pending());
    wall.clock.0.set(95 * MS);
    wall.timer.advance(10 * MS);
    assert_eq!(poll(last.as_mut()), Poll::Ready(Some(1)));
    events.unbounded_send(2).unwrap();
    assert!(poll(last.as_mut()).is_pending());
    wall.clock.0.set(120 * MS - TICK);
    assert!(poll(last.as_mut()).is_pending());
    wall.clock.0.set(120 * MS);
    assert_eq!(poll(last.as_mut()), Poll::Ready(Some(2)));
}

#[test]
fn for_throttle_a_clock_that_goes_back_stands_still() {
    let wall = Wall::at(20 * MS);
    let (events, source) = mpsc::unbounded();
    let mut rate = pin!(source.flow().throttle(10 * MS, wall.clone()));
    events.unbounded_send(1).unwrap();
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(1)));
    wall.clock.0.set(30 * MS);
    assert!(poll(rate.as_mut()).is_pending());
    wall.clock.0.set(15 * MS);
    events.unbounded_send(2).unwrap();
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(2)), "the period was over");
    // The next counts from the latest reading, and a sleep that ended is one.
    events.unbounded_send(3).unwrap();
    assert!(poll(rate.as_mut()).is_pending());
    wall.timer.advance(25 * MS);
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(3)));
    events.unbounded_send(4).unwrap();
    wall.clock.0.set(50 * MS - TICK);
    assert!(poll(rate.as_mut()).is_pending());
    wall.clock.0.set(50 * MS);
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(4)));
}

#[test]
fn throttle_emits_what_waits_at_the_end_and_releases() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut rate = pin!(source.flow().throttle(10 * MS, &timer));
    events.unbounded_send(1).unwrap();
    events.unbounded_send(2).unwrap();
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(1)));
    assert!(poll(rate.as_mut()).is_pending());
    assert_eq!(timer.sleepers(), 1);
    drop(events);
    assert_eq!(poll(rate.as_mut()), Poll::Ready(Some(2)));
    assert_eq!(timer.sleepers(), 0);
    assert!(rate.get_ref().get_ref().is_none());
    assert_eq!(poll(rate.as_mut()), Poll::Ready(None));
}

#[test]
fn what_waits_can_be_taken() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut last = pin!(source.flow().debounce(MS, &timer));
    events.unbounded_send(1).unwrap();
    assert!(poll(last.as_mut()).is_pending());
    assert_eq!(last.as_mut().get_pin_mut().take_buffered(), Some(1));
    timer.advance(MS);
    assert!(poll(last.as_mut()).is_pending());

    let (events, source) = mpsc::unbounded();
    let mut rate = pin!(source.flow().throttle(MS, &timer));
    events.unbounded_send(1).unwrap();
    events.unbounded_send(2).unwrap();
    assert!(poll(rate.as_mut()).is_ready());
    assert!(poll(rate.as_mut()).is_pending());
    assert_eq!(rate.as_mut().get_pin_mut().take_buffered(), Some(2));
    timer.advance(MS);
    assert!(poll(rate.as_mut()).is_pending());
}

#[test]
fn values_and_stages_do_the_same() {
    let timer = ManualTimer::new();
    assert_eq!(drain(stream::iter(0..5).pipe((throttle(MS, &timer), debounce(MS, &timer)))), [4]);
    assert_eq!(drain(stream::iter(0..5).pipe(stage::<i32>().throttle(MS, &timer).debounce(MS, &timer))), [4]);
}

#[test]
fn random_arrivals_match_the_models() {
    let mut random = Random::new();
    for round in 0..200 {
        let period = (1 + random.below(8)) as u32;
        let timer = ManualTimer::new();
        let (quiet_events, quiet_source) = mpsc::unbounded();
        let (rate_events, rate_source) = mpsc::unbounded();
        let mut last = pin!(quiet_source.flow().debounce(period * MS, &timer));
        let mut rate = pin!(rate_source.flow().throttle(period * MS, &timer));
        // By the tick: what waits and since when; until when the gate is closed, and what waits there.
        let (mut waiting, mut closed, mut behind) = (None::<(usize, u32)>, 0, None);
        for now in 0..200 {
            let (mut quiet_expected, mut rate_expected) = (Vec::new(), Vec::new());
            quiet_expected.extend(waiting.take_if(|(_, since)| now >= *since + period).map(|(n, _)| n));
            if now >= closed
                && let Some(n) = behind.take()
            {
                rate_expected.push(n);
                closed = now + period;
            }
            if random.below(3) == 0 {
                let n = random.below(100);
                quiet_events.unbounded_send(n).unwrap();
                rate_events.unbounded_send(n).unwrap();
                waiting = Some((n, now));
                if now >= closed {
                    rate_expected.push(n);
                    closed = now + period;
                } else {
                    behind = Some(n);
                }
            }
            let (mut quiet_seen, mut rate_seen) = (Vec::new(), Vec::new());
            while let Poll::Ready(Some(n)) = poll(last.as_mut()) {
                quiet_seen.push(n);
            }
            while let Poll::Ready(Some(n)) = poll(rate.as_mut()) {
                rate_seen.push(n);
            }
            assert_eq!(
                (quiet_seen, rate_seen),
                (quiet_expected, rate_expected),
                "round {round} at {now}, period {period}: {random}"
            );
            timer.advance(MS);
            assert_eq!(timer.now(), (now + 1) * MS);
        }
    }
}
