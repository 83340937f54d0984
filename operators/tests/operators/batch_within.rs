use std::{
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, channel::mpsc, stream};
use pubsub_operators::{Clock, ManualTimer, StreamOps, batch_within, stage};

use crate::{
    harness::{Ends, Rig, Script, Waking, contract, drain, panic_message, poll},
    time::{Counted, MS, TICK, Wall},
};

const INPUT: [u32; 6] = [1, 2, 3, 4, 5, 6];

#[test]
fn batch_within_keeps_the_contract() {
    for max in [1, 2, 3, 4, 6, 7, usize::MAX] {
        // Time stands still, so only the size decides.
        let build = |_: &Rig, source: Script| source.flow().batch_within(max, MS, ManualTimer::new());
        contract(Ends::Itself, false, &INPUT, build, |input| {
            input.chunks(max.min(100)).map(<[u32]>::to_vec).collect()
        });
    }
}

#[test]
fn batch_within_without_age_keeps_the_contract() {
    // What is in one batch depends on the waits; the items and their order do not.
    let build = |_: &Rig, source: Script| {
        let batches = source.flow().batch_within(4, Duration::ZERO, ManualTimer::new());
        batches.flat().chain(stream::empty())
    };
    contract(Ends::Itself, false, &INPUT, build, <[u32]>::to_vec);
}

#[test]
fn batch_within_ok_keeps_the_contract() {
    for errors in [[2, 3], [1, 6], [4, 9], [8, 9]] {
        for max in [1, 2, 3] {
            let build = |_: &Rig, source: Script| {
                let results = source
                    .flow()
                    .map(move |item| if errors.contains(&item.value()) { Err(item) } else { Ok(item) });
                results.batch_within_ok(max, MS, ManualTimer::new())
            };
            contract(Ends::Itself, false, &INPUT, build, |input| {
                let mut expected = Vec::new();
                for run in input.chunk_by(|a, b| !errors.contains(a) && !errors.contains(b)) {
                    if errors.contains(&run[0]) {
                        expected.push(Err(run[0]));
                    } else {
                        expected.extend(run.chunks(max).map(|batch| Ok(batch.to_vec())));
                    }
                }
                expected
            });
        }
    }
}

#[test]
fn the_age_counts_from_the_first_item_and_nothing_happens_without_one() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(3, 10 * MS, timer.clone()));
    assert!(poll(batches.as_mut()).is_pending());
    assert_eq!(timer.sleepers(), 0, "no timer while nothing is gathered");
    timer.advance(100 * MS);
    assert!(poll(batches.as_mut()).is_pending());

    events.unbounded_send(1).unwrap();
    let (waking, waker) = Waking::new();
    assert!(batches.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    timer.advance(10 * MS - TICK);
    events.unbounded_send(2).unwrap();
    assert_eq!(waking.count(), 1, "by the item");
    assert!(batches.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    timer.advance(TICK);
    assert_eq!(waking.count(), 2, "by the timer");
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![1, 2])));

    // Not from the batch before.
    timer.advance(9 * MS);
    events.unbounded_send(3).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance(10 * MS - TICK);
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance(TICK);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![3])));
}

#[test]
fn what_is_ready_joins_a_batch_that_is_due() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(3, 10 * MS, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance(50 * MS);
    for n in 2..=7 {
        events.unbounded_send(n).unwrap();
    }
    // Two full batches are ready and the timer is due: there is no early partial one.
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![1, 2, 3])));
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![4, 5, 6])));
    assert!(poll(batches.as_mut()).is_pending(), "the 7 is new");
    timer.advance(10 * MS);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![7])));
}

#[test]
fn one_sleep_is_made_at_the_first_wait_and_set_anew_after_that() {
    let counted = Counted::default();
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(2, 10 * MS, counted.clone()));
    for n in 0..4 {
        events.unbounded_send(n).unwrap();
    }
    assert!(poll(batches.as_mut()).is_ready());
    assert!(poll(batches.as_mut()).is_ready());
    assert!(poll(batches.as_mut()).is_pending());
    assert_eq!(counted.sleeps.get(), 0, "batches that fill at once need no timer");
    for round in 0..5 {
        counted.timer.advance(MS);
        events.unbounded_send(round).unwrap();
        assert!(poll(batches.as_mut()).is_pending());
        assert!(poll(batches.as_mut()).is_pending());
        assert_eq!((counted.sleeps.get(), counted.resets.get()), (1, round as usize));
        // By size in the odd rounds, by age in the even ones.
        if round % 2 == 1 {
            events.unbounded_send(round).unwrap();
        } else {
            counted.timer.advance(10 * MS);
        }
        assert!(poll(batches.as_mut()).is_ready());
    }
}

#[test]
fn a_size_flush_does_not_leave_its_deadline_behind() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(2, 10 * MS, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance(6 * MS);
    events.unbounded_send(2).unwrap();
    events.unbounded_send(3).unwrap();
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![1, 2])));
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance(4 * MS);
    assert!(poll(batches.as_mut()).is_pending(), "10 ms after the 1, but 4 after the 3");
    timer.advance(6 * MS);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![3])));
}

#[test]
fn an_age_of_zero_takes_what_is_ready() {
    let counted = Counted::default();
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(3, Duration::ZERO, counted.clone()));
    for n in 1..=4 {
        events.unbounded_send(n).unwrap();
    }
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![1, 2, 3])));
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![4])));
    assert!(poll(batches.as_mut()).is_pending());
    assert_eq!(counted.sleeps.get(), 0);
}

#[test]
fn an_age_beyond_all_time_leaves_the_size_and_the_end() {
    let timer = ManualTimer::new();
    timer.advance(MS);
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(2, Duration::MAX, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance_to(Duration::MAX);
    assert!(poll(batches.as_mut()).is_pending());
    events.unbounded_send(2).unwrap();
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![1, 2])));
    events.unbounded_send(3).unwrap();
    drop(events);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![3])));
    assert_eq!(poll(batches.as_mut()), Poll::Ready(None));
}

#[test]
fn the_end_flushes_and_releases_source_and_timer() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(4, 10 * MS, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    assert_eq!(timer.sleepers(), 1);
    drop(events);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![1])));
    assert_eq!(timer.sleepers(), 0);
    assert!(batches.get_ref().get_ref().is_none());
    assert_eq!(poll(batches.as_mut()), Poll::Ready(None));
}

#[test]
fn take_buffered_gives_what_is_gathered_and_the_next_batch_has_its_own_age() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(4, 10 * MS, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    assert_eq!(batches.as_mut().get_pin_mut().take_buffered(), [1]);
    timer.advance(10 * MS);
    assert!(poll(batches.as_mut()).is_pending(), "nothing is gathered");
    events.unbounded_send(2).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance(10 * MS);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![2])));
}

#[test]
fn an_error_flushes_what_came_before_it_and_the_age_begins_anew() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within_ok(4, 10 * MS, timer.clone()));
    events.unbounded_send(Ok(1)).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance(6 * MS);
    events.unbounded_send(Err("lost")).unwrap();
    events.unbounded_send(Ok(2)).unwrap();
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(Ok(vec![1]))));
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(Err("lost"))));
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance(4 * MS);
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance(6 * MS);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(Ok(vec![2]))));
}

#[test]
fn an_always_ready_source_fills_batches_of_exact_capacity() {
    let batches = stream::repeat(7).flow().batch_within(8, MS, ManualTimer::new()).take(100);
    for batch in drain(batches) {
        assert_eq!((batch.len(), batch.capacity()), (8, 8));
    }
}

#[test]
fn a_clock_that_steps_far_makes_the_batch_due() {
    let timer = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(4, 10 * MS, timer.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    timer.advance_to(Duration::MAX);
    assert_eq!(timer.now(), Duration::MAX);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![1])));
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let wall = Wall::at(20 * MS);
    let (events, source) = mpsc::unbounded();
    let mut batches = pin!(source.flow().batch_within(4, 10 * MS, wall.clone()));
    events.unbounded_send(1).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    wall.clock.0.set(30 * MS);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![1])));
    wall.clock.0.set(15 * MS);
    events.unbounded_send(2).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    wall.clock.0.set(40 * MS - TICK);
    assert!(poll(batches.as_mut()).is_pending());
    wall.clock.0.set(40 * MS);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![2])));

    // Due by a reading that the clock takes back before the poll.
    events.unbounded_send(3).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    wall.clock.0.set(5 * MS);
    wall.timer.advance(10 * MS);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![3])));
    events.unbounded_send(4).unwrap();
    assert!(poll(batches.as_mut()).is_pending());
    wall.clock.0.set(60 * MS - TICK);
    assert!(poll(batches.as_mut()).is_pending(), "the sleep has told that it is 50");
    wall.clock.0.set(60 * MS);
    assert_eq!(poll(batches.as_mut()), Poll::Ready(Some(vec![4])));
}

#[test]
fn batches_of_one_leave_at_once_and_ask_no_timer() {
    let counted = Counted::default();
    let ones = stream::iter(1..=3).flow().batch_within(1, MS, counted.clone());
    assert_eq!(drain(ones), [[1], [2], [3]]);
    assert_eq!(counted.sleeps.get(), 0);
}

#[test]
fn a_size_of_zero_is_refused() {
    let message = panic_message(|| batch_within(0, MS, ManualTimer::new()));
    assert!(message.contains("pass the number of items"), "{message}");
    let timer = ManualTimer::new();
    let message = panic_message(|| stream::empty::<Result<u8, ()>>().flow().batch_within_ok(0, MS, &timer));
    assert!(message.contains("pass the number of items"), "{message}");
}

#[test]
fn the_value_and_the_stage_do_the_same() {
    let timer = ManualTimer::new();
    let by_value = drain(stream::iter(0..5).pipe(batch_within(2, MS, &timer)));
    let by_stage = drain(stream::iter(0..5).pipe(stage::<i32>().batch_within(2, MS, &timer)));
    assert_eq!(by_value, [vec![0, 1], vec![2, 3], vec![4]]);
    assert_eq!(by_value, by_stage);
}
