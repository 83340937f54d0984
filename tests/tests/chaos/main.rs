//! A wire that misbehaves: nothing is lost in silence, whatever it does.
//!
//! `SEED=<n>` replays one run, `PUBSUB_CHAOS_RUNS=<n>` does more of them.

use std::collections::VecDeque;

use futures::executor::block_on;
use pubsub::codec::Json;
use pubsub::prelude::*;
use pubsub::{BusError, Chaos, ChaosHandle, Gap, Header, Loopback, Mischief, SendError};

#[derive(Clone, Debug, PartialEq, EventMap)]
enum App {
    Number(u64),
}

const EVENTS: u64 = 300;

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn each_seed(run: impl Fn(u64)) {
    let seeds = match number_of("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_of("PUBSUB_CHAOS_RUNS").unwrap_or(100),
    };
    for seed in seeds {
        println!("SEED={seed}");
        run(seed);
    }
}

/// A bus on a good end of the wire, and one on an end that misbehaves.
fn buses(seed: u64) -> (PubSub<App>, PubSub<App>, ChaosHandle) {
    let wire = Loopback::new(Json::default());
    let chaos = Chaos::new(wire.clone(), seed);
    let handle = chaos.handle();
    (PubSub::new(wire), PubSub::new(chaos), handle)
}

fn counted(did: &[Mischief], id: &str, is: impl Fn(&Mischief) -> Option<&Header>) -> usize {
    did.iter().filter(|it| is(it).is_some_and(|header| header.id() == id)).count()
}

#[test]
fn a_subscription_gets_every_event_in_order_or_a_gap_that_counts_it() {
    each_seed(|seed| {
        let (good, bad, chaos) = buses(seed);
        let mut subscriptions = ["a", "b"].map(|id| (id, bad.subscribe(App::NUMBER.id(id)).now().unwrap()));
        for n in 0..EVENTS {
            good.publish(App::NUMBER, if n % 3 == 0 { "a" } else { "b" }, n).now().unwrap();
        }
        chaos.calm();
        let did = chaos.did();
        for (id, subscription) in &mut subscriptions {
            good.publish(App::NUMBER, id, EVENTS).now().unwrap();
            let mut expected: VecDeque<u64> =
                (0..EVENTS).filter(|n| (n % 3 == 0) == (*id == "a")).chain([EVENTS]).collect();
            let (mut lost, mut undecodable, mut reconnected, mut gaps) = (0, 0, 0, 0);
            while !expected.is_empty() {
                match block_on(subscription.deliveries().next()).unwrap() {
                    Delivery::Event(event) => {
                        let missing = expected.iter().position(|n| *n == event.payload);
                        assert_eq!(missing, Some(lost), "{event:?} after a gap of {lost}");
                        expected.drain(..=lost);
                        lost = 0;
                    }
                    Delivery::Gap(Gap { missed, .. }) => {
                        lost += usize::try_from(missed.unwrap()).unwrap();
                        gaps += missed.unwrap();
                    }
                    Delivery::Undecodable(_) => undecodable += 1,
                    Delivery::Reconnected => reconnected += 1,
                    other => panic!("{other:?}"),
                }
            }
            let garbage = counted(&did, id, |it| match it {
                Mischief::Garbage(header) => Some(header),
                _ => None,
            });
            let gone = counted(&did, id, |it| match it {
                Mischief::Dropped(header) | Mischief::Lost(header) => Some(header),
                _ => None,
            });
            assert_eq!((undecodable, gaps), (garbage, gone as u64));
            assert_eq!(reconnected, did.iter().filter(|it| **it == Mischief::Reconnected).count());
            assert_eq!(subscription.missed(), gone as u64);
        }
        let garbage = did.iter().filter(|it| matches!(it, Mischief::Garbage(_))).count();
        assert_eq!(bad.error_count(), garbage as u64);
    });
}

#[test]
fn a_publish_is_accepted_or_says_that_it_was_not() {
    each_seed(|seed| {
        let (good, bad, chaos) = buses(seed);
        let mut witness = good.subscribe(App::NUMBER).now().unwrap();
        let _own = bad.subscribe(App::NUMBER).now().unwrap(); // so that events come, and may be cut off
        let (mut accepted, mut doubtful, mut told) = (Vec::new(), Vec::new(), 0);
        for n in 0..EVENTS {
            if n % 4 == 0 {
                bad.publish(App::NUMBER, "now", n).now().unwrap();
                doubtful.push(n);
                continue;
            }
            match block_on(bad.publish(App::NUMBER, "wait", n)) {
                Ok(()) => accepted.push(n),
                Err(PublishError::Ambiguous(_)) => doubtful.push(n),
                Err(PublishError::NotSent(event)) => assert_eq!(event.into_payload(), n),
                Err(error) => panic!("{error}"),
            }
        }
        let got: Vec<u64> = std::iter::from_fn(|| witness.try_next().ok()).map(|it| it.payload).collect();
        assert!(got.is_sorted(), "{got:?}");
        assert!(accepted.iter().all(|n| got.contains(n)), "an accepted event did not arrive");
        assert!(
            got.iter().all(|n| accepted.contains(n) || doubtful.contains(n)),
            "it was said not to be sent"
        );
        // Of those that were taken at once, each that failed is told.
        chaos.calm();
        let did = chaos.did();
        let failed = counted(&did, "now", |it| match it {
            Mischief::NotSent(header) | Mischief::Ambiguous { header, .. } => Some(header),
            _ => None,
        });
        let mut errors = bad.errors();
        while let Some(Some(error)) = futures::FutureExt::now_or_never(errors.next()) {
            if let BusError::NotSent { error, .. } = error {
                assert!(matches!(error, SendError::NotSent | SendError::Ambiguous));
                told += 1;
            }
        }
        assert_eq!((errors.missed(), told), (0, failed));
    });
}

/// The same seed does the same to the same events, and another does something else.
#[test]
fn a_seed_can_be_replayed() {
    let run = |seed| {
        let (good, bad, chaos) = buses(seed);
        let _subscription = bad.subscribe(App::NUMBER).now().unwrap();
        for n in 0..EVENTS {
            good.publish(App::NUMBER, "a", n).now().unwrap();
        }
        // Headers have event ids, which are new ones.
        let name = |it: &Mischief| format!("{it:?}").split("event_id").next().unwrap().to_owned();
        chaos.did().iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    assert!(run(7).len() > 20);
}

#[test]
fn closing_holds_nothing_back() {
    each_seed(|seed| {
        let (good, bad, chaos) = buses(seed);
        let mut subscription = bad.subscribe(App::NUMBER).now().unwrap();
        for n in 0..EVENTS {
            good.publish(App::NUMBER, "a", n).now().unwrap();
        }
        bad.close().now();
        let mut arrived = 0;
        while let Some(_event) = block_on(subscription.next()) {
            arrived += 1;
        }
        let gone =
            chaos.did().iter().filter(|it| matches!(it, Mischief::Dropped(_) | Mischief::Lost(_))).count();
        assert_eq!(arrived + gone as u64, EVENTS);
        assert_eq!(subscription.missed(), gone as u64);
    });
}
