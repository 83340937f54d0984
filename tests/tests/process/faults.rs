//! What processes do wrong.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pubsub::{BusError, ProcessFailure, WorkerError};
use pubsub_tests::processes::App;

use crate::harness::{at_once, build, close, failure, host, signal, started, within_deadline};

#[test]
fn a_panic_is_told_and_harms_no_other() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let lines = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&lines);
        let bad = build(&host, "panic").stderr(move |_, line| *kept.lock().unwrap() += line).start().unwrap();
        bad.follows(App::JOB).await.unwrap();
        let echo = started(&host, "echo").await;
        host.bus().publish(App::JOB, "a", 13).await.unwrap();
        let error = bad.finished().await.unwrap_err();
        assert_eq!(error.to_string(), "the worker `panic` failed: it ended with exit status: 101");
        assert!(lines.lock().unwrap().contains("an unlucky number"));
        let Some(BusError::WorkerFailed { worker, failure, restarts }) = errors.next().await else {
            panic!("not told")
        };
        assert!(matches!(failure, ProcessFailure::Exited(status) if status.code() == Some(101)));
        assert_eq!((&*worker, restarts), ("panic", false));
        host.bus().publish(App::JOB, "a", 14).await.unwrap();
        assert_eq!(done.next().await.unwrap().payload, 13);
        assert_eq!(done.next().await.unwrap().payload, 14);
        drop(echo);
        close(&host).await;
    });
}

#[test]
fn a_kill_mid_stream_loses_what_was_not_written_and_nothing_else() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let worker = started(&host, "stream").await;
        host.bus().publish(App::JOB, "a", 1_000_000).await.unwrap();
        for number in 0..5_000 {
            assert_eq!(done.next().await.unwrap().payload, number);
        }
        signal("-KILL", "stream");
        let failure = failure(&worker).await;
        assert!(matches!(failure, ProcessFailure::Exited(status) if status.code().is_none()), "{failure}");
        // What was written before comes, in order and whole.
        let mut next = 5_000;
        while let Ok(event) = done.try_next() {
            assert_eq!((event.payload, event.missed), (next, 0));
            next += 1;
        }
        close(&host).await;
    });
}

#[test]
fn garbage_is_typed() {
    within_deadline(async {
        let host = host();
        let worker = build(&host, "garbage").start().unwrap();
        let told = failure(&worker).await;
        assert!(matches!(&told, ProcessFailure::Garbage { reason } if reason.contains("\"Hell\"")), "{told}");

        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let worker = started(&host, "babble").await;
        host.bus().publish(App::JOB, "a", 1).await.unwrap();
        assert_eq!(done.next().await.unwrap().payload, 1, "what was good before is taken");
        let told = failure(&worker).await;
        assert!(matches!(&told, ProcessFailure::Garbage { .. }), "{told}");
        close(&host).await;
    });
}

#[test]
fn a_process_that_is_no_worker_is_given_up() {
    within_deadline(async {
        let host = host();
        let soon = Duration::from_millis(50);
        for task in ["deaf", "swallow"] {
            let worker = build(&host, task).handshake_timeout(soon).start().unwrap();
            assert!(matches!(failure(&worker).await, ProcessFailure::NoHandshake { after } if after == soon));
        }
        let worker = build(&host, "fail").start().unwrap();
        let told = failure(&worker).await;
        assert!(matches!(told, ProcessFailure::Exited(status) if status.code() == Some(7)), "{told}");
        let missing = host.command("missing", Command::new("/no/such/program")).start();
        assert!(matches!(missing, Err(WorkerError::NotStarted { .. })));
        assert!(matches!(build(&host, "").start(), Err(WorkerError::InvalidName { .. })));
        close(&host).await;
    });
}

#[test]
fn a_process_that_hangs_is_silent() {
    within_deadline(async {
        let host = host();
        let worker = build(&host, "stopped").silence_timeout(Duration::from_secs(3)).start().unwrap();
        worker.follows(App::JOB).await.unwrap();
        signal("-STOP", "stopped");
        assert!(matches!(failure(&worker).await, ProcessFailure::Silent { .. }));
        close(&host).await;
    });
}

#[test]
fn a_worker_is_started_again_and_told_of_the_gap() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let worker = build(&host, "story").restart_on_failure(1, at_once()).start().unwrap();
        worker.follows(App::JOB).await.unwrap();
        for number in [1, 13] {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        assert_eq!(done.next().await.unwrap().payload, 1);
        let gap = done.next().await.unwrap();
        assert_eq!(
            (&*gap.id, gap.payload),
            ("gap", u64::MAX),
            "the next run knows that it may have missed some"
        );
        assert_eq!(worker.restarts(), 1);
        host.bus().publish(App::JOB, "a", 2).await.unwrap();
        assert_eq!(done.next().await.unwrap().payload, 2);
        host.bus().publish(App::JOB, "a", 13).await.unwrap();
        let ended = worker.finished().await;
        assert!(matches!(ended, Err(WorkerError::Failed { restarts: 1, .. })), "{ended:?}");
        close(&host).await;
    });
}

#[test]
fn one_that_ends_well_is_not_started_again_and_one_that_fails_is_as_often_as_it_may_be() {
    within_deadline(async {
        let host = host();
        let start = |program| host.command(program, Command::new(program)).restart_on_failure(5, at_once());
        assert_eq!(start("true").start().unwrap().finished().await.unwrap().restarts, 0);
        let ended = start("false").start().unwrap().finished().await;
        assert!(matches!(ended, Err(WorkerError::Failed { restarts: 5, .. })), "{ended:?}");
        assert_eq!(host.bus().error_count(), 6);
        close(&host).await;
    });
}
