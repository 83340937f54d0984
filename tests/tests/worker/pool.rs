//! Pools of threads: each event to exactly one worker, and none lost in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures::executor::block_on;
use futures::stream::FuturesUnordered;
use futures::{StreamExt as _, join};
use pubsub::prelude::*;
use pubsub::{Backoff, BusError, Dispatch, ErrorCode, Pool, PoolError, Worker, WorkerError};

use crate::harness::{App, Host, host, within_deadline};

/// Says who did what. The job 13 is unlucky.
fn work(name: String, done: Sender<(String, String, u64)>) -> impl FnMut(PubSub<App>) + Send + 'static {
    move |bus| {
        let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().expect("the pool is there");
        while let Some(job) = block_on(jobs.next()) {
            assert_ne!(job.payload, 13, "an unlucky number");
            done.send((name.clone(), job.id.to_string(), job.payload)).unwrap();
        }
    }
}

/// A pool of workers that say so, each restarted as often as it takes.
fn start(host: &Host, dispatch: Dispatch, workers: usize) -> (Pool<App>, Receiver<(String, String, u64)>) {
    let (done, told) = channel();
    let at_once = || Backoff::new(Duration::ZERO, Duration::ZERO);
    let pool = host.pool("jobs", App::JOB).dispatch(dispatch).start(workers, |name| {
        let work = work(name.to_owned(), done.clone());
        host.build(name).restart_on_panic(u32::MAX, at_once()).spawn(work)
    });
    (pool.expect("it starts"), told)
}

async fn close(host: &Host) {
    let report = host.close().until(std::future::pending::<()>()).await;
    assert!(report.is_clean(), "{report}: {report:?}");
    assert!(host.workers().is_empty());
}

#[test]
fn each_event_goes_to_exactly_one() {
    within_deadline(async {
        for dispatch in [Dispatch::LeastLoaded, Dispatch::ById] {
            let host = host();
            let (pool, told) = start(&host, dispatch, 4);
            for number in 100..2_100 {
                host.bus().publish(App::JOB, &format!("id-{}", number % 50), number).await.unwrap();
            }
            close(&host).await;
            assert!(pool.finished().await.is_clean());
            let mut seen: Vec<u64> = told.try_iter().map(|(_, _, number)| number).collect();
            seen.sort_unstable();
            assert_eq!(seen, (100..2_100).collect::<Vec<_>>(), "{dispatch:?}");
            let stats = pool.stats();
            assert_eq!((stats.accepted, stats.done, stats.in_hand, stats.waiting), (2_000, 2_000, 0, 0));
        }
    });
}

/// Other subscriptions get all of them, as ever.
#[test]
fn a_pool_counts_as_one_subscriber_among_others() {
    within_deadline(async {
        let host = host();
        let mut all = host.bus().subscribe(App::JOB).await.unwrap();
        let (_pool, told) = start(&host, Dispatch::LeastLoaded, 2);
        for number in 0..10 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
            assert_eq!(all.next().await.unwrap().payload, number);
        }
        close(&host).await;
        assert_eq!(told.try_iter().count(), 10);
    });
}

#[test]
fn by_id_an_id_stays_with_one_worker_and_in_order() {
    within_deadline(async {
        let host = host();
        let (_pool, told) = start(&host, Dispatch::ById, 4);
        let publishers: FuturesUnordered<_> = (0..4)
            .map(|publisher| {
                let bus = host.bus().clone();
                async move {
                    for number in 100..400 {
                        let id = format!("{publisher}-{}", number % 10);
                        bus.publish(App::JOB, &id, number).await.unwrap();
                    }
                }
            })
            .collect();
        publishers.collect::<Vec<()>>().await;
        close(&host).await;
        let mut by_id: BTreeMap<String, (BTreeSet<String>, Vec<u64>)> = BTreeMap::new();
        for (name, id, number) in told.try_iter() {
            let (names, numbers) = by_id.entry(id).or_default();
            names.insert(name);
            numbers.push(number);
        }
        assert_eq!(by_id.len(), 40);
        // Workers that join while there are events already may move an id once, at the beginning.
        let all: BTreeSet<_> = by_id.values().flat_map(|(names, _)| names).collect();
        assert!(all.len() > 1, "they share the ids: {all:?}");
        for (id, (_, numbers)) in &by_id {
            assert!(numbers.is_sorted() && numbers.len() == 30, "{id}: {numbers:?}");
        }
    });
}

#[test]
fn by_id_the_worker_is_the_same_once_all_are_there() {
    within_deadline(async {
        let host = host();
        let (here, joined) = channel();
        let (done, told) = channel();
        let _pool = host
            .pool("jobs", App::JOB)
            .dispatch(Dispatch::ById)
            .start(3, |name| {
                let (name, here, done) = (name.to_owned(), here.clone(), done.clone());
                host.spawn(name.clone(), move |bus| {
                    let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().unwrap();
                    here.send(()).unwrap();
                    while let Some(job) = block_on(jobs.next()) {
                        done.send((name.clone(), job.id.to_string())).unwrap();
                    }
                })
            })
            .unwrap();
        assert_eq!(joined.iter().take(3).count(), 3);
        for number in 0..300 {
            host.bus().publish(App::JOB, &(number % 30).to_string(), number).await.unwrap();
        }
        close(&host).await;
        let pairs: BTreeSet<(String, String)> = told.try_iter().collect();
        assert_eq!(pairs.len(), 30, "each id has one worker: {pairs:?}");
        assert_eq!(pairs.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len(), 3);
    });
}

#[test]
fn a_stalled_member_gets_no_more_than_it_is_at() {
    within_deadline(async {
        let host = host();
        let (done, told) = channel();
        let (release, wait) = channel::<()>();
        let mut wait = Some(wait);
        let pool = host
            .pool("jobs", App::JOB)
            .bound(4)
            .start(3, |name| {
                // The first stalls at its first event.
                let (wait, done) = (wait.take(), done.clone());
                host.spawn(name, move |bus| {
                    let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().unwrap();
                    while let Some(job) = block_on(jobs.next()) {
                        if let Some(wait) = &wait {
                            let _released = wait.recv();
                        }
                        done.send(job.payload).unwrap();
                    }
                })
            })
            .unwrap();
        for number in 0..500 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        let others: BTreeSet<u64> = told.iter().take(499).collect();
        assert_eq!(others.len(), 499, "one is stuck at most");
        drop(release);
        close(&host).await;
        assert_eq!(told.try_iter().count() + 499, 500);
        assert_eq!(pool.stats().done, 500);
    });
}

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

#[test]
fn dropping_a_subscription_in_the_middle_is_no_failure() {
    within_deadline(async {
        let host = host();
        let (done, told) = channel();
        let pool = host
            .pool("jobs", App::JOB)
            .start(2, |name| {
                let done = done.clone();
                host.spawn(name, move |bus| {
                    // A new place for each three events.
                    loop {
                        let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().unwrap();
                        for _ in 0..3 {
                            let Some(job) = block_on(jobs.next()) else { return };
                            done.send(job.payload).unwrap();
                        }
                    }
                })
            })
            .unwrap();
        for number in 0..300 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        let seen: BTreeSet<u64> = told.iter().take(300).collect();
        assert_eq!(seen.len(), 300);
        pool.stop();
        let report = pool.finished().await;
        assert!(report.is_clean() && report.stats.done == 300, "{report:?}");
        close(&host).await;
    });
}

#[test]
fn the_host_can_be_one_of_the_group() {
    within_deadline(async {
        let host = host();
        let (go, wait) = channel::<()>();
        let (done, told) = channel();
        let mut wait = Some(wait);
        let pool = host
            .pool("jobs", App::JOB)
            .start(1, |name| {
                let (wait, mut work) = (wait.take().unwrap(), work(name.to_owned(), done.clone()));
                host.spawn(name, move |bus| {
                    let _go = wait.recv();
                    work(bus);
                })
            })
            .unwrap();
        let mut own = host.bus().queue_subscribe(App::JOB, "jobs").await.unwrap();
        for number in 100..200 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        assert_eq!(own.next().await.unwrap().payload, 100, "the other is not there yet");
        drop(own);
        drop(go);
        assert_eq!(told.iter().take(99).count(), 99);
        close(&host).await;
        assert_eq!(pool.stats().done, 100);
    });
}

#[test]
fn what_cannot_be_is_refused() {
    within_deadline(async {
        let host = host();
        let error = host.bus().queue_subscribe(App::JOB, "jobs").now().unwrap_err();
        assert!(
            matches!(&error, SubscribeError::Rejected(it) if *it.code() == ErrorCode::NotFound),
            "{error}"
        );
        assert_eq!(
            PubSub::<App>::default().queue_subscribe(App::JOB, "jobs").now().unwrap_err(),
            SubscribeError::NoQueueGroups
        );
        let none: [Topic<App, u64>; 0] = [];
        let start = |pool: pubsub::PoolBuilder<'_, App>| pool.start(1, |name| host.spawn(name, |_| {}));
        assert!(matches!(start(host.pool("jobs", none)), Err(PoolError::NoTopic)));
        let nobody = host.pool("jobs", App::JOB).start(0, |_| unreachable!());
        assert!(matches!(nobody, Err(PoolError::NoWorkers)));
        let taken = host.pool("jobs", App::JOB).start(2, |_| {
            host.spawn("same", |bus| {
                let mut jobs = bus.subscribe(App::JOB).now().unwrap();
                while block_on(jobs.next()).is_some() {}
            })
        });
        assert!(matches!(taken, Err(PoolError::Worker(WorkerError::NameTaken { .. }))));
        while host.worker("same").is_some() {
            std::thread::yield_now();
        }
        let (_pool, _told) = self::start(&host, Dispatch::LeastLoaded, 1);
        assert!(matches!(start(host.pool("jobs", App::JOB)), Err(PoolError::NameTaken { .. })));
        let other = host.bus().queue_subscribe(App::JOB.id("a"), "jobs").now().unwrap_err();
        assert_eq!(other.to_string(), "rejected as `not_found`: the pool \"jobs\" selects something else");
        close(&host).await;
        assert!(matches!(start(host.pool("late", App::JOB)), Err(PoolError::Closed)));
    });
}

/// Several threads publish while workers panic all the time.
#[test]
fn nothing_is_lost_among_many_publishers_and_failing_workers() {
    within_deadline(async {
        for dispatch in [Dispatch::LeastLoaded, Dispatch::ById] {
            let host = host();
            let (pool, told) = start(&host, dispatch, 3);
            let is_failing = Arc::new(AtomicBool::new(true));
            std::thread::scope(|scope| {
                for publisher in 0..4_u64 {
                    let (bus, is_failing) = (host.bus().clone(), Arc::clone(&is_failing));
                    scope.spawn(move || {
                        for number in 0..500 {
                            let is_unlucky = number % 97 == 5 && is_failing.load(Ordering::Relaxed);
                            let payload = if is_unlucky { 13 } else { 1_000 * (publisher + 1) + number };
                            let id = format!("{publisher}-{}", number % 7);
                            block_on(bus.publish(App::JOB, &id, payload)).unwrap();
                        }
                    });
                }
            });
            let _ = host.close().until(std::future::pending::<()>()).await;
            let stats = pool.stats();
            assert_eq!((stats.accepted, stats.waiting, stats.in_hand), (2_000, 0, 0), "{dispatch:?}");
            // Workers are restarted as long as there is something to do.
            assert_eq!((stats.done + stats.unfinished, stats.lost), (2_000, 0));
            let seen: Vec<(String, u64)> = told.try_iter().map(|(_, id, number)| (id, number)).collect();
            assert_eq!(seen.len() as u64, stats.done);
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "each once");
            if dispatch == Dispatch::ById {
                let mut last: BTreeMap<String, u64> = BTreeMap::new();
                for (id, number) in seen {
                    assert!(last.insert(id, number).is_none_or(|before| before < number), "in order");
                }
            }
        }
    });
}
