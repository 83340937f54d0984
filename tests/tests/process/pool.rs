//! Pools of processes: each event to exactly one of them, and none lost in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::executor::block_on;
use pubsub::{BusError, Dispatch, Pool, ProcessFailure, Worker, WorkerError};
use pubsub_tests::processes::App;

use crate::harness::{
    Host, answers, at_once, children, close, failure, host, of_task, program, send, within_deadline,
};

/// A pool of processes with this task, each started again as often as it takes.
fn start(host: &Host, task: &str, dispatch: Dispatch, workers: usize, prefetch: usize) -> Pool<App> {
    let pool = host.pool("jobs", App::JOB).dispatch(dispatch).start(workers, |name| {
        let mut command = program(task);
        command.arg(prefetch.to_string());
        host.command(name, command).restart_on_failure(u32::MAX, at_once()).start()
    });
    pool.expect("it starts")
}

#[test]
fn each_event_goes_to_exactly_one_process() {
    within_deadline(async {
        for (dispatch, prefetch) in [
            (Dispatch::LeastLoaded, 1),
            (Dispatch::LeastLoaded, 16),
            (Dispatch::ById, 1),
            (Dispatch::ById, 16),
        ] {
            let host = host();
            let done = answers(&host).await;
            let pool = start(&host, "pool", dispatch, 3, prefetch);
            for number in 100..600 {
                host.bus().publish(App::JOB, &(number % 20).to_string(), number).await.unwrap();
            }
            close(&host).await;
            assert!(pool.finished().await.is_clean());
            let mut numbers: Vec<u64> = done.iter().map(|(_, number)| number).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (100..600).collect::<Vec<_>>(), "{dispatch:?}");
        }
    });
}

#[test]
fn threads_and_processes_can_share_a_pool() {
    within_deadline(async {
        let host = host();
        let done = answers(&host).await;
        let (go, wait) = channel::<()>();
        let mut wait = Some(wait);
        let pool = host.pool("jobs", App::JOB).start(2, |name| {
            let Some(wait) = wait.take() else {
                let mut command = program("pool");
                command.arg("4");
                return host.command(name, command).start();
            };
            host.spawn(name, move |bus| {
                let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().unwrap();
                while let Some(job) = block_on(jobs.next()) {
                    let _go = wait.recv();
                    block_on(bus.publish(App::DONE, "thread", job.payload)).unwrap();
                }
            })
        });
        let pool = pool.unwrap();
        for number in 100..110 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        // The thread waits at its first, so all others go to the process.
        while pool.stats().done < 9 {
            std::thread::yield_now();
        }
        drop(go);
        close(&host).await;
        let mut names: Vec<String> = done.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!((&*names[0], &*names[8], &*names[9]), ("jobs-2", "jobs-2", "thread"));
    });
}

#[test]
fn by_id_an_id_stays_with_one_process_and_in_order() {
    within_deadline(async {
        let host = host();
        let done = answers(&host).await;
        start(&host, "pool", Dispatch::ById, 3, 8);
        // All have joined when each has answered.
        let (mut names, mut number) = (BTreeSet::new(), 0);
        while names.len() < 3 {
            host.bus().publish(App::JOB, &number.to_string(), 1).await.unwrap();
            names.insert(done.recv().unwrap().0);
            number += 1;
        }
        for number in 0..600 {
            host.bus().publish(App::JOB, &(number % 30).to_string(), 100 + number).await.unwrap();
        }
        let mut by_id: BTreeMap<u64, (BTreeSet<String>, Vec<u64>)> = BTreeMap::new();
        for (name, number) in done.iter().take(600) {
            let (names, numbers) = by_id.entry((number - 100) % 30).or_default();
            names.insert(name);
            numbers.push(number);
        }
        for (id, (names, numbers)) in by_id {
            assert!(
                names.len() == 1 && numbers.len() == 20 && numbers.is_sorted(),
                "{id}: {names:?} {numbers:?}"
            );
        }
        close(&host).await;
    });
}

/// Kills one of the processes again and again. Whatever was not at work goes to others; what was is told.
#[test]
fn a_kill_mid_stream_loses_nothing_in_silence() {
    within_deadline(async {
        for (task, dispatch) in [("pool-kill", Dispatch::LeastLoaded), ("pool-kill-id", Dispatch::ById)] {
            let host = host();
            let mut errors = host.bus().errors();
            let done = answers(&host).await;
            let pool = start(&host, task, dispatch, 3, 8);
            let publisher = {
                let bus = host.bus().clone();
                std::thread::spawn(move || {
                    for number in 0..3_000_u64 {
                        let id = format!("{number}");
                        block_on(bus.publish(App::JOB, &id, 1_000 + number)).unwrap();
                    }
                })
            };
            let (mut seen, mut unfinished) = (Vec::new(), BTreeSet::new());
            for kills in 1..=5 {
                seen.extend(done.iter().take(200));
                send("-KILL", &of_task(task)[0].0);
                loop {
                    match errors.next().await.unwrap() {
                        BusError::WorkerFailed { failure: ProcessFailure::Exited(status), .. } => {
                            assert!(status.code().is_none(), "{status}");
                            break;
                        }
                        BusError::Unfinished { id, .. } => {
                            assert!(unfinished.insert(id.parse::<u64>().unwrap() + 1_000));
                        }
                        other => panic!("{other}"),
                    }
                }
                // A host that is closed starts nobody again.
                while pool.workers().iter().map(Worker::restarts).sum::<u32>() < kills {
                    std::thread::yield_now();
                }
            }
            publisher.join().unwrap();
            close(&host).await;
            while let Some(error) = errors.next().now_or_never() {
                let Some(BusError::Unfinished { id, .. }) = error else { panic!("{error:?}") };
                assert!(unfinished.insert(id.parse::<u64>().unwrap() + 1_000));
            }
            seen.extend(done.iter());
            let stats = pool.stats();
            assert_eq!((stats.accepted, stats.waiting, stats.in_hand, stats.lost), (3_000, 0, 0, 0));
            assert_eq!(stats.unfinished, unfinished.len() as u64);
            assert!(stats.unfinished <= 5, "at most one for each that was killed");
            let numbers: BTreeSet<u64> = seen.iter().map(|(_, number)| *number).collect();
            assert_eq!(numbers.len(), seen.len(), "none is done twice");
            // Those that were at work may have been answered before they were killed.
            let all: BTreeSet<u64> = numbers.union(&unfinished).copied().collect();
            assert_eq!(all, (1_000..4_000).collect::<BTreeSet<_>>());
        }
    });
}

#[test]
fn a_panic_in_a_process_is_told_with_the_event_that_it_was_at() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let done = answers(&host).await;
        let pool = start(&host, "pool", Dispatch::LeastLoaded, 1, 16);
        for number in [1, 2, 13, 4, 5] {
            host.bus().publish(App::JOB, &format!("id-{number}"), number).await.unwrap();
        }
        let numbers: Vec<u64> = done.iter().take(4).map(|(_, number)| number).collect();
        assert_eq!(numbers, [1, 2, 4, 5], "the next run goes on");
        let (mut is_told, mut has_failed) = (false, false);
        while !(is_told && has_failed) {
            match errors.next().await.unwrap() {
                BusError::Unfinished { worker, id, .. } => {
                    assert_eq!((&*worker, &*id), ("jobs-1", "id-13"));
                    is_told = true;
                }
                BusError::WorkerFailed { restarts, .. } => has_failed = restarts,
                other => panic!("{other}"),
            }
        }
        close(&host).await;
        let stats = pool.stats();
        assert_eq!((stats.done, stats.unfinished, stats.lost), (4, 1, 0));
    });
}

/// A process that hangs keeps what it was given until it is found out; the others get all else.
#[test]
fn a_stalled_process_gets_nothing_more_and_gives_back_what_it_had_not_begun() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let done = answers(&host).await;
        let pool = host.pool("jobs", App::JOB).start(2, |name| {
            let mut command = program("pool-stall");
            command.arg("3");
            host.command(name, command).silence_timeout(Duration::from_secs(3)).start()
        });
        let pool = pool.unwrap();
        let mut names = BTreeSet::new();
        while names.len() < 2 {
            for _ in 0..4 {
                host.bus().publish(App::JOB, "a", 1).await.unwrap();
            }
            names.extend(done.iter().take(4).map(|(name, _)| name));
        }
        send("-STOP", &of_task("pool-stall")[0].0);
        for number in 0..200 {
            host.bus().publish(App::JOB, "a", 1_000 + number).await.unwrap();
        }
        // Nothing was begun by the one that hangs, so nothing is lost.
        let numbers: BTreeSet<u64> = done.iter().take(200).map(|(_, number)| number).collect();
        assert_eq!(numbers, (1_000..1_200).collect::<BTreeSet<_>>());
        assert!(matches!(
            errors.next().await,
            Some(BusError::WorkerFailed { failure: ProcessFailure::Silent { .. }, restarts: false, .. })
        ));
        assert_eq!(pool.stats().unfinished, 0);
        close(&host).await;
    });
}

#[test]
fn closing_drains_what_waits_and_leaves_nothing_behind() {
    within_deadline(async {
        let host = host();
        let done = answers(&host).await;
        let pool = start(&host, "pool-drain", Dispatch::LeastLoaded, 3, 4);
        for number in 100..300 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        let report = host.close().until(std::future::pending::<()>()).await;
        assert!(report.is_clean(), "{report:?}");
        assert_eq!((report.pools["jobs"].done, report.pools["jobs"].lost), (200, 0));
        assert!(pool.finished().await.is_clean());
        let numbers: BTreeSet<u64> = done.iter().map(|(_, number)| number).collect();
        assert_eq!(numbers.len(), 200);
        assert!(host.workers().is_empty());
        assert!(children().iter().all(|(_, command)| !command.contains("pool-drain")));
    });
}

#[test]
fn a_pool_that_the_host_does_not_have_is_refused() {
    within_deadline(async {
        let host = host();
        let lines = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&lines);
        let worker = host
            .command("alone", program("pool"))
            .stderr(move |_, line| *kept.lock().unwrap() += line)
            .start()
            .unwrap();
        let failure = failure(&worker).await;
        assert!(matches!(failure, ProcessFailure::Exited(status) if status.code() == Some(3)), "{failure}");
        assert_eq!(*lines.lock().unwrap(), "rejected as `not_found`: the host has no pool \"jobs\"");
        close(&host).await;
    });
}

#[test]
fn a_pool_whose_processes_all_fail_ends_and_tells_what_it_had() {
    within_deadline(async {
        let host = host();
        let pool =
            host.pool("jobs", App::JOB).start(2, |name| host.command(name, Command::new("false")).start());
        let pool = pool.unwrap();
        let report = pool.finished().await;
        assert!(report.workers.iter().all(|it| matches!(it, Err(WorkerError::Failed { .. }))));
        host.bus().publish(App::JOB, "a", 1).await.unwrap();
        assert_eq!(pool.stats().accepted, report.stats.accepted, "it is no more");
        close(&host).await;
    });
}
