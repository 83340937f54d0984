//! Pools of threads: each event to exactly one worker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures::StreamExt as _;
use futures::executor::block_on;
use futures::stream::FuturesUnordered;
use pubsub::prelude::*;
use pubsub::{Backoff, Dispatch, ErrorCode, Pool, PoolError, WorkerError};

use crate::harness::{App, Host, host, within_deadline};

/// Says who did what. The job 13 is unlucky.
pub(crate) fn work(
    name: String,
    done: Sender<(String, String, u64)>,
) -> impl FnMut(PubSub<App>) + Send + 'static {
    move |bus| {
        let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().expect("the pool is there");
        while let Some(job) = block_on(jobs.next()) {
            assert_ne!(job.payload, 13, "an unlucky number");
            done.send((name.clone(), job.id.to_string(), job.payload)).unwrap();
        }
    }
}

/// A pool of workers that say so, each restarted as often as it takes.
pub(crate) fn start(
    host: &Host,
    dispatch: Dispatch,
    workers: usize,
) -> (Pool<App>, Receiver<(String, String, u64)>) {
    let (done, told) = channel();
    let at_once = || Backoff::new(Duration::ZERO, Duration::ZERO);
    let pool = host.pool("jobs", App::JOB).dispatch(dispatch).start(workers, |name| {
        let work = work(name.to_owned(), done.clone());
        host.build(name).restart_on_panic(u32::MAX, at_once()).spawn(work)
    });
    (pool.expect("it starts"), told)
}

pub(crate) async fn close(host: &Host) {
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
