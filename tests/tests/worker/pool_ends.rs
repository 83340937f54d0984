//! What becomes of the events of a pool when its workers fail, are stopped, or have no more time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures::executor::block_on;
use futures::join;
use pubsub::{Backoff, BusError, Dispatch, Pool, Worker, WorkerError};

use crate::harness::{App, Host, host, within_deadline};
use crate::pool::{close, start, work};

#[test]
fn a_panic_mid_stream_loses_what_the_worker_was_at_and_tells_it() {
    within_deadline(async {
        for dispatch in [Dispatch::LeastLoaded, Dispatch::ById] {
            let host = host();
            let mut errors = host.bus().errors();
            let (pool, told) = start(&host, dispatch, 3);
            let numbers = || (0..600).map(|number| if number % 50 == 7 { 13 } else { number + 1_000 });
            for (place, number) in numbers().enumerate() {
                host.bus().publish(App::JOB, &format!("id-{place}"), number).await.unwrap();
            }
            // Twelve panics, each with its event.
            let (mut panics, mut unfinished) = (0, BTreeSet::new());
            while panics < 12 || unfinished.len() < 12 {
                match errors.next().await.unwrap() {
                    BusError::WorkerPanicked { restarts, .. } => panics += u32::from(restarts),
                    BusError::Unfinished { pool, worker, topic, id } => {
                        assert_eq!((&*pool, &*topic), ("jobs", "Job"));
                        assert!(worker.starts_with("jobs-"));
                        assert!(unfinished.insert(id.to_string()), "told once");
                    }
                    other => panic!("{other}"),
                }
            }
            // A host that is closed restarts nobody.
            while pool.workers().iter().map(Worker::restarts).sum::<u32>() < 12 {
                std::thread::yield_now();
            }
            close(&host).await;
            let expected: BTreeSet<String> =
                (0..600).filter(|n| n % 50 == 7).map(|n| format!("id-{n}")).collect();
            assert_eq!(unfinished, expected);
            let mut seen: Vec<u64> = told.try_iter().map(|(_, _, number)| number).collect();
            seen.sort_unstable();
            assert_eq!(seen, numbers().filter(|number| *number != 13).collect::<Vec<_>>());
            let stats = pool.stats();
            assert_eq!((stats.accepted, stats.done, stats.unfinished, stats.lost), (600, 588, 12, 0));
        }
    });
}

/// While one that failed waits to be restarted, and nobody else is there, events wait for it.
#[test]
fn events_wait_for_a_worker_that_is_restarted() {
    within_deadline(async {
        let host = host();
        let (_pool, told) = start(&host, Dispatch::LeastLoaded, 1);
        for number in [1, 13, 2, 13, 3] {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        let seen: Vec<u64> = told.iter().take(3).map(|(_, _, number)| number).collect();
        assert_eq!(seen, [1, 2, 3]);
        let report = host.close().until(std::future::pending::<()>()).await;
        assert!(report.is_clean(), "what was lost was told: {report:?}");
        assert_eq!(report.pools["jobs"].unfinished, 2);
    });
}

#[test]
fn when_the_last_has_ended_what_is_left_is_told_and_publishers_go_on() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let (go, wait) = channel::<()>();
        let mut wait = Some(wait);
        let pool = host
            .pool("jobs", App::JOB)
            .bound(3)
            .start(1, |name| {
                let wait = wait.take().unwrap();
                host.spawn(name, move |bus| {
                    let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().unwrap();
                    let _job = block_on(jobs.next());
                    let _go = wait.recv();
                    panic!("no more");
                })
            })
            .unwrap();
        let bus = host.bus();
        let publish = async {
            for number in 0..10 {
                bus.publish(App::JOB, "a", number).await.unwrap();
            }
        };
        let end = async {
            // One is at work, and the pool is full.
            while pool.stats().accepted < 4 {
                std::thread::yield_now();
            }
            drop(go);
            pool.finished().await
        };
        let ((), report) = join!(publish, end);
        assert!(matches!(report.workers[..], [Err(WorkerError::Panicked { .. })]));
        let stats = report.stats;
        assert_eq!((stats.done, stats.unfinished, stats.waiting, stats.in_hand), (0, 1, 0, 0));
        assert_eq!(stats.accepted, 1 + stats.lost);
        let (mut lost, mut unfinished) = (0, 0);
        for _ in 0..3 {
            match errors.next().await.unwrap() {
                BusError::PoolLost { pool, events } => {
                    assert_eq!(pool, "jobs");
                    lost += events;
                }
                BusError::Unfinished { .. } => unfinished += 1,
                BusError::WorkerPanicked { .. } => {}
                other => panic!("{other}"),
            }
        }
        assert_eq!((lost, unfinished), (stats.lost, 1));
        assert!(!report.is_clean());
        // The name is free.
        drop(pool);
        let (_again, _told) = start(&host, Dispatch::LeastLoaded, 1);
        close(&host).await;
    });
}

#[test]
fn closing_drains_also_what_came_before_anybody_had_subscribed() {
    within_deadline(async {
        let host = host();
        let (pool, told) = start(&host, Dispatch::LeastLoaded, 3);
        for number in 100..300 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        let report = host.close().until(std::future::pending::<()>()).await;
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.pools["jobs"].done, 200);
        assert_eq!(told.try_iter().count(), 200);
        assert!(pool.finished().await.is_clean());
    });
}

#[test]
fn a_worker_that_is_stopped_leaves_its_pool() {
    within_deadline(async {
        for dispatch in [Dispatch::LeastLoaded, Dispatch::ById] {
            let host = host();
            let (pool, told) = start(&host, dispatch, 3);
            let stopped = &pool.workers()[1];
            stopped.stop();
            assert!(stopped.finished().await.is_ok());
            for number in 100..400 {
                host.bus().publish(App::JOB, &number.to_string(), number).await.unwrap();
            }
            close(&host).await;
            assert!(pool.finished().await.is_clean());
            let seen: Vec<String> = told.try_iter().map(|(name, ..)| name).collect();
            assert_eq!(seen.len(), 300, "{dispatch:?}");
            assert!(seen.iter().all(|name| name != "jobs-2"), "{dispatch:?}");
        }
    });
}

/// A pool whose first worker panics at once and waits `delay` to be restarted; the others begin when they are let go.
fn with_one_that_waits(
    host: &Host,
    workers: usize,
    delay: Duration,
) -> (Pool<App>, Receiver<(String, String, u64)>, Sender<()>) {
    let (done, told) = channel();
    let (go, wait) = channel::<()>();
    let wait = Arc::new(std::sync::Mutex::new(wait));
    let pool = host.pool("jobs", App::JOB).start(workers, |name| {
        let (mut work, wait) = (work(name.to_owned(), done.clone()), Arc::clone(&wait));
        let mut panics = name == "jobs-1";
        host.build(name).restart_on_panic(9, Backoff::new(delay, delay)).spawn(move |bus| {
            assert!(!std::mem::take(&mut panics), "at once");
            let _go = wait.lock().unwrap().recv();
            work(bus);
        })
    });
    (pool.expect("it starts"), told, go)
}

#[test]
fn closing_waits_for_a_worker_that_is_to_be_restarted() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let (pool, told, go) = with_one_that_waits(&host, 1, Duration::from_millis(50));
        drop(go);
        for number in 100..103 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        assert!(matches!(errors.next().await, Some(BusError::WorkerPanicked { restarts: true, .. })));
        close(&host).await;
        assert!(pool.finished().await.is_clean());
        assert_eq!(told.try_iter().count(), 3);
    });
}

#[test]
fn closing_does_not_wait_for_one_that_is_to_be_restarted_once_the_others_have_done_all() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let (pool, told, go) = with_one_that_waits(&host, 2, Duration::from_secs(3_600));
        for number in 100..103 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        assert!(matches!(errors.next().await, Some(BusError::WorkerPanicked { restarts: true, .. })));
        let end = std::thread::spawn(move || {
            while pool.stats().accepted < 3 {
                std::thread::yield_now();
            }
            drop(go);
            pool
        });
        let report = host.close().until(std::future::pending::<()>()).await;
        assert!(matches!(report.ended["jobs-1"], Err(WorkerError::Panicked { restarts: 0, .. })));
        assert!(end.join().unwrap().finished().await.is_clean());
        assert_eq!(told.try_iter().count(), 3);
    });
}

#[test]
fn a_deadline_ends_the_wait_for_one_that_is_to_be_restarted() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let (pool, _told, _go) = with_one_that_waits(&host, 1, Duration::from_secs(3_600));
        host.bus().publish(App::JOB, "a", 100).await.unwrap();
        assert!(matches!(errors.next().await, Some(BusError::WorkerPanicked { restarts: true, .. })));
        let report = host.close().until(std::future::ready(())).await;
        assert_eq!((report.running.len(), report.pools["jobs"].lost), (1, 1));
        assert!(matches!(errors.next().await, Some(BusError::PoolLost { events: 1, .. })));
        assert!(pool.finished().await.workers[0].is_err());
    });
}

#[test]
fn a_deadline_that_is_over_leaves_and_tells_the_rest() {
    within_deadline(async {
        let host = host();
        let (end, wait) = channel::<()>();
        let mut wait = Some(wait);
        let pool = host
            .pool("jobs", App::JOB)
            .start(1, |name| {
                let wait = wait.take().unwrap();
                host.spawn(name, move |bus| {
                    let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().unwrap();
                    while block_on(jobs.next()).is_some() {
                        let _end = wait.recv();
                    }
                })
            })
            .unwrap();
        for number in 0..5 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        while pool.stats().in_hand == 0 {
            std::thread::yield_now();
        }
        let report = host.close().until(std::future::ready(())).await;
        assert_eq!((report.pools["jobs"].lost, report.pools["jobs"].in_hand), (4, 1));
        assert!(!report.is_clean());
        assert!(matches!(host.bus().errors().next().await, Some(BusError::PoolLost { events: 4, .. })));
        drop(end);
        let stats = pool.finished().await.stats;
        assert_eq!((stats.done, stats.lost, stats.in_hand), (1, 4, 0));
    });
}

/// One whose function has ended, and whose subscription has not.
#[test]
fn a_subscription_that_outlives_its_worker_gets_nothing_more() {
    within_deadline(async {
        let host = host();
        let (keep, kept) = channel();
        let (_pool, told) = start(&host, Dispatch::LeastLoaded, 1);
        let odd = host
            .spawn("odd", move |bus| {
                let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().unwrap();
                drop(block_on(jobs.next()));
                keep.send(jobs).unwrap();
            })
            .unwrap();
        let mut number = 0;
        while odd.is_running() {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
            number += u64::from(number < 12);
            std::thread::yield_now();
        }
        let mut jobs = kept.recv().unwrap();
        assert!(jobs.next().await.is_none());
        let told_before = host.bus().error_count();
        assert_eq!(told_before, 1, "the event that it was at");
        assert!(matches!(host.bus().errors().next().await, Some(BusError::Unfinished { .. })));
        drop(told);
        let _ = host.close().until(std::future::pending::<()>()).await;
    });
}
