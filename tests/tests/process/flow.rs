//! What holds as long as nothing fails.

use std::sync::{Arc, Mutex};

use pubsub::codec::Postcard;
use pubsub::{BusError, EventId};
use pubsub_tests::processes::{App, Picky};

use crate::harness::{build, close, host, started, within_deadline};

#[test]
fn an_event_goes_there_and_back() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let worker = started(&host, "echo").await;
        for number in 0..1_000 {
            host.bus().publish(App::JOB, "a:b", number).await.unwrap();
        }
        for number in 0..1_000 {
            let event = done.next().await.unwrap();
            assert_eq!((&*event.id, event.payload), ("a:b", number));
            assert!(event.event_id().is_some(), "it has crossed a process");
        }
        assert_eq!(worker.followed().len(), 1);
        close(&host).await;
    });
}

#[test]
fn processes_and_threads_share_one_order() {
    within_deadline(async {
        let host = host();
        let mut first = host.bus().subscribe(App::DONE).await.unwrap();
        let (give, take) = std::sync::mpsc::channel();
        host.spawn("thread", move |bus| {
            let mut done = bus.subscribe(App::DONE).now().unwrap();
            while let Some(event) = futures::executor::block_on(done.next()) {
                give.send(event.payload).unwrap();
            }
        })
        .unwrap()
        .follows(App::DONE)
        .await
        .unwrap();
        let worker = started(&host, "echo").await;
        let id = EventId::now_v7();
        for number in 0..300 {
            host.bus().publish(App::JOB, "a", number * 2).event_id(id).await.unwrap();
            host.bus().publish(App::DONE, "own", number * 2 + 1).await.unwrap();
        }
        let mut order = Vec::new();
        for _ in 0..600 {
            order.push(first.next().await.unwrap().payload);
        }
        assert_eq!(order, take.iter().take(600).collect::<Vec<_>>());
        let echoed: Vec<u64> = order.into_iter().filter(|number| number % 2 == 0).collect();
        assert!(echoed.is_sorted() && echoed.len() == 300);
        drop(worker);
        close(&host).await;
    });
}

#[test]
fn another_codec() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let worker = build(&host, "postcard").codec(Postcard::default()).start().unwrap();
        worker.follows(App::JOB).await.unwrap();
        host.bus().publish(App::JOB, "a", u64::MAX).await.unwrap();
        assert_eq!(done.next().await.unwrap().payload, u64::MAX);
        close(&host).await;
    });
}

/// One worker alone, by its handle.
#[test]
fn publishing_to_one() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let echo = started(&host, "echo").await;
        let other = started(&host, "noisy").await;
        echo.publish(App::JOB, "only", 7).await.unwrap();
        host.bus().publish(App::JOB, "all", 8).await.unwrap();
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(done.next().await.unwrap().payload);
        }
        seen.sort_unstable();
        assert_eq!(seen, [7, 8, 8]);
        drop(other);
        close(&host).await;
    });
}

#[test]
fn standard_error_is_passed_on_with_the_name() {
    within_deadline(async {
        let host = host();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let worker = build(&host, "noisy")
            .stderr(move |name, line| kept.lock().unwrap().push(format!("{name}: {line}")))
            .start()
            .unwrap();
        worker.follows(App::JOB).await.unwrap();
        close(&host).await;
        assert_eq!(*lines.lock().unwrap(), ["noisy: one", "noisy: two", "noisy: three"]);
    });
}

/// What the process's queue, its inbox and its subscription hold; then publishers wait, and go on when it is gone.
#[test]
fn a_worker_that_does_not_read_makes_publishers_wait() {
    within_deadline(async {
        let host = host();
        let mut done = host.bus().subscribe(App::DONE).await.unwrap();
        let worker = build(&host, "lazy").queue(256).inbox(2).start().unwrap();
        worker.follows(App::JOB).await.unwrap();
        assert_eq!(done.next().await.unwrap().id, "lazy");
        let mut taken = 0_u64;
        // The pipe itself holds 64 KiB.
        while worker.publish(App::JOB, "a", taken).now().is_ok() {
            taken += 1;
            assert!(taken < 10_000, "it is bounded");
            while worker.publish(App::JOB, "a", 0).now().is_ok() {}
            std::thread::yield_now();
        }
        let report = host.close().until(std::future::ready(())).await;
        assert!(report.running.contains_key("lazy"));
        assert!(worker.finished().await.is_err(), "it is killed at the deadline");
    });
}

#[test]
fn what_cannot_be_encoded_is_told() {
    within_deadline(async {
        let host = host();
        let mut errors = host.bus().errors();
        let (mut own, mut done) =
            (host.bus().subscribe(App::PICKY).await.unwrap(), host.bus().subscribe(App::DONE).await.unwrap());
        host.bus().publish(App::PICKY, "a", Picky(true)).await.unwrap();
        assert_eq!(own.next().await.unwrap().payload, Picky(true), "no process follows it");
        drop(own);
        let worker = build(&host, "picky").start().unwrap();
        worker.follows(App::PICKY).await.unwrap();
        host.bus().publish(App::PICKY, "a", Picky(true)).await.unwrap();
        host.bus().publish(App::PICKY, "a", Picky(false)).await.unwrap();
        let Some(BusError::NotSent { topic, error, .. }) = errors.next().await else { panic!("not told") };
        assert_eq!(topic, "picky");
        let refused = "rejected as `bad_request`: the payload of the topic \"picky\" cannot be encoded";
        assert_eq!(error.to_string(), refused);
        let gap = done.next().await.unwrap();
        assert_eq!((&*gap.id, gap.payload), ("gap", 1), "the process is told too");
        assert_eq!(done.next().await.unwrap().id, "event");
        close(&host).await;
    });
}
