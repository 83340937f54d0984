//! A thousand processes that do something of everything and fail leave nothing behind. One test, since it counts for the whole process.
//!
//! `PUBSUB_PROCESS_RESTARTS=<n>` for another number.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use pubsub::{Backoff, BusError, WorkerError, WorkerHost};
use pubsub_tests::processes::App;

/// How long something may take that must happen.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until it holds: a thread has ended a moment after its worker.
fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "not {what} in time");
        std::thread::yield_now();
    }
}

fn entries(path: &str) -> usize {
    std::fs::read_dir(path).expect("a Linux").count()
}

fn threads() -> usize {
    entries("/proc/self/task")
}

fn files() -> usize {
    entries("/proc/self/fd")
}

/// Processes that this one has started, the dead ones that nobody has reaped too.
fn children() -> usize {
    let parent = format!("PPid:\t{}\n", std::process::id());
    let all = std::fs::read_dir("/proc").expect("a Linux").flatten();
    let status = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("status")).ok());
    status.filter(|status| status.contains(&parent)).count()
}

#[test]
fn a_thousand_restarts_leave_nothing() {
    let restarts =
        std::env::var("PUBSUB_PROCESS_RESTARTS").ok().and_then(|it| it.parse().ok()).unwrap_or(1_000);
    let host = WorkerHost::<App>::new();
    let (threads_before, files_before) = (threads(), files());
    assert_eq!(children(), 0);
    let lines = Arc::new(AtomicU64::new(0));
    let at_once = Backoff::new(Duration::ZERO, Duration::ZERO);
    let mut done = host.bus().subscribe(App::DONE).now().expect("the host is open");
    let mut errors = host.bus().errors();
    let pool = host.pool("jobs", App::JOB).start(1, |name| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_worker-process"));
        command.arg("crash");
        let lines = Arc::clone(&lines);
        let worker = host.command(name, command).restart_on_failure(restarts, at_once.clone());
        let count = move |_: &str, _: &str| {
            lines.fetch_add(1, Ordering::Relaxed);
        };
        worker.stderr(count).start()
    });
    let pool = pool.expect("it starts");
    // Each run takes one job, answers it, sees its answer, and fails.
    for number in 0..=u64::from(restarts) {
        block_on(host.bus().publish(App::JOB, "a", number)).expect("the host is open");
        assert_eq!(block_on(done.next()).expect("an answer").payload, number);
        let (mut is_told, mut has_failed) = (false, false);
        while !(is_told && has_failed) {
            match block_on(errors.next()).expect("the bus is open") {
                BusError::Unfinished { topic, .. } if topic == "job" => is_told = true,
                BusError::WorkerFailed { restarts: again, .. } => {
                    assert_eq!(again, number < u64::from(restarts));
                    has_failed = true;
                }
                other => panic!("{other}"),
            }
        }
    }
    let report = block_on(pool.finished());
    let [Err(WorkerError::Failed { restarts: counted, .. })] = &report.workers[..] else {
        panic!("{report:?}")
    };
    assert_eq!(*counted, restarts);
    let runs = u64::from(restarts) + 1;
    assert_eq!((report.stats.unfinished, report.stats.accepted, report.stats.lost), (runs, runs, 0));
    assert_eq!(lines.load(Ordering::Relaxed), runs, "each line was passed on");
    drop((pool, done));
    until("all threads gone", || threads() <= threads_before);
    until("all files closed", || files() <= files_before);
    assert_eq!(children(), 0);
    assert!(host.workers().is_empty());
    // Of the exchange: the host's bus, and nothing that anybody follows or waits for.
    let text = format!("{host:?}");
    assert!(text.contains("Exchange { members: 1, addresses: 0, line: 0 }"), "{text}");
    assert!(block_on(host.close().until(std::future::pending::<()>())).is_clean());
}
