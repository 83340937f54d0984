//! Every bound, at the bound.

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use pubsub::ProcessFailure;
use pubsub_tests::processes::App;

use crate::harness::{build, close, failure, host, of_task, program, within_deadline};

#[test]
fn a_message_may_be_as_long_as_the_limit() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        for (length, is_too_long) in [(200, false), (201, true)] {
            let mut command = program("sized");
            command.arg(length.to_string());
            let worker = host.command("sized", command).max_message(200).start().unwrap();
            if is_too_long {
                let told = failure(&worker).await;
                let reason = "a message of 201 bytes, where 200 are allowed";
                assert!(
                    matches!(&told, ProcessFailure::Garbage { reason: it } if it.contains(reason)),
                    "{told}"
                );
            } else {
                assert_eq!(done.next().await.unwrap().payload, 1);
                worker.finished().await.unwrap();
            }
        }
        assert!(done.try_next().is_err());
        close(&host).await;
    });
}

/// The host's subscription has room for one, its inbox for two, and the exchange holds one.
#[test]
fn a_process_may_send_as_many_as_there_is_room_for() {
    within_deadline(async {
        let host = pubsub::WorkerHost::<App>::with_inbox(1);
        let mut done = host.bus().subscribe(App::DONE).bound(1).await.unwrap();
        let mut command = program("unread");
        command.arg("until-too-many");
        let worker = host.command("unread", command).max_in_flight(4).start().unwrap();
        while !of_task("until-too-many").is_empty() {
            std::thread::yield_now();
        }
        // What it had sent before is accepted still.
        std::thread::spawn(move || while block_on(done.next()).is_some() {});
        let told = failure(&worker).await;
        let reason = "more events than there is room for, which is 4";
        assert!(matches!(&told, ProcessFailure::Garbage { reason: it } if it == reason), "{told}");
        close(&host).await;
    });
}

#[test]
fn events_in_flight_are_no_more_than_are_allowed_however_many_are_published() {
    within_deadline(async {
        for in_flight in [1, 2, 300] {
            let host = pubsub::WorkerHost::<App>::with_inbox(1);
            let mut done = host.bus().subscribe(App::DONE).bound(1).await.unwrap();
            let worker = build(&host, "stream-now").max_in_flight(in_flight).start().unwrap();
            worker.follows(App::JOB).await.unwrap();
            host.bus().publish(App::JOB, "a", 1_000).await.unwrap();
            let mut next = 0;
            while next < 1_000 {
                assert_eq!(done.next().await.unwrap().payload, next);
                next += 1;
            }
            close(&host).await;
        }
    });
}

#[test]
fn a_line_of_standard_error_has_at_most_8_kib() {
    within_deadline(async {
        let host = host();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let worker = build(&host, "long-lines")
            .stderr(move |_, line| kept.lock().unwrap().push(line.len()))
            .start()
            .unwrap();
        worker.finished().await.unwrap();
        assert_eq!(*lines.lock().unwrap(), [8_191, 8_192, 8_192, 1, 3]);
        close(&host).await;
    });
}

#[test]
fn a_process_has_at_most_64_places_in_pools() {
    within_deadline(async {
        let host = host();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let pool = host.pool("jobs", App::JOB).start(1, |name| {
            let kept = Arc::clone(&kept);
            let worker = host.command(name, program("many-places"));
            worker.stderr(move |_, line| kept.lock().unwrap().push(line.to_owned())).start()
        });
        let report = pool.unwrap().finished().await;
        assert!(report.workers[0].is_ok(), "{report:?}");
        let refused = "rejected as `limit`: a process can have 64 places in pools";
        assert_eq!(*lines.lock().unwrap(), ["64 places", refused]);
        close(&host).await;
    });
}
