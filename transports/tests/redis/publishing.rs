//! What becomes of a publish: accepted, refused, not sent, or nobody knows.

use std::time::Duration;

use pubsub_transports::redis::{Redis, RedisBuilder};
use pubsub_transports::{ErrorCode, Patience, SendError};
use tokio::time::Instant;

use crate::harness::{Peer, Proxy, Said, Server, proxy::Mode, times};

fn quick() -> RedisBuilder {
    times::quick(Redis::builder())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_publishers_are_answered_each_in_order() {
    let server = Server::start();
    let peer = std::sync::Arc::new(Peer::connect(&server.url()).await);
    peer.subscribe(&["a"]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for id in 0..50 {
        let peer = peer.clone();
        tasks.spawn(async move {
            for number in 0..100 {
                peer.publish("a", &id.to_string(), &number.to_string()).await;
            }
        });
    }
    tasks.join_all().await;
    peer.heard.events(5000).await;
    let numbers: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    for id in 0..50 {
        assert_eq!(peer.heard.payloads(&format!("a:{id}")), numbers);
    }
    assert_eq!(peer.link.in_flight(), 0);
}

#[tokio::test]
async fn what_the_server_refuses_is_rejected() {
    let server = Server::with(&["--user", "me", "on", ">pw", "+@all", "resetchannels", "&a:*"]);
    let peer = Peer::connect(&format!("redis://me:pw@127.0.0.1:{}", server.port)).await;
    peer.publish("a", "1", "1").await;
    let Err(SendError::Rejected(rejection)) = peer.send("b", "1", "1", Patience::Wait).await else {
        panic!("not rejected")
    };
    assert_eq!((rejection.code(), rejection.is_retryable()), (&ErrorCode::Denied, false));
    peer.send("b", "7", "1", Patience::Now).await.expect("taken");
    peer.publish("a", "1", "1").await;
    peer.heard
        .count("refusal", 1, |said| matches!(said, Said::NotSent(id, SendError::Rejected(_)) if id == "7"))
        .await;
}

#[tokio::test]
async fn what_is_too_large_is_rejected_before_it_is_sent() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    let payload = format!("\"{}\"", "x".repeat(70_000));
    let Err(SendError::Rejected(rejection)) = peer.send("a", "1", &payload, Patience::Wait).await else {
        panic!("not rejected")
    };
    assert_eq!(rejection.code(), &ErrorCode::TooLarge);
    peer.publish("a", "1", "1").await;
}

#[tokio::test]
async fn without_a_connection_it_waits_and_is_then_not_sent() {
    let server = Server::start();
    let timeout = Duration::from_millis(300);
    let peer = Peer::new(quick().publish_timeout(timeout).connect(server.url()).await.expect("connected"));
    server.kill();
    peer.heard.reconnecting().await;
    peer.heard.count("loss of both", 1, |said| matches!(said, Said::Reconnecting(1.., _))).await;
    let began = Instant::now();
    let (waits, now) = (peer.send("a", "1", "1", Patience::Wait), peer.send("a", "9", "1", Patience::Now));
    assert_eq!(peer.link.in_flight(), 2);
    now.await.expect("taken");
    assert_eq!(waits.await, Err(SendError::NotSent));
    assert!(began.elapsed() >= timeout);
    peer.heard
        .count("notice", 1, |said| matches!(said, Said::NotSent(id, SendError::NotSent) if id == "9"))
        .await;
    assert_eq!(peer.link.in_flight(), 0);
}

#[tokio::test]
async fn what_was_not_written_is_sent_when_the_server_is_back() {
    let server = Server::start();
    let peer = Peer::new(quick().connect(server.url()).await.expect("connected"));
    peer.subscribe(&["a:1"]).await;
    server.kill();
    peer.heard.count("loss of both", 1, |said| matches!(said, Said::Reconnecting(1.., _))).await;
    let sending: Vec<_> =
        (0..100).map(|number| peer.send("a", "1", &number.to_string(), Patience::Wait)).collect();
    let given_up = peer.send("a", "1", "\"given up\"", Patience::Wait);
    drop(given_up);
    server.restart();
    for sending in sending {
        sending.await.expect("sent");
    }
    peer.publish("a", "1", "\"end\"").await;
    assert!(
        peer.heard
            .all()
            .iter()
            .all(|said| !matches!(said, Said::Event { payload, .. } if payload.contains("given up")))
    );
}

#[tokio::test]
async fn what_was_written_and_not_answered_is_ambiguous() {
    let server = Server::start();
    let proxy = Proxy::new(server.port, usize::MAX).await;
    let soon = quick().answer_timeout(Duration::from_millis(500));
    let peer = Peer::new(soon.connect(proxy.url()).await.expect("connected"));
    peer.publish("a", "1", "1").await;
    proxy.set(Mode::Stall);
    assert_eq!(peer.send("a", "1", "2", Patience::Wait).await, Err(SendError::Ambiguous));
    proxy.set(Mode::Pass);
    peer.publish("a", "1", "3").await;
}

/// The proxy reads nothing, so most of what is published is not even written when the connection is cut.
#[tokio::test]
async fn of_a_long_queue_only_what_was_written_whole_is_ambiguous() {
    let server = Server::start();
    let proxy = Proxy::new(server.port, usize::MAX).await;
    let builder = quick().outbound_bytes(64 << 20);
    let peer = Peer::new(builder.connect(proxy.url()).await.expect("connected"));
    let other = Peer::connect(&server.url()).await;
    other.subscribe(&["a:1"]).await;
    proxy.set(Mode::Stall);
    let padding = "x".repeat(10_000);
    let sending: Vec<_> = (0..3000)
        .map(|number| peer.send("a", "1", &format!("\"{number} {padding}\""), Patience::Wait))
        .collect();
    peer.heard.reconnecting().await;
    // What was on its way is cut off in the middle.
    proxy.cut();
    proxy.set(Mode::Pass);
    let mut sent = Vec::new();
    let mut ambiguous = 0;
    for (number, sending) in sending.into_iter().enumerate() {
        match sending.await {
            Ok(()) => sent.push(number),
            Err(SendError::Ambiguous) => ambiguous += 1,
            Err(error) => panic!("{number}: {error}"),
        }
    }
    assert!(ambiguous > 0 && !sent.is_empty(), "{ambiguous} ambiguous, {} sent", sent.len());
    let (first, count) = (sent[0], sent.len());
    assert_eq!(
        (first, count),
        (ambiguous, 3000 - ambiguous),
        "the first ones are ambiguous, the others sent"
    );
    other.publish("a", "1", "\"end of all\"").await;
    other
        .heard
        .count("end", 1, |said| matches!(said, Said::Event { payload, .. } if payload == "\"end of all\""))
        .await;
    let number = |payload: &String| {
        payload.trim_start_matches('"').split(' ').next().and_then(|number| number.parse::<usize>().ok())
    };
    let seen: Vec<usize> = other.heard.payloads("a:1").iter().filter_map(number).collect();
    assert!(seen.is_sorted_by(|one, two| one < two), "in order, and none twice");
    assert!(sent.iter().all(|number| seen.binary_search(number).is_ok()), "what was sent has arrived");
}

#[tokio::test]
async fn the_queue_is_bounded_in_frames_and_bytes() {
    let server = Server::start();
    for builder in [quick().outbound_frames(10), quick().outbound_bytes(1000)] {
        // Nothing is given up while it is stopped.
        let builder = builder.answer_timeout(crate::harness::DEADLINE);
        let peer = Peer::new(builder.connect(server.url()).await.expect("connected"));
        server.signal("STOP");
        let mut taken = 0;
        while peer.send("a", "1", "1", Patience::Now).await.is_ok() {
            taken += 1;
            // 66 bytes each.
            assert!(taken <= 15);
        }
        assert!(taken >= 10, "{taken}");
        assert_eq!(peer.send("a", "1", "1", Patience::Now).await, Err(SendError::Full));
        // Those who wait in line are answered in order, and whoever leaves it is forgotten.
        let waiting: Vec<_> = (0..100).map(|_| peer.send("a", "1", "1", Patience::Wait)).collect();
        drop((0..10_000).map(|_| peer.send("a", "2", "1", Patience::Wait)).collect::<Vec<_>>());
        assert_eq!(peer.link.in_flight(), taken + 100);
        server.signal("CONT");
        for waiting in waiting {
            waiting.await.expect("sent");
        }
        assert_eq!(peer.link.in_flight(), 0);
        assert_eq!(peer.close().await, 0);
    }
}

#[tokio::test]
async fn closing_sends_what_was_taken_and_then_takes_nothing() {
    let server = Server::start();
    let (peer, other) = (Peer::connect(&server.url()).await, Peer::connect(&server.url()).await);
    other.subscribe(&["a"]).await;
    for number in 0..1000 {
        peer.send("a", "1", &number.to_string(), Patience::Now).await.expect("taken");
    }
    let closing = peer.link.close();
    assert_eq!(peer.send("a", "1", "1", Patience::Now).await, Err(SendError::Closed));
    assert_eq!(peer.send("a", "1", "1", Patience::Wait).await, Err(SendError::Closed));
    assert_eq!(closing.await, Some(0));
    other.heard.events(1000).await;
    assert_eq!(peer.close().await, 0, "a second time");
}

#[tokio::test]
async fn closing_counts_what_it_gives_up() {
    let server = Server::start();
    let brief = quick().close_timeout(Duration::from_millis(500));
    let peer = Peer::new(brief.connect(server.url()).await.expect("connected"));
    server.kill();
    peer.heard.count("loss of both", 1, |said| matches!(said, Said::Reconnecting(1.., _))).await;
    let waits = peer.send("a", "1", "1", Patience::Wait);
    for _ in 0..6 {
        peer.send("a", "1", "1", Patience::Now).await.expect("taken");
    }
    assert_eq!(peer.close().await, 7);
    assert_eq!(waits.await, Err(SendError::Closed));
    let told =
        peer.heard.all().iter().filter(|said| matches!(said, Said::NotSent(_, SendError::Closed))).count();
    assert_eq!(told, 6);
}
