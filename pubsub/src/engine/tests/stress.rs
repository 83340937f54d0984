//! Threads in earnest: nothing is lost, reordered or left behind.
//!
//! `PUBSUB_STRESS=<events>` makes the runs longer, as in
//! `PUBSUB_STRESS=10000000 cargo test --release -p pubsub --lib stress`.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use futures::executor::block_on;

use super::support::{self, Making, Reader, address, assert_empty, at, event, number, terms};
use crate::engine::{Engine, Taken, Waiting};
use crate::interest::Interest;
use crate::overflow::Overflow;

fn events() -> u64 {
    std::env::var("PUBSUB_STRESS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

fn subscribe(engine: &Arc<Engine>, interest: Interest, bound: usize) -> Reader {
    let terms = terms(bound, Overflow::Backpressure);
    support::subscribe(engine, interest, terms).unwrap_or_else(|_| panic!("the bus is open"))
}

/// Publishes the numbers from 1 on, with the publisher in the upper bits.
async fn publish(engine: &Arc<Engine>, publisher: u64, total: u64, token: &Arc<()>) {
    for count in 1..=total {
        let mut store = Making(|| event(0, "a", publisher << 32 | count, token));
        let mut waiting: Option<Waiting> = None;
        let accepted = poll_fn(|cx| {
            if let Some(waiting) = &waiting {
                return waiting.poll(cx.waker()).map(|result| result.is_ok());
            }
            waiting = engine.publish(at(0, "a"), &mut store, Some(cx.waker())).expect("the bus is open");
            if waiting.is_some() { Poll::Pending } else { Poll::Ready(true) }
        });
        assert!(accepted.await);
    }
}

async fn next(reader: &mut Reader) -> Option<u64> {
    match poll_fn(|cx| reader.poll_next(cx.waker())).await {
        Taken::Event { stored, missed } => {
            assert_eq!(missed, 0);
            Some(number(stored))
        }
        Taken::End { .. } => None,
    }
}

/// Every publisher's numbers come in order, without a hole.
async fn read_all(mut reader: Reader, publishers: u64, total: u64) {
    let mut last = vec![0; publishers as usize];
    for _ in 0..publishers * total {
        let received = next(&mut reader).await.expect("the bus is open");
        let last = &mut last[(received >> 32) as usize];
        assert_eq!(received & u64::from(u32::MAX), *last + 1, "lost or out of order");
        *last += 1;
    }
}

fn run(publishers: u64, interests: &[Interest], bound: usize, total: u64) {
    let engine = Arc::new(Engine::new(1));
    let token = Arc::new(());
    thread::scope(|scope| {
        for interest in interests {
            let reader = subscribe(&engine, interest.clone(), bound);
            scope.spawn(move || block_on(read_all(reader, publishers, total)));
        }
        for publisher in 0..publishers {
            let (engine, token) = (&engine, &token);
            scope.spawn(move || block_on(publish(engine, publisher, total, token)));
        }
    });
    assert_empty(&engine);
    assert_eq!(Arc::strong_count(&token), 1, "an event is kept");
}

#[test]
fn one_to_one_loses_and_reorders_nothing() {
    for bound in [1, 2, 3, 64] {
        run(1, &[address(0, "a")], bound, events());
    }
}

#[test]
fn several_publishers_and_all_kinds_of_readers() {
    let mut whole = Interest::default();
    whole.add_topic(0);
    let mut several = address(0, "a");
    several.add_address(0, "b".into());
    let interests = [address(0, "a"), address(0, "a"), whole, several.normalized()];
    for bound in [1, 3, 64] {
        run(3, &interests, bound, events() / 10);
    }
}

/// The publisher waits at a full reader, which is dropped instead of reading on; again and again.
#[test]
fn a_reader_that_is_dropped_frees_who_waits_for_it() {
    let engine = Arc::new(Engine::new(1));
    let token = Arc::new(());
    let total = events() / 10;
    thread::scope(|scope| {
        let publisher = scope.spawn(|| block_on(publish(&engine, 0, total, &token)));
        while !publisher.is_finished() {
            let mut reader = subscribe(&engine, address(0, "a"), 2);
            thread::yield_now();
            let _ = reader.poll_next(std::task::Waker::noop());
        }
    });
    assert_empty(&engine);
    assert_eq!(Arc::strong_count(&token), 1, "an event is kept");
}

/// Readers of one address come and go on two threads while both publish to it.
#[test]
fn joining_and_leaving_together_leaves_nothing() {
    let engine = Arc::new(Engine::new(1));
    let token = Arc::new(());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..events() / 4 {
                    let mut reader = subscribe(&engine, address(0, "a"), 1);
                    let accepted = engine.try_publish(at(0, "a"), &mut Making(|| event(0, "a", 1, &token)));
                    let got = reader.poll_next(std::task::Waker::noop()).is_ready();
                    assert!(got || accepted.is_err(), "what was accepted was not delivered");
                }
            });
        }
    });
    assert_empty(&engine);
    assert_eq!(Arc::strong_count(&token), 1, "an event is kept");
}
