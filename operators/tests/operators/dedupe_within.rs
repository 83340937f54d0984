//! Besides the cases, random runs against a queue of keys that is searched.
//!
//! Mutations tried by hand, each caught by `random_runs_match_the_model`: a key that is exactly `ttl` old still
//! suppresses (`<` for `<=` at the front); a duplicate refreshes its key; the bound evicts the newest.

use std::{
    collections::VecDeque,
    hash::{Hash, Hasher},
    pin::pin,
    task::Poll,
    time::Duration,
};

use futures::{channel::mpsc, stream};
use pubsub_operators::{Clock, ManualTimer, StreamOps, dedupe_within, stage};

use crate::{
    harness::{Ends, Random, Rig, Script, contract, drain, panic_message, poll},
    time::{Erratic, MS, TICK},
};

#[test]
fn dedupe_within_keeps_the_contract() {
    for (last, ttl) in [(1, MS), (2, MS), (9, MS), (9, Duration::ZERO), (2, Duration::MAX)] {
        let build = |rig: &Rig, source: Script| {
            let rig = rig.clone();
            source.flow().dedupe_within(last, ttl, ManualTimer::new(), move |item| {
                rig.tick();
                item.value()
            })
        };
        contract(Ends::WithSource, false, &[1, 2, 1, 3, 3, 1], build, |input| {
            let mut memory = VecDeque::new();
            input
                .iter()
                .copied()
                .filter(|n| ttl.is_zero() || remember(&mut memory, *n, last))
                .collect::<Vec<_>>()
        });
    }
}

fn remember(memory: &mut VecDeque<u32>, n: u32, last: usize) -> bool {
    if memory.contains(&n) {
        return false;
    }
    if memory.len() == last {
        memory.pop_front();
    }
    memory.push_back(n);
    true
}

#[test]
fn a_key_is_forgotten_exactly_after_its_time_counted_from_the_first_sighting() {
    let clock = ManualTimer::new();
    let (events, source) = mpsc::unbounded();
    let mut once = pin!(source.flow().dedupe_within(4, 10 * MS, clock.clone(), |n| *n));
    let mut at = |time: Duration| {
        clock.advance_to(time);
        events.unbounded_send(7).unwrap();
        poll(once.as_mut())
    };
    assert_eq!(at(Duration::ZERO), Poll::Ready(Some(7)));
    assert!(at(6 * MS).is_pending());
    assert!(at(10 * MS - TICK).is_pending(), "the duplicate did not refresh it");
    assert_eq!(at(10 * MS), Poll::Ready(Some(7)));
    assert!(at(19 * MS).is_pending());
    assert_eq!((once.get_ref().suppressed(), once.get_ref().forgotten()), (3, 0));
}

#[test]
fn the_bound_forgets_before_the_time() {
    let clock = ManualTimer::new();
    let mut once = pin!(stream::iter([1, 2, 3, 1, 3]).flow().dedupe_within(2, MS, clock, |n| *n));
    let mut seen = Vec::new();
    while let Poll::Ready(Some(n)) = poll(once.as_mut()) {
        seen.push(n);
    }
    assert_eq!(seen, [1, 2, 3, 1]);
    assert_eq!((once.get_ref().suppressed(), once.get_ref().forgotten()), (1, 2));
}

#[test]
fn no_time_drops_nothing_and_all_time_leaves_the_bound() {
    let clock = ManualTimer::new();
    clock.advance(MS);
    let input = [1, 1, 2, 1];
    let none = stream::iter(input).flow().dedupe_within(4, Duration::ZERO, &clock, |n| *n);
    assert_eq!(drain(none), input);
    let all = stream::iter(input).flow().dedupe_within(4, Duration::MAX, &clock, |n| *n);
    assert_eq!(drain(all), [1, 2]);
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let clock = Erratic::default();
    let (events, source) = mpsc::unbounded();
    let mut once = pin!(source.flow().dedupe_within(4, 10 * MS, clock.clone(), |n| *n));
    let mut at = |time: Duration, n| {
        clock.0.set(time);
        events.unbounded_send(n).unwrap();
        poll(once.as_mut())
    };
    assert!(at(20 * MS, 1).is_ready());
    assert!(at(5 * MS, 2).is_ready());
    // Were the 2 taken to be seen at 5 ms, it would be forgotten before the 1.
    assert!(at(29 * MS, 2).is_pending());
    assert!(at(29 * MS, 1).is_pending());
    assert!(at(30 * MS, 2).is_ready());
    assert!(at(30 * MS, 1).is_ready());
}

/// All collide.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Collides(u64);

impl Hash for Collides {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0_u8.hash(state);
    }
}

#[test]
fn random_runs_match_the_model() {
    let mut random = Random::new();
    for round in 0..200 {
        let (last, ttl) = (1 + random.below(8), random.below(20) as u32);
        let clock = ManualTimer::new();
        let (events, source) = mpsc::unbounded();
        let mut once = pin!(source.flow().dedupe_within(last, ttl * MS, clock.clone(), |n| Collides(*n)));
        let mut model: VecDeque<(u64, Duration)> = VecDeque::new();
        let (mut suppressed, mut forgotten) = (0, 0);
        for step in 0..100 {
            clock.advance(random.below(4) as u32 * MS);
            let key = random.below(6) as u64;
            model.retain(|(_, seen)| clock.now() - *seen < ttl * MS);
            let passes = !model.iter().any(|(known, _)| *known == key);
            if passes {
                if model.len() == last {
                    model.pop_front();
                    forgotten += 1;
                }
                model.push_back((key, clock.now()));
            } else {
                suppressed += 1;
            }
            events.unbounded_send(key).unwrap();
            let expected = if passes { Poll::Ready(Some(key)) } else { Poll::Pending };
            assert_eq!(poll(once.as_mut()), expected, "round {round}, step {step}: {random}");
        }
        let counters = (once.get_ref().suppressed(), once.get_ref().forgotten());
        assert_eq!(counters, (suppressed, forgotten), "round {round}: {random}");
    }
}

#[test]
fn a_memory_of_nothing_is_refused_and_each_application_has_its_own() {
    let clock = ManualTimer::new();
    let message = panic_message(|| dedupe_within(0, MS, &clock, |n: &u8| *n));
    assert!(message.contains("pass how many keys"), "{message}");
    let by_value = dedupe_within(4, MS, &clock, |n: &i32| *n);
    let by_stage = stage::<i32>().dedupe_within(4, MS, &clock, |n| *n);
    for _ in 0..2 {
        assert_eq!(drain(stream::iter([1, 1]).pipe(by_value)), [1]);
        assert_eq!(drain(stream::iter([1, 1]).pipe(by_stage)), [1]);
    }
}

#[test]
fn keys_are_dropped_once_when_they_are_forgotten() {
    let rig = Rig::default();
    let clock = ManualTimer::new();
    let (source, _) = Script::of(&rig, 0..40);
    let mut once = Box::pin(source.flow().dedupe_within(4, 10 * MS, clock.clone(), Clone::clone));
    for _ in 0..20 {
        assert!(poll(once.as_mut()).is_ready());
    }
    assert_eq!(rig.live(), 4, "by the bound");
    clock.advance(10 * MS);
    assert!(poll(once.as_mut()).is_ready());
    assert_eq!(rig.live(), 1, "by the time");
    drop(once);
    assert_eq!(rig.live(), 0);
}
