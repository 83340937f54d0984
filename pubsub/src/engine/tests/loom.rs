//! Every interleaving of a few threads, as far as three preemptions make one: `tests/loom`.
//!
//! A scenario that loses a wake-up ends in a deadlock, which loom reports.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::thread;

use super::support::{self, Making, Reader, address, assert_empty, at, event, number, terms};
use crate::engine::{Draining, Engine, Refused, Store, Taken, Waiting};
use crate::interest::Interest;
use crate::overflow::Overflow;

fn check(scenario: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(scenario);
}

fn engine() -> Arc<Engine> {
    Arc::new(Engine::new(1))
}

fn subscribe(engine: &Arc<Engine>, interest: Interest, bound: usize) -> Reader {
    support::subscribe(engine, interest, terms(bound, Overflow::Backpressure))
        .unwrap_or_else(|_| panic!("open"))
}

fn one(engine: &Arc<Engine>, bound: usize) -> Reader {
    subscribe(engine, address(0, "a"), bound)
}

fn whole(engine: &Arc<Engine>, bound: usize) -> Reader {
    let mut interest = Interest::default();
    interest.add_topic(0);
    subscribe(engine, interest, bound)
}

fn stored(number: u64) -> impl Store {
    Making(move || event(0, "a", number, &Arc::new(())))
}

fn publish_now(engine: &Engine, number: u64) -> Result<(), Refused> {
    engine.try_publish(at(0, "a"), &mut stored(number))
}

/// Whether it was accepted; otherwise the bus was closed.
fn publish(engine: &Arc<Engine>, number: u64) -> bool {
    let mut waiting: Option<Waiting> = None;
    block_on(poll_fn(|cx| {
        if let Some(waiting) = &waiting {
            return waiting.poll(cx.waker()).map(|result| result.is_ok());
        }
        match engine.publish(at(0, "a"), &mut stored(number), Some(cx.waker())) {
            Ok(None) => Poll::Ready(true),
            Ok(Some(joined)) => {
                waiting = Some(joined);
                Poll::Pending
            }
            Err(_) => Poll::Ready(false),
        }
    }))
}

/// The number of the next event; nothing at the end.
fn read(reader: &mut Reader) -> Option<u64> {
    match block_on(poll_fn(|cx| reader.poll_next(cx.waker()))) {
        Taken::Event { stored, .. } => Some(number(stored)),
        Taken::End { .. } => None,
    }
}

fn read_now(reader: &mut Reader) -> Option<u64> {
    match reader.poll_next(Waker::noop()) {
        Poll::Ready(Taken::Event { stored, .. }) => Some(number(stored)),
        _ => None,
    }
}

#[test]
fn a_parked_reader_is_woken() {
    check(|| {
        let engine = engine();
        let mut reader = one(&engine, 1);
        let publisher = thread::spawn({
            let engine = Arc::clone(&engine);
            move || assert!(publish(&engine, 1))
        });
        assert_eq!(read(&mut reader), Some(1));
        publisher.join().unwrap();
    });
}

#[test]
fn a_waiting_publisher_is_admitted_by_the_reader() {
    check(|| {
        let engine = engine();
        let mut reader = one(&engine, 1);
        let publisher = thread::spawn({
            let engine = Arc::clone(&engine);
            move || assert!((1..=2).all(|number| publish(&engine, number)))
        });
        assert_eq!([read(&mut reader), read(&mut reader)], [Some(1), Some(2)]);
        publisher.join().unwrap();
        drop(reader);
        assert_empty(&engine);
    });
}

/// The reader takes two events at once and hands out the second without the lock.
#[test]
fn handing_out_a_held_event_makes_room() {
    check(|| {
        let engine = engine();
        let mut reader = one(&engine, 2);
        assert_eq!((publish_now(&engine, 1), publish_now(&engine, 2)), (Ok(()), Ok(())));
        let publisher = thread::spawn({
            let engine = Arc::clone(&engine);
            move || assert!((3..=4).all(|number| publish(&engine, number)))
        });
        assert_eq!([read(&mut reader), read(&mut reader)], [Some(1), Some(2)]);
        // It reads no more: both have room now.
        publisher.join().unwrap();
        assert_eq!(reader.len(), 2);
    });
}

#[test]
fn readers_that_leave_together_free_the_publisher_and_leave_nothing() {
    check(|| {
        let engine = engine();
        let readers = [one(&engine, 1), one(&engine, 1)];
        assert_eq!(publish_now(&engine, 1), Ok(()));
        let [first, second] = readers;
        let leaving = thread::spawn(move || drop(first));
        let publisher = thread::spawn({
            let engine = Arc::clone(&engine);
            move || assert!(publish(&engine, 2))
        });
        drop(second);
        leaving.join().unwrap();
        publisher.join().unwrap();
        assert_empty(&engine);
    });
}

#[test]
fn who_joins_while_the_last_one_leaves_gets_what_comes() {
    check(|| {
        let engine = engine();
        let last = one(&engine, 1);
        let leaving = thread::spawn(move || drop(last));
        let mut reader = one(&engine, 1);
        assert!(publish(&engine, 1));
        assert_eq!(read_now(&mut reader), Some(1));
        leaving.join().unwrap();
        drop(reader);
        assert_empty(&engine);
    });
}

#[test]
fn a_cancelled_publish_gives_up_its_turn() {
    check(|| {
        let engine = engine();
        let mut reader = one(&engine, 1);
        assert_eq!(publish_now(&engine, 1), Ok(()));
        let waiting = engine.publish(at(0, "a"), &mut stored(2), Some(Waker::noop()));
        let behind = thread::spawn({
            let engine = Arc::clone(&engine);
            move || assert!(publish(&engine, 3))
        });
        let cancelling = thread::spawn(move || drop(waiting));
        assert_eq!(read(&mut reader), Some(1));
        cancelling.join().unwrap();
        let next = read(&mut reader);
        assert!(next == Some(3) || (next == Some(2) && read(&mut reader) == Some(3)), "{next:?}");
        behind.join().unwrap();
        drop(reader);
        assert_empty(&engine);
    });
}

/// The address has room for it and the topic has none: while it waits, and when it is given up, it is nowhere.
#[test]
fn a_publish_is_accepted_by_all_or_by_none() {
    check(|| {
        let engine = engine();
        let mut wide = whole(&engine, 1);
        assert_eq!(publish_now(&engine, 1), Ok(()));
        let mut narrow = one(&engine, 1);
        let waiting = engine.publish(at(0, "a"), &mut stored(2), Some(Waker::noop()));
        let cancelling = thread::spawn(move || drop(waiting));
        assert_eq!(read_now(&mut wide), Some(1));
        cancelling.join().unwrap();
        assert_eq!(read_now(&mut wide), read_now(&mut narrow));
    });
}

#[test]
fn closing_refuses_who_waits_and_ends_who_reads() {
    check(|| {
        let engine = engine();
        let mut reader = one(&engine, 1);
        let closing = thread::spawn({
            let engine = Arc::clone(&engine);
            move || drop(engine.close())
        });
        let publisher = thread::spawn({
            let engine = Arc::clone(&engine);
            move || (1..=2).filter(|&number| publish(&engine, number)).count()
        });
        let mut read_events = 0;
        while read(&mut reader).is_some() {
            read_events += 1;
        }
        closing.join().unwrap();
        assert_eq!(publisher.join().unwrap(), read_events);
        drop(reader);
        assert_empty(&engine);
    });
}

#[test]
fn who_waits_for_a_closed_bus_to_be_drained_is_woken() {
    check(|| {
        let engine = engine();
        let mut reader = one(&engine, 2);
        assert_eq!((publish_now(&engine, 1), publish_now(&engine, 2)), (Ok(()), Ok(())));
        let closing = thread::spawn({
            let engine = Arc::clone(&engine);
            move || {
                drop(engine.close());
                let draining = Draining::new(&engine);
                block_on(poll_fn(|cx: &mut Context<'_>| draining.poll(cx.waker())));
            }
        });
        assert_eq!([read(&mut reader), read(&mut reader)], [Some(1), Some(2)]);
        closing.join().unwrap();
    });
}

#[test]
fn what_is_held_is_discarded_or_handed_out() {
    check(|| {
        let engine = engine();
        let mut reader = one(&engine, 2);
        assert_eq!((publish_now(&engine, 1), publish_now(&engine, 2)), (Ok(()), Ok(())));
        assert_eq!(read_now(&mut reader), Some(1));
        let discarding = thread::spawn({
            let engine = Arc::clone(&engine);
            move || {
                drop(engine.close());
                engine.discard().queued.len()
            }
        });
        let second = read(&mut reader);
        let discarded = discarding.join().unwrap();
        assert_eq!(usize::from(second.is_some()) + discarded, 1);
        assert_eq!(reader.missed(), discarded as u64);
    });
}
