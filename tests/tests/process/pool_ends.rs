//! What becomes of the events of a pool when its processes end.

use std::collections::BTreeSet;
use std::time::Duration;

use pubsub::{Backoff, BusError, Dispatch};
use pubsub_tests::processes::App;

use crate::harness::{answers, close, host, program, within_deadline};

#[test]
fn a_process_that_is_stopped_leaves_its_pool() {
    within_deadline(async {
        for dispatch in [Dispatch::LeastLoaded, Dispatch::ById] {
            let host = host();
            let done = answers(&host).await;
            let pool = host.pool("jobs", App::JOB).dispatch(dispatch).start(2, |name| {
                let mut command = program("pool");
                command.arg("4");
                host.command(name, command).start()
            });
            let pool = pool.unwrap();
            let (mut names, mut number) = (BTreeSet::new(), 100);
            while names.len() < 2 {
                host.bus().publish(App::JOB, &number.to_string(), number).await.unwrap();
                names.insert(done.recv().unwrap().0);
                number += 1;
            }
            pool.workers()[0].stop();
            pool.workers()[0].finished().await.unwrap();
            for number in 1_000..1_200 {
                host.bus().publish(App::JOB, &number.to_string(), number).await.unwrap();
            }
            let names: BTreeSet<String> = done.iter().take(200).map(|(name, _)| name).collect();
            assert_eq!(names, BTreeSet::from(["jobs-2".to_owned()]), "{dispatch:?}");
            close(&host).await;
            assert!(pool.finished().await.is_clean());
        }
    });
}

#[test]
fn what_a_process_cannot_read_is_told_and_not_done() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let pool =
            host.pool("jobs", App::JOB).start(1, |name| host.command(name, program("pool-other")).start());
        let pool = pool.unwrap();
        for number in 0..3 {
            host.bus().publish(App::JOB, &format!("id-{number}"), number).await.unwrap();
        }
        for number in 0..3 {
            let told = errors.next().await.unwrap();
            let text = format!(
                "the worker `jobs-1` of the pool `jobs` cannot read `job` for the id \"id-{number}\": "
            );
            assert!(told.to_string().starts_with(&text), "{told}");
        }
        let _ = host.close().until(std::future::pending::<()>()).await;
        let stats = pool.finished().await.stats;
        assert_eq!((stats.done, stats.waiting, stats.in_hand, stats.lost), (0, 0, 0, 0));
    });
}

#[test]
fn closing_waits_for_a_process_that_is_to_be_started_again() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let done = answers(&host).await;
        let later = Backoff::new(Duration::from_millis(300), Duration::from_millis(300));
        let pool = host.pool("jobs", App::JOB).start(1, |name| {
            host.command(name, program("pool")).restart_on_failure(3, later.clone()).start()
        });
        let pool = pool.unwrap();
        for number in [13, 100, 101, 102] {
            host.bus().publish(App::JOB, "a", number).await.unwrap();
        }
        while !matches!(errors.next().await.unwrap(), BusError::WorkerFailed { restarts: true, .. }) {}
        let _ = host.close().until(std::future::pending::<()>()).await;
        let stats = pool.finished().await.stats;
        assert_eq!((stats.done, stats.unfinished, stats.lost), (3, 1, 0));
        assert_eq!(done.iter().map(|(_, number)| number).collect::<Vec<_>>(), [100, 101, 102]);
    });
}
