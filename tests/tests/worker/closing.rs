//! How workers and their host end.

use std::future::{pending, ready};
use std::sync::mpsc::channel;

use futures::executor::block_on;
use pubsub::prelude::*;
use pubsub::{End, SubscribeError, WorkerError};

use crate::harness::{App, echo, host, within_deadline};

#[test]
fn close_lets_workers_drain_and_what_they_publish_reaches_the_host() {
    within_deadline(async {
        let host = host();
        let worker = host.build("echo").inbox(4).spawn(echo).unwrap();
        worker.follows(App::JOB).await.unwrap();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        for number in 0..100 {
            host.bus().publish(App::JOB, "", number).await.unwrap();
        }
        let bus = host.bus().clone();
        let close = host.close().until(pending::<()>());
        let read = async {
            let mut got = Vec::new();
            while let Some(event) = done.next().await {
                got.push(event.payload);
            }
            got
        };
        let (report, got) = futures::join!(close, read);
        assert!(report.is_clean(), "{report}");
        assert!(report.ended["echo"].is_ok());
        assert_eq!(got, (0..100).collect::<Vec<_>>());
        assert!(matches!(bus.publish(App::JOB, "", 1).now(), Err(PublishError::Closed(_))));
        assert_eq!(bus.subscribe(App::JOB).now().unwrap_err(), SubscribeError::Closed);
        assert!(matches!(host.spawn("late", echo), Err(WorkerError::Closed)));
        assert!(matches!(worker.publish(App::JOB, "", 1).await, Err(PublishError::Closed(_))));
        assert!(matches!(worker.follows(App::JOB).await, Err(WorkerError::Ended { .. })));
    });
}

#[test]
fn at_the_deadline_who_still_runs_is_reported_with_what_its_inbox_held() {
    within_deadline(async {
        let host = host();
        let (end, wait) = channel::<()>();
        let worker = host
            .build("stuck")
            .inbox(8)
            .spawn(move |bus| {
                let mut jobs = bus.subscribe(App::JOB).bound(1).now().unwrap();
                let _ = wait.recv();
                // What its inbox held was given up with the deadline.
                while block_on(jobs.next()).is_some() {}
                assert_eq!(jobs.end(), Some(End::Closed));
                assert!(matches!(bus.publish(App::DONE, "", 1).now(), Err(PublishError::Closed(_))));
            })
            .unwrap();
        worker.follows(App::JOB).await.unwrap();
        for number in 0..5 {
            host.bus().publish(App::JOB, "", number).now().unwrap();
        }
        let report = host.close().until(ready(())).await;
        assert_eq!(report.running.into_iter().collect::<Vec<_>>(), [("stuck".to_owned(), 3)]);
        drop(end);
        worker.finished().await.unwrap();
    });
}

#[test]
fn a_worker_that_closes_its_bus_gets_what_was_accepted_and_leaves_cleanly() {
    within_deadline(async {
        let host = host();
        let (go, wait) = channel::<()>();
        let (sender, got) = channel();
        let worker = host
            .build("leaver")
            .inbox(8)
            .spawn(move |bus| {
                let mut jobs = bus.subscribe(App::JOB).bound(1).now().unwrap();
                wait.recv().unwrap();
                let report = bus.close().now();
                assert!(bus.is_closed());
                sender.send((report.unread + report.unsent, Vec::new())).unwrap();
                let mut rest = Vec::new();
                while let Some(job) = block_on(jobs.next()) {
                    rest.push(job.payload);
                }
                sender.send((0, rest)).unwrap();
            })
            .unwrap();
        let echo = host.spawn("echo", echo).unwrap();
        worker.follows(App::JOB).await.unwrap();
        echo.follows(App::JOB).await.unwrap();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        for number in 0..5 {
            host.bus().publish(App::JOB, "", number).now().unwrap();
        }
        go.send(()).unwrap();
        assert_eq!(got.recv().unwrap(), (5, vec![]));
        assert_eq!(got.recv().unwrap(), (0, vec![0, 1, 2, 3, 4]));
        let report = worker.finished().await.unwrap();
        assert!(report.left.is_clean(), "{report:?}");
        // The others go on.
        host.bus().publish(App::JOB, "", 5).await.unwrap();
        for number in 0..6 {
            assert_eq!(done.next().await.unwrap().payload, number);
        }
    });
}

#[test]
fn until_waits_for_what_the_inbox_holds() {
    within_deadline(async {
        let host = pubsub::WorkerHost::<App>::with_inbox(8);
        let mut jobs = host.bus().subscribe(App::JOB).bound(1).await.unwrap();
        for number in 0..5 {
            host.bus().publish(App::JOB, "", number).now().unwrap();
        }
        let bus = host.bus().clone();
        let read = async {
            let mut got = Vec::new();
            while let Some(job) = jobs.next().await {
                got.push(job.payload);
            }
            got
        };
        let (report, got) = futures::join!(bus.close().until(pending::<()>()), read);
        assert!(report.is_clean(), "{report}");
        assert_eq!(got, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn at_its_deadline_a_bus_says_what_its_inbox_held() {
    let host = pubsub::WorkerHost::<App>::with_inbox(8);
    let mut jobs = host.bus().subscribe(App::JOB).bound(1).now().unwrap();
    for number in 0..5 {
        host.bus().publish(App::JOB, "", number).now().unwrap();
    }
    let report = block_on(host.bus().close().until(ready(())));
    assert_eq!((report.unread, report.unsent), (1, 4));
    assert!(block_on(jobs.next()).is_none());
}

#[test]
fn when_the_last_handle_is_dropped_what_was_accepted_can_still_be_read() {
    within_deadline(async {
        let host = pubsub::WorkerHost::<App>::with_inbox(8);
        let mut jobs = host.bus().subscribe(App::JOB).bound(1).await.unwrap();
        for number in 0..5 {
            host.bus().publish(App::JOB, "", number).now().unwrap();
        }
        drop(host);
        for number in 0..5 {
            assert_eq!(jobs.next().await.unwrap().payload, number);
        }
        assert!(jobs.next().await.is_none());
    });
}

#[test]
fn dropping_the_host_ends_the_subscriptions_of_its_workers() {
    within_deadline(async {
        let host = host();
        let worker = host.spawn("echo", echo).unwrap();
        worker.follows(App::JOB).await.unwrap();
        drop(host);
        assert_eq!(worker.finished().await.unwrap().restarts, 0);
    });
}

#[test]
fn closing_does_not_wait_unless_it_is_told_to() {
    within_deadline(async {
        let host = host();
        let worker = host.spawn("echo", echo).unwrap();
        worker.follows(App::JOB).await.unwrap();
        let report = host.close().await;
        assert!(report.running.contains_key("echo") || report.running.is_empty());
        worker.finished().await.unwrap();
        assert!(host.workers().is_empty());
    });
}

#[test]
fn who_waits_for_the_inbox_of_a_worker_is_freed_when_it_ends() {
    within_deadline(async {
        let host = host();
        let (go, wait) = channel::<()>();
        let worker = host
            .build("quitter")
            .inbox(1)
            .spawn(move |bus| {
                let _jobs = bus.subscribe(App::JOB).bound(1).now().unwrap();
                wait.recv().unwrap();
            })
            .unwrap();
        worker.follows(App::JOB).await.unwrap();
        for number in 0..3 {
            host.bus().publish(App::JOB, "", number).now().unwrap();
        }
        let broadcast = host.bus().publish(App::JOB, "", 3);
        let direct = worker.publish(App::JOB, "", 4);
        let send = async { go.send(()).unwrap() };
        let (broadcast, direct, ()) = futures::join!(broadcast, direct, send);
        assert!(broadcast.is_ok(), "nobody else follows it, and a publish to nobody is one");
        // It was in the line for a worker that is no more, or reached it while it was unwinding its subscription.
        assert!(matches!(direct, Ok(()) | Err(PublishError::Closed(_))));
        worker.finished().await.unwrap();
    });
}
