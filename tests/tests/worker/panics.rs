//! Workers that panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::executor::block_on;
use pubsub::{Backoff, BusError, WorkerError};

use crate::harness::{App, echo, host, within_deadline};

fn at_once() -> Backoff {
    Backoff::new(Duration::ZERO, Duration::ZERO)
}

#[test]
fn a_panic_is_typed_told_to_the_host_and_harms_no_other() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let echo = host.spawn("echo", echo).unwrap();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let bad = host
            .spawn("bad", |bus| {
                let mut jobs = bus.subscribe(App::JOB.id("bad")).now().unwrap();
                let job = block_on(jobs.next()).unwrap();
                panic!("cannot do job {}", job.payload);
            })
            .unwrap();
        bad.follows(App::JOB.id("bad")).await.unwrap();
        echo.follows(App::JOB).await.unwrap();
        host.bus().publish(App::JOB, "bad", 13).await.unwrap();
        let Err(error @ WorkerError::Panicked { .. }) = bad.finished().await else { panic!("no panic") };
        assert_eq!(error.to_string(), "the worker `bad` panicked: cannot do job 13");
        let Some(BusError::WorkerPanicked { worker, message, restarts }) = errors.next().await else {
            panic!("not told");
        };
        assert_eq!((worker.as_str(), message.as_str(), restarts), ("bad", "cannot do job 13", false));
        host.bus().publish(App::JOB, "good", 1).await.unwrap();
        assert_eq!(done.next().await.unwrap().payload, 13);
        assert_eq!(done.next().await.unwrap().payload, 1);
        assert!(!bad.is_running() && echo.is_running());
        assert!(host.worker("bad").is_none());
        let report = host.close().until(std::future::pending::<()>()).await;
        assert!(report.is_clean(), "who ended before is told by its own handle: {report}");
    });
}

#[test]
fn a_worker_is_restarted_with_a_new_bus_as_often_as_it_may_be() {
    within_deadline(async {
        let host = host();
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let worker = host
            .build("flaky")
            .restart_on_panic(3, at_once())
            .spawn(move |bus| {
                let run = counted.fetch_add(1, Ordering::SeqCst);
                let mut jobs = bus.subscribe(App::JOB.id(&run.to_string())).now().unwrap();
                let job = block_on(jobs.next()).unwrap();
                panic!("job {}", job.payload);
            })
            .unwrap();
        for run in 0..4 {
            worker.follows(App::JOB.id(&run.to_string())).await.unwrap();
            assert_eq!(worker.restarts(), run);
            worker.publish(App::JOB, &run.to_string(), u64::from(run)).await.unwrap();
        }
        let error = worker.finished().await.unwrap_err();
        assert_eq!(error.to_string(), "the worker `flaky` panicked, restarts before: 3: job 3");
        assert_eq!(runs.load(Ordering::SeqCst), 4);
        assert_eq!(host.bus().error_count(), 4);
    });
}

#[test]
fn a_closed_host_restarts_nobody_even_in_the_middle_of_a_long_delay() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        // The delay is drawn between nothing and an hour; this seed draws a long one.
        let hour = Duration::from_secs(3_600);
        let worker = host
            .build("flaky")
            .restart_on_panic(u32::MAX, Backoff::with_seed(hour, hour, 1))
            .spawn(|_| panic!("again"))
            .unwrap();
        assert!(matches!(errors.next().await, Some(BusError::WorkerPanicked { restarts: true, .. })));
        let report = host.close().until(std::future::pending::<()>()).await;
        assert!(matches!(worker.finished().await, Err(WorkerError::Panicked { restarts: 0, .. })));
        assert!(!report.is_clean());
    });
}
