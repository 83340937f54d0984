//! Answers never wait behind events: whatever is full, both sides hear each other.

use std::time::Duration;

use futures::executor::block_on;
use pubsub::{BusError, Dispatch, ProcessFailure};
use pubsub_tests::processes::App;

use crate::harness::{Host, build, close, failure, host, program, signal, started, within_deadline};

/// Publishes all of it, whoever waits for what meanwhile.
fn publish(host: &Host, jobs: u64) -> std::thread::JoinHandle<()> {
    let bus = host.bus().clone();
    std::thread::spawn(move || {
        for number in 0..jobs {
            block_on(bus.publish(App::JOB, "a", number)).unwrap();
        }
    })
}

#[test]
fn a_process_can_publish_while_more_waits_for_it_than_it_has_room_for() {
    within_deadline(async {
        for (task, first) in [("echo", 0), ("echo-narrow", 0), ("answer-first", 999)] {
            let host = host();
            let mut done = host.bus().subscribe(App::DONE).await.unwrap();
            let worker = started(&host, task).await;
            let publisher = publish(&host, 5_000);
            if first > 0 {
                for number in 0..=first {
                    assert_eq!(done.next().await.unwrap().payload, number);
                }
            }
            for number in u64::from(first > 0)..5_000 {
                assert_eq!(done.next().await.unwrap().payload, number, "{task}");
            }
            publisher.join().unwrap();
            drop(worker);
            close(&host).await;
        }
    });
}

#[test]
fn a_process_can_follow_what_it_publishes() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let worker = build(&host, "own").inbox(1).start().unwrap();
        assert_eq!(done.next().await.unwrap().payload, 2_000);
        worker.finished().await.unwrap();
        close(&host).await;
    });
}

#[test]
fn a_pool_can_be_fed_by_its_own_process() {
    within_deadline(async {
        let host = host();
        let pool = host
            .pool("jobs", App::JOB)
            .bound(2)
            .dispatch(Dispatch::LeastLoaded)
            .start(1, |name| host.command(name, program("pool-feeds-itself")).start())
            .unwrap();
        // Both places are there when both have done one.
        for number in 0..20 {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        host.bus().publish(App::JOB, "a", 1_000).await.unwrap();
        while pool.stats().done < 20 + 1 + 200 {
            std::thread::yield_now();
        }
        close(&host).await;
    });
}

/// Each of its events is answered; what waits to be written to it is bounded, and so is what the host takes from it.
#[test]
fn a_process_that_publishes_and_does_not_read_is_bounded_and_found_out() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let taken = std::thread::spawn(move || {
            let mut taken = 0_u64;
            while block_on(done.next()).is_some() {
                taken += 1;
            }
            taken
        });
        let soon = Duration::from_secs(2);
        // It does not wait for answers either.
        let worker = build(&host, "unread").max_in_flight(usize::MAX).queue(4_096).silence_timeout(soon);
        let worker = worker.start().unwrap();
        let told = failure(&worker).await;
        assert_eq!(format!("{told:?}"), format!("NotReading {{ after: {soon:?} }}"));
        close(&host).await;
        // An answer has 40 bytes: as many as fill the pipe, what is being written, the queue, and what is read at once.
        assert!(taken.join().unwrap() < 10_000);
    });
}

#[test]
fn a_pool_gives_a_process_that_does_not_read_no_more_than_fits() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let pool = host
            .pool("jobs", App::JOB)
            .bound(5_000)
            .start(1, |name| host.command(name, program("unread-pool")).queue(4_096).start())
            .unwrap();
        let id = "x".repeat(200);
        let mut taken = 0_u64;
        while host.bus().publish(App::JOB, &id, taken).now().is_ok() {
            taken += 1;
            assert!(taken <= 5_001 + 1_000, "it is bounded");
        }
        // One was given while there was room, and what was begun to be written before.
        let given = taken - 5_001;
        assert!(given < 64 * 1024 * 3 / 200, "{given} were given");
        signal("-KILL", "unread-pool");
        let told = errors.next().await.unwrap();
        assert!(matches!(&told, BusError::WorkerFailed { failure: ProcessFailure::Exited(_), .. }), "{told}");
        let report = pool.finished().await;
        assert_eq!(report.stats.lost, taken, "nobody is there for it, which is told");
        close(&host).await;
    });
}
