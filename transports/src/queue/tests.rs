//! One promise, one test; then all of them at once, in random schedules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use fastrand::Rng;

use super::*;
use crate::{Body, Frame, Patience, SendError, Sending};

struct Deaf;

impl crate::Inlet for Deaf {
    fn poll_ready(&self, _: &Waker) -> Poll<()> {
        Poll::Ready(())
    }
    fn deliver(&self, _: Frame) {}
    fn subscribed(&self, _: u64) {}
    fn refused(&self, _: u64, _: Address, _: crate::Rejection) {}
    fn gap(&self, _: Option<Address>, _: crate::Gap) {}
    fn undecodable(&self, _: crate::Undecodable) {}
    fn not_sent(&self, _: Header, _: SendError) {}
    fn state(&self, _: crate::ConnectionState) {}
}

struct World {
    exchange: Exchange,
    publisher: Member,
    queue: Queue,
    /// Ids of events that were told as unfinished.
    unfinished: Arc<Mutex<Vec<String>>>,
}

fn world(dispatch: Dispatch, bound: usize) -> World {
    let exchange = Exchange::new();
    let publisher = exchange.join(1, Arc::new(Deaf));
    let unfinished = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&unfinished);
    let tell = move |it: Unfinished| {
        let why = it.undecodable.map_or_else(String::new, |why| format!(" {why}"));
        told.lock().unwrap().push(format!("{}{why}", it.header.id()));
    };
    let queue = exchange.open_queue("jobs", vec!["a".parse().unwrap()], dispatch, bound, tell).unwrap();
    World { exchange, publisher, queue, unfinished }
}

impl World {
    fn publish(&self, id: &str, number: u64) -> Result<(), SendError> {
        let frame = Frame { header: Header::new("a", id), body: Body::Shared(Arc::new(number)) };
        match self.publisher.publish(frame, Patience::Now) {
            Sending::Done(answer) => answer,
            Sending::Pending(_) => panic!("it does not wait"),
        }
    }

    fn place(&self, name: &str, prefetch: usize) -> Place {
        self.queue.join(self.publisher.id(), name, prefetch)
    }
}

fn number(frame: &Frame) -> u64 {
    let Body::Shared(number) = &frame.body else { panic!("it is shared") };
    *number.downcast_ref().unwrap()
}

fn take(place: &Place) -> Option<u64> {
    match place.poll_begin(Waker::noop()) {
        Poll::Ready(frame) => Some(number(&frame.expect("it has not ended"))),
        Poll::Pending => None,
    }
}

fn give(place: &Place) -> Option<u64> {
    match place.poll_give(Waker::noop()) {
        Poll::Ready(frame) => Some(number(&frame.expect("it has not ended"))),
        Poll::Pending => None,
    }
}

#[test]
fn an_event_is_given_once_and_is_done_when_the_next_is_asked_for() {
    let world = world(Dispatch::LeastLoaded, 8);
    let (one, two) = (world.place("1", 1), world.place("2", 1));
    (0..3).for_each(|number| world.publish("x", number).unwrap());
    assert_eq!((take(&one), take(&two)), (Some(0), Some(1)));
    let stats = world.queue.stats();
    assert_eq!((stats.accepted, stats.waiting, stats.in_hand, stats.done), (3, 1, 2, 0));
    assert_eq!((take(&one), take(&one)), (Some(2), None));
    let stats = world.queue.stats();
    assert_eq!((stats.waiting, stats.in_hand, stats.done), (0, 1, 2));
}

#[test]
fn publishers_wait_for_room_whoever_is_there() {
    let world = world(Dispatch::LeastLoaded, 2);
    // One more is in the hands of the exchange.
    (0..3).for_each(|number| world.publish("x", number).unwrap());
    assert_eq!(world.publish("x", 3), Err(SendError::Full));
    let place = world.place("1", 1);
    assert_eq!(take(&place), Some(0));
    world.publish("x", 3).unwrap();
    assert_eq!(world.publish("x", 4), Err(SendError::Full));
}

#[test]
fn what_was_given_and_not_begun_goes_to_others_and_what_was_begun_is_told() {
    let world = world(Dispatch::LeastLoaded, 8);
    let (one, two) = (world.place("1", 3), world.place("2", 8));
    (0..4).for_each(|number| world.publish(&number.to_string(), number).unwrap());
    assert_eq!((give(&one), give(&one), give(&one), give(&one)), (Some(0), Some(1), Some(2), None));
    one.begin();
    one.leave(Leave::Unfinished);
    assert_eq!(*world.unfinished.lock().unwrap(), ["0"]);
    assert_eq!((take(&two), take(&two), take(&two), take(&two)), (Some(1), Some(2), Some(3), None));
    let stats = world.queue.stats();
    assert_eq!((stats.done, stats.unfinished, stats.redispatched, stats.lost), (3, 1, 2, 0));
    assert_eq!(one.poll_give(Waker::noop()).map(|it| it.is_none()), Poll::Ready(true), "it has left");
}

#[test]
fn what_was_said_to_begin_and_did_not_goes_to_others() {
    let world = world(Dispatch::LeastLoaded, 8);
    let (one, two) = (world.place("1", 2), world.place("2", 1));
    world.publish("x", 0).unwrap();
    assert_eq!(give(&one), Some(0));
    one.begin();
    one.leave(Leave::NotBegun);
    assert_eq!(take(&two), Some(0));
}

#[test]
fn who_has_something_to_do_lets_others_go_first() {
    let world = world(Dispatch::LeastLoaded, 8);
    let (busy, idle) = (world.place("busy", 4), world.place("idle", 4));
    world.publish("x", 0).unwrap();
    assert_eq!((give(&busy), give(&idle)), (Some(0), None));
    world.publish("x", 1).unwrap();
    assert_eq!(give(&busy), None, "the other asked, and has nothing to do");
    assert_eq!(give(&idle), Some(1));
    world.publish("x", 2).unwrap();
    assert_eq!(give(&busy), Some(2), "both have one");
}

#[test]
fn an_id_stays_with_its_place_and_moves_only_when_that_leaves() {
    let world = world(Dispatch::ById, 1_000);
    let mut places: Vec<(String, Place)> =
        (0..4).map(|number| (number.to_string(), world.place(&number.to_string(), 1))).collect();
    let round = |places: &[(String, Place)]| {
        (0..100).for_each(|id| world.publish(&id.to_string(), id).unwrap());
        let mut owner = BTreeMap::new();
        for (name, place) in places {
            while let Some(id) = take(place) {
                assert!(owner.insert(id, name.clone()).is_none(), "{id} came twice");
            }
        }
        assert_eq!(owner.len(), 100);
        owner
    };
    let first = round(&places);
    assert!(first.values().collect::<BTreeSet<_>>().len() == 4, "all have some");
    assert_eq!(first, round(&places));
    let gone = places.remove(2).0;
    let without = round(&places);
    assert!(without.iter().all(|(id, name)| first[id] == gone || first[id] == *name));
    places.push((gone.clone(), world.place(&gone, 1)));
    assert_eq!(first, round(&places), "one of the same name gets the same ids");
}

#[test]
fn an_id_whose_place_is_another_now_waits_for_the_last_event_there() {
    let world = world(Dispatch::ById, 100);
    let first = world.place("first", 1);
    (0..50).for_each(|id| world.publish(&id.to_string(), id).unwrap());
    (0..50).for_each(|id| world.publish(&id.to_string(), 100 + id).unwrap());
    assert_eq!(take(&first), Some(0));
    let others: Vec<Place> = (0..9).map(|number| world.place(&number.to_string(), 1)).collect();
    let mut seen = Vec::new();
    while let Some(next) = others.iter().find_map(take) {
        seen.push(next);
    }
    assert!(!seen.contains(&100), "0 is not done");
    world.queue.close();
    drop(first);
    for place in others {
        while let Poll::Ready(Some(frame)) = place.poll_begin(Waker::noop()) {
            seen.push(number(&frame));
        }
    }
    assert_eq!(seen.len(), 99);
    assert!(
        (1..50).all(|id| seen.iter().position(|it| *it == id) < seen.iter().position(|it| *it == 100 + id))
    );
}

#[test]
fn closed_it_ends_when_all_is_begun_and_abandoned_at_once() {
    let world = world(Dispatch::LeastLoaded, 2);
    let (one, two) = (world.place("1", 2), world.place("2", 1));
    (0..3).for_each(|number| world.publish("x", number).unwrap());
    world.queue.close();
    assert_eq!((give(&one), take(&two), take(&two)), (Some(0), Some(1), Some(2)));
    assert_eq!(take(&two), None, "the first may come back");
    one.leave(Leave::Unfinished);
    assert_eq!(take(&two), Some(0));
    assert!(matches!(two.poll_begin(Waker::noop()), Poll::Ready(None)));
    assert_eq!(world.queue.stats().done, 3);

    let world = self::world(Dispatch::ById, 2);
    (0..3).for_each(|number| world.publish("x", number).unwrap());
    let place = world.place("1", 2);
    assert_eq!(give(&place), Some(0));
    assert_eq!(world.queue.abandon(), 3);
    assert!(matches!(place.poll_give(Waker::noop()), Poll::Ready(None)));
    world.publish("x", 4).expect("nobody is there, as on every bus");
    assert_eq!(world.exchange.entries(), (1, 0, 0), "it has left");
}

/// A place far away has said that it begins one, and leaves before its program has seen it.
#[test]
fn closed_it_does_not_end_while_something_that_was_begun_may_come_back() {
    let world = world(Dispatch::LeastLoaded, 2);
    let (one, two) = (world.place("1", 1), world.place("2", 1));
    world.publish("x", 0).unwrap();
    assert_eq!(give(&one), Some(0));
    one.begin();
    world.queue.close();
    assert_eq!(take(&two), None, "it may come back");
    assert!(world.queue.poll_over(Waker::noop()).is_pending());
    one.leave(Leave::NotBegun);
    assert_eq!(take(&two), Some(0));
    assert!(matches!(two.poll_begin(Waker::noop()), Poll::Ready(None)));
    assert!(world.queue.poll_over(Waker::noop()).is_ready());
    let stats = world.queue.stats();
    assert_eq!((stats.done, stats.lost), (1, 0));
}

#[test]
fn what_cannot_be_read_is_told_and_not_done() {
    let world = world(Dispatch::ById, 8);
    let one = world.place("1", 1);
    (0..3).for_each(|number| world.publish(&number.to_string(), number).unwrap());
    assert_eq!(take(&one), Some(0));
    one.reject("not mine".to_owned());
    assert_eq!(take(&one), Some(1));
    assert_eq!(*world.unfinished.lock().unwrap(), ["0 not mine"]);
    assert_eq!(take(&one), Some(2));
    one.reject("nor mine".to_owned());
    one.reject("it is at nothing".to_owned());
    let stats = world.queue.stats();
    assert_eq!((stats.done, stats.undecodable, stats.in_hand, stats.unfinished), (1, 2, 0, 0));
}

#[test]
fn who_is_retired_is_given_nothing_more_and_finishes_what_it_has() {
    for dispatch in [Dispatch::LeastLoaded, Dispatch::ById] {
        let world = world(dispatch, 100);
        let (one, two) = (world.place("1", 2), world.place("2", 1));
        (0..50).for_each(|id| world.publish(&id.to_string(), id).unwrap());
        let (first, second) = (give(&one).unwrap(), give(&one).unwrap());
        one.begin();
        one.retire();
        assert!(matches!(one.poll_give(Waker::noop()), Poll::Ready(None)), "it gets nothing more");
        let mut seen: Vec<u64> = std::iter::from_fn(|| take(&two)).collect();
        seen.sort_unstable();
        let others: Vec<u64> = (0..50).filter(|id| ![first, second].contains(id)).collect();
        assert_eq!(seen, others);
        one.begin();
        one.finish();
        let stats = world.queue.stats();
        assert_eq!((stats.done, stats.waiting, stats.in_hand), (50, 0, 0), "{dispatch:?}");
        one.leave(Leave::Done);
    }
}

/// The names of places with the ids that are theirs, of the first hundred.
fn owners(world: &World, places: &[Place]) -> Vec<Vec<u64>> {
    (0..100).for_each(|id| world.publish(&id.to_string(), id).unwrap());
    places.iter().map(|place| std::iter::from_fn(|| take(place)).collect()).collect()
}

#[test]
fn by_id_a_stalled_place_stops_the_others_when_the_bound_waits_for_it_alone() {
    let world = world(Dispatch::ById, 100);
    let places = [world.place("stalled", 1), world.place("other", 1)];
    let owners = owners(&world, &places);
    places.iter().for_each(Place::finish);
    let (stalled, other) = (owners[0][0].to_string(), owners[1][0].to_string());
    // The others are as many as they like, and leave what waits for the stalled one its place.
    for number in 0..100 {
        for more in 0..9 {
            world.publish(&other, number * 10 + more).unwrap();
            assert_eq!(take(&places[1]), Some(number * 10 + more));
        }
        world.publish(&stalled, number).unwrap();
    }
    // One more is in the hands of the exchange.
    world.publish(&other, 7).unwrap();
    assert_eq!(take(&places[1]), None);
    assert_eq!(world.publish(&other, 8), Err(SendError::Full));
    assert_eq!(take(&places[0]), Some(0));
    assert_eq!(take(&places[1]), Some(7));
}

#[test]
fn by_id_an_id_that_waits_for_another_place_lets_others_go_first() {
    let world = world(Dispatch::ById, 100);
    let first = world.place("first", 1);
    (0..30).for_each(|id| world.publish(&id.to_string(), id).unwrap());
    let at = take(&first).unwrap();
    // Another of that id, which is to move with all others.
    world.publish(&at.to_string(), 100).unwrap();
    let second = world.place("second", 1);
    first.retire();
    (30..60).for_each(|id| world.publish(&id.to_string(), id).unwrap());
    let seen: Vec<u64> = std::iter::from_fn(|| take(&second)).collect();
    assert!(!seen.contains(&100), "the one before is not done");
    assert_eq!(seen.len(), 59, "all others: {seen:?}");
    first.finish();
    assert_eq!(take(&second), Some(100));
}

#[test]
fn a_name_is_taken_as_long_as_its_group_is_there() {
    let world = world(Dispatch::LeastLoaded, 2);
    let open = || world.exchange.open_queue("jobs", Vec::new(), Dispatch::ById, 1, |_| {});
    assert!(open().is_none());
    let World { queue, .. } = &world;
    assert!(queue.follows(&["a".parse().unwrap()]) && !queue.follows(&["a:x".parse().unwrap()]));
    queue.abandon();
    assert!(world.exchange.queue("jobs").is_some());
}

/// `PUBSUB_MODEL_SEED=<n>` replays one.
#[test]
fn whatever_happens_every_event_is_begun_once_or_told() {
    let seed = std::env::var("PUBSUB_MODEL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = seed.map_or(0..300, |seed| seed..seed + 1);
    for seed in seeds {
        for dispatch in [Dispatch::LeastLoaded, Dispatch::ById] {
            let result = std::panic::catch_unwind(|| schedule(seed, dispatch));
            assert!(result.is_ok(), "PUBSUB_MODEL_SEED={seed} {dispatch:?}");
        }
    }
}

fn schedule(seed: u64, dispatch: Dispatch) {
    let mut rng = Rng::with_seed(seed);
    let world = world(dispatch, rng.usize(1..6));
    // A place, what it was given, and the event that it is at.
    let mut places: Vec<(Place, Vec<u64>, Option<u64>)> = Vec::new();
    let (mut accepted, mut begun, mut unfinished) = (0, Vec::new(), 0);
    for _ in 0..rng.usize(20..200) {
        match rng.u8(0..10) {
            0..=3 => {
                let id = rng.u64(0..4);
                if world.publish(&id.to_string(), accepted * 4 + id).is_ok() {
                    accepted += 1;
                }
            }
            4 if places.len() < 4 => {
                places.push((world.place(&places.len().to_string(), rng.usize(1..4)), Vec::new(), None));
            }
            5 if rng.u8(0..4) == 0 && !places.is_empty() => rng.choice(&mut places).unwrap().0.retire(),
            5 if !places.is_empty() => {
                let (place, given, at) = places.swap_remove(rng.usize(0..places.len()));
                let how = rng.choice([Leave::Done, Leave::Unfinished]).unwrap();
                unfinished += u64::from(how == Leave::Unfinished && at.is_some());
                drop(given);
                place.leave(how);
            }
            6..=7 if !places.is_empty() => {
                let (place, given, _) = rng.choice(&mut places).unwrap();
                // Nothing more for one that is retired.
                if let Poll::Ready(Some(frame)) = place.poll_give(Waker::noop()) {
                    given.push(number(&frame));
                }
            }
            8 if !places.is_empty() => {
                let (place, given, at) = rng.choice(&mut places).unwrap();
                if !given.is_empty() {
                    place.begin();
                    let event = given.remove(0);
                    *at = Some(event);
                    begun.push(event);
                    let at_same = |other: &&(Place, Vec<u64>, Option<u64>)| {
                        other.2.is_some_and(|it| it % 4 == event % 4)
                    };
                    assert!(dispatch != Dispatch::ById || places.iter().filter(at_same).count() == 1);
                }
            }
            _ if !places.is_empty() => {
                let (place, _, at) = rng.choice(&mut places).unwrap();
                place.finish();
                *at = None;
            }
            _ => {}
        }
        let stats = world.queue.stats();
        // What the exchange holds has not come.
        assert!(stats.accepted == accepted || stats.accepted + 1 == accepted);
        assert_eq!(
            stats.accepted,
            stats.waiting + stats.in_hand + stats.done + stats.unfinished + stats.undecodable + stats.lost
        );
        assert_eq!(stats.unfinished, unfinished);
    }
    // To the end, with one more.
    world.queue.close();
    for (place, ..) in places.drain(..) {
        place.leave(Leave::Done);
    }
    let last = world.place("last", 1);
    while let Poll::Ready(Some(frame)) = last.poll_begin(Waker::noop()) {
        begun.push(number(&frame));
    }
    assert!(matches!(last.poll_begin(Waker::noop()), Poll::Ready(None)), "it has ended");
    assert_eq!(begun.len() as u64, accepted, "each once");
    assert_eq!(begun.iter().collect::<BTreeSet<_>>().len() as u64, accepted);
    if dispatch == Dispatch::ById {
        for id in 0..4 {
            assert!(begun.iter().filter(|it| *it % 4 == id).is_sorted(), "in order");
        }
    }
    assert_eq!(world.unfinished.lock().unwrap().len() as u64, unfinished);
    assert_eq!(world.exchange.entries().0, 1 + 1, "the publisher and the group");
}
