//! Workers that come and go leave nothing behind: no thread, no entry in the exchange, no memory. One test, since it counts
//! for the whole process.
//!
//! Ten thousand of them; `PUBSUB_WORKER_CYCLES=<n>` for another number.

#[path = "../memory/allocator.rs"]
mod allocator;

use std::time::{Duration, Instant};

use futures::executor::block_on;
use pubsub::WorkerHost;
use pubsub::prelude::*;

use self::allocator::allocated;

#[derive(EventMap)]
enum App {
    Job(u64),
    Done(u64),
}

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

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("a Linux").count()
}

fn work(bus: PubSub<App>) {
    let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
    while let Some(job) = block_on(jobs.next()) {
        block_on(bus.publish(App::DONE, &job.id, job.payload)).expect("the host listens");
    }
}

/// One worker: asked something, then stopped; or it leaves while its inbox is full.
fn cycle(host: &WorkerHost<App>, done: &mut Subscription<Event<u64>>, number: u64) {
    match number % 4 {
        3 => {
            let worker = host.build("worker").inbox(2).stack_size(128 * 1024).spawn(|bus| {
                let jobs = bus.subscribe(App::JOB).bound(1).now().expect("the bus is open");
                while bus.stats()[0].queued == 0 {
                    std::thread::yield_now();
                }
                drop(jobs);
            });
            let worker = worker.expect("a thread");
            block_on(worker.follows(App::JOB)).expect("it runs");
            for number in 0..3 {
                block_on(host.bus().publish(App::JOB, "", number)).expect("the bus is open");
            }
            block_on(worker.finished()).expect("no panic");
        }
        _ => {
            let worker = host.build("worker").stack_size(128 * 1024).spawn(work).expect("a thread");
            block_on(worker.follows(App::JOB)).expect("it runs");
            block_on(host.bus().publish(App::JOB, "", number)).expect("the bus is open");
            assert_eq!(block_on(done.next()).expect("the bus is open").payload, number);
            worker.stop();
            block_on(worker.finished()).expect("no panic");
        }
    }
}

/// Hosts too.
fn host_cycle() {
    let host = WorkerHost::<App>::new();
    let mut done = host.bus().subscribe(App::DONE).now().expect("the bus is open");
    let worker = host.build("worker").stack_size(128 * 1024).spawn(work).expect("a thread");
    block_on(worker.follows(App::JOB)).expect("it runs");
    block_on(host.bus().publish(App::JOB, "", 1)).expect("the bus is open");
    let report = block_on(async {
        let (report, _done) = futures::join!(host.close().until(std::future::pending::<()>()), done.next());
        report
    });
    assert!(report.is_clean(), "{report}");
}

#[test]
fn workers_that_come_and_go_leave_nothing() {
    let cycles = std::env::var("PUBSUB_WORKER_CYCLES").map_or(10_000, |text| text.parse().expect("a number"));
    let host = WorkerHost::<App>::new();
    let mut done = host.bus().subscribe(App::DONE).now().expect("the bus is open");
    // What is made once and stays: thread-local values, the first room of the tables.
    (0..20).for_each(|number| cycle(&host, &mut done, number));
    host_cycle();
    let before = threads();
    until("at rest", || threads() <= before);
    let entries = format!("{host:?}");
    let memory = allocated();
    for number in 0..cycles {
        cycle(&host, &mut done, number);
        if number % 10 == 0 {
            host_cycle();
        }
    }
    until("without other threads", || threads() <= before);
    assert_eq!(format!("{host:?}"), entries);
    assert!(host.workers().is_empty());
    assert_eq!(host.bus().error_count(), 0);
    // A thread that has just ended may still hold some of its own.
    let start = Instant::now();
    while allocated() > memory {
        assert!(start.elapsed() < DEADLINE, "{} bytes are left of {cycles} cycles", allocated() - memory);
        std::thread::yield_now();
    }
}
