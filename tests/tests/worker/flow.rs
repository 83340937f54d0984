//! Events between a host and its workers.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::channel;

use futures::FutureExt;
use futures::executor::block_on;
use pubsub::prelude::*;

use crate::harness::{App, Host, Opaque, echo, host, within_deadline};

#[test]
fn a_payload_that_cannot_be_serialised_crosses_and_is_shared() {
    within_deadline(async {
        let host = host();
        let worker = host
            .spawn("opaque", |bus| {
                let mut opaque = bus.subscribe(App::OPAQUE).now().unwrap();
                let event = block_on(opaque.next()).unwrap();
                event.payload.0.lock().unwrap().set(7);
                block_on(bus.publish(App::DONE, "", 0)).unwrap();
            })
            .unwrap();
        worker.follows(App::OPAQUE).await.unwrap();
        let mut opaque = host.bus().subscribe(App::OPAQUE).await.unwrap();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let payload = Opaque(std::sync::Mutex::new(Cell::new(0)));
        host.bus().publish(App::OPAQUE, "", payload).await.unwrap();
        done.next().await.unwrap();
        // The same value, changed by the worker.
        assert_eq!(opaque.next().await.unwrap().payload.0.lock().unwrap().get(), 7);
    });
}

#[test]
fn workers_reach_each_other_and_all_see_one_order() {
    within_deadline(async {
        let host = host();
        let (sender, orders) = channel();
        let readers: Vec<_> = ["one", "two", "three"]
            .map(|name| {
                let sender = sender.clone();
                host.spawn(name, move |bus| {
                    let mut jobs = bus.subscribe(App::JOB).now().unwrap();
                    let mut seen = Vec::new();
                    while seen.len() < 600 {
                        seen.push(block_on(jobs.next()).unwrap().payload);
                    }
                    sender.send(seen).unwrap();
                })
                .unwrap()
            })
            .into();
        for reader in &readers {
            reader.follows(App::JOB).await.unwrap();
        }
        for (name, first) in [("left", 0), ("right", 1_000)] {
            host.spawn(name, move |bus| {
                for number in first..first + 300 {
                    let id = if number % 2 == 0 { "even" } else { "odd" };
                    block_on(bus.publish(App::JOB, id, number)).unwrap();
                }
            })
            .unwrap();
        }
        let orders: Vec<Vec<u64>> = (0..3).map(|_| orders.recv().unwrap()).collect();
        assert!(orders.iter().all(|order| *order == orders[0]), "each sees another order");
        let left: Vec<u64> = orders[0].iter().copied().filter(|number| *number < 1_000).collect();
        assert_eq!(left, (0..300).collect::<Vec<_>>());
    });
}

#[test]
fn one_worker_is_addressed_by_its_name() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        for name in ["one", "two"] {
            host.spawn(name, move |bus| {
                let mut jobs = bus.subscribe(App::JOB).now().unwrap();
                while let Some(job) = block_on(jobs.next()) {
                    block_on(bus.publish(App::DONE, name, job.payload)).unwrap();
                }
            })
            .unwrap()
            .follows(App::JOB)
            .await
            .unwrap();
        }
        let two = host.worker("two").unwrap();
        assert_eq!(two.followed().iter().map(ToString::to_string).collect::<Vec<_>>(), ["Job"]);
        assert!(host.worker("three").is_none());
        two.publish(App::JOB, "a", 1).await.unwrap();
        two.publish(App::JOB, "a", 2).now().unwrap();
        // Nobody of it follows this.
        two.publish(App::TEXT, &5, String::new()).await.unwrap();
        host.bus().publish(App::JOB, "a", 3).await.unwrap();
        let mut got = Vec::new();
        while got.len() < 4 {
            let event = done.next().await.unwrap();
            got.push((event.id.to_string(), event.payload));
        }
        let of = |name: &str| got.iter().filter(|(id, _)| id == name).map(|(_, n)| *n).collect::<Vec<_>>();
        assert_eq!((of("one"), of("two")), (vec![3], vec![1, 2, 3]));
    });
}

#[test]
fn publishers_wait_for_a_worker_that_is_behind_and_everything_arrives() {
    within_deadline(async {
        let host = host();
        let (go, wait) = channel::<()>();
        let (sender, got) = channel();
        let worker = host
            .build("slow")
            .inbox(2)
            .spawn(move |bus| {
                let mut jobs = bus.subscribe(App::JOB).bound(3).now().unwrap();
                wait.recv().unwrap();
                while let Some(job) = block_on(jobs.next()) {
                    sender.send(job.payload).unwrap();
                }
            })
            .unwrap();
        worker.follows(App::JOB).await.unwrap();
        let bus = host.bus();
        // The subscription holds three, one waits for room in it, and two are in the inbox.
        for number in 0..6 {
            bus.publish(App::JOB, "", number).now().unwrap();
        }
        assert_eq!(worker.inbox(), 2);
        assert!(matches!(bus.publish(App::JOB, "", 6).now(), Err(PublishError::Full(_))));
        assert!(matches!(worker.publish(App::JOB, "", 6).now(), Err(PublishError::Full(_))));
        let mut waiting = bus.publish(App::JOB, "", 6);
        assert!((&mut waiting).now_or_never().is_none());
        let cancelled = bus.publish(App::JOB, "", 99);
        assert!(cancelled.now_or_never().is_none());
        go.send(()).unwrap();
        waiting.await.unwrap();
        for number in 7..1_000 {
            bus.publish(App::JOB, "", number).await.unwrap();
        }
        let report = host.close().until(std::future::pending::<()>()).await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(got.iter().collect::<Vec<_>>(), (0..1_000).collect::<Vec<_>>());
    });
}

#[test]
fn a_worker_waits_for_the_host_too() {
    within_deadline(async {
        let host = pubsub::WorkerHost::<App>::with_inbox(1);
        let mut done = host.bus().subscribe(App::DONE).bound(1).await.unwrap();
        host.spawn("fast", |bus| {
            for number in 0..1_000 {
                block_on(bus.publish(App::DONE, "", number)).unwrap();
            }
        })
        .unwrap();
        for number in 0..1_000 {
            assert_eq!(done.next().await.unwrap().payload, number);
        }
        assert_eq!(done.missed(), 0);
    });
}

#[test]
fn own_events_come_back_in_the_order_of_the_exchange() {
    let host = host();
    let bus = host.bus();
    let mut jobs = bus.subscribe(App::JOB).now().unwrap();
    for number in 0..10 {
        bus.publish(App::JOB, "a", number).now().unwrap();
    }
    let got: Vec<u64> = std::iter::from_fn(|| jobs.try_next().ok()).map(|event| event.payload).collect();
    assert_eq!(got, (0..10).collect::<Vec<_>>());
}

/// More than a reader takes at once: of the room that it makes it tells once it has given all of that, unless somebody waits.
const BOUND: u64 = 64;

/// A host whose own subscription has no room, and an inbox of eight that has none either.
fn full_host() -> (Host, Subscription<Event<u64>>) {
    let host = pubsub::WorkerHost::<App>::with_inbox(8);
    let jobs = host.bus().subscribe(App::JOB).bound(BOUND as usize).now().unwrap();
    // One waits for room in the subscription.
    for number in 0..BOUND + 1 + 8 {
        host.bus().publish(App::JOB, "", number).now().unwrap();
    }
    assert!(matches!(host.bus().publish(App::JOB, "", 0).now(), Err(PublishError::Full(_))));
    (host, jobs)
}

#[test]
fn who_does_not_wait_finds_exactly_the_room_that_was_made() {
    let (host, mut jobs) = full_host();
    for read in 1..=BOUND {
        for _ in 0..read {
            jobs.try_next().unwrap();
        }
        for _ in 0..read {
            host.bus().publish(App::JOB, "", 0).now().unwrap();
        }
        assert!(matches!(host.bus().publish(App::JOB, "", 0).now(), Err(PublishError::Full(_))), "{read}");
    }
}

#[test]
fn who_waits_is_accepted_as_soon_as_there_is_room_for_one() {
    let (host, mut jobs) = full_host();
    for _ in 0..BOUND {
        let mut first = host.bus().publish(App::JOB, "", 0);
        let mut second = host.bus().publish(App::JOB, "", 0);
        assert!((&mut first).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        jobs.try_next().unwrap();
        assert!(matches!((&mut first).now_or_never(), Some(Ok(()))));
        assert!((&mut second).now_or_never().is_none());
        jobs.try_next().unwrap();
        assert!(matches!((&mut second).now_or_never(), Some(Ok(()))));
    }
}

/// Whether it waits already, or looks later.
#[test]
fn what_is_behind_an_event_without_room_arrives_once_there_is_some() {
    for waits in [true, false] {
        let host = host();
        let bus = host.bus();
        let mut jobs = bus.subscribe(App::JOB).bound(BOUND as usize).now().unwrap();
        let mut done = bus.subscribe(App::DONE).now().unwrap();
        for round in 0..BOUND {
            while jobs.len() < BOUND as usize {
                bus.publish(App::JOB, "", 0).now().unwrap();
            }
            bus.publish(App::JOB, "", 0).now().unwrap();
            bus.publish(App::DONE, "", round).now().unwrap();
            assert!(!waits || done.next().now_or_never().is_none());
            jobs.try_next().unwrap();
            let came = done.next().now_or_never().flatten();
            assert_eq!(came.map(|event| event.payload), Some(round), "waits: {waits}");
        }
    }
}

#[test]
fn an_async_worker_has_a_runtime_of_its_own() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let worker = host
            .spawn_async("async", async |bus| {
                let not_send = Rc::new(5);
                tokio::task::yield_now().await;
                let handler = bus.on(App::JOB, async |job| {
                    bus.publish(App::DONE, &job.id, job.payload + *not_send).await.unwrap();
                });
                handler.await.unwrap();
            })
            .unwrap();
        worker.follows(App::JOB).await.unwrap();
        host.bus().publish(App::JOB, "", 1).await.unwrap();
        assert_eq!(done.next().await.unwrap().payload, 6);
        worker.stop();
        worker.finished().await.unwrap();
    });
}

#[test]
fn names_are_unique_while_a_worker_runs() {
    within_deadline(async {
        let host = host();
        let first = host.spawn("echo", echo).unwrap();
        assert_eq!(host.spawn("echo", echo).unwrap_err().to_string(), "a worker `echo` is running already");
        assert!(matches!(host.spawn("", echo), Err(pubsub::WorkerError::InvalidName { .. })));
        assert!(matches!(host.spawn("a\0b", echo), Err(pubsub::WorkerError::InvalidName { .. })));
        assert_eq!(host.workers().len(), 1);
        first.follows(App::JOB).await.unwrap();
        first.stop();
        first.finished().await.unwrap();
        host.spawn("echo", echo).unwrap();
    });
}
