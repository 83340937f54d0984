//! Events on their channels: who gets them, once, and who does not.

use pubsub_transports::Patience;
use pubsub_transports::redis::Redis;

use crate::harness::{Peer, Said, Server, envelope};

/// Ids with everything that is special to Redis, to patterns or to us.
const IDS: [&str; 12] = ["", "1", "1:2", "*", "?", "[ab]", "\\", "a b", "a\r\nb", "ß→🦀", ":", "h[^a]llo\\*"];

#[tokio::test]
async fn one_id_gets_its_own_events_to_the_letter() {
    let server = Server::start();
    for prefix in ["", "app*[x]\\?:"] {
        let connect = || async {
            Peer::new(Redis::builder().prefix(prefix).connect(server.url()).await.expect("connected"))
        };
        let all = connect().await;
        all.subscribe(&["chat", "chats"]).await;
        let mut singles = Vec::new();
        for id in IDS {
            let peer = connect().await;
            peer.subscribe(&[&format!("chat:{id}")]).await;
            singles.push(peer);
        }
        let channel = |id| format!("{prefix}chat:{id}");
        let mut raw = server.raw();
        for id in IDS {
            all.publish("chat", id, "1").await;
            // Another client sees and uses the same name.
            assert_eq!(
                raw.publish(channel(id).as_bytes(), envelope("chat", id, "2").as_bytes()),
                2,
                "{id:?}"
            );
        }
        // The wall: what was published before it has arrived.
        for (id, peer) in IDS.iter().zip(&singles) {
            all.publish("chat", id, "\"end\"").await;
            peer.heard
                .until("the end", |said| {
                    said.iter()
                        .any(|it| matches!(it, Said::Event { payload, .. } if payload == "\"end\""))
                        .then_some(())
                })
                .await;
            assert_eq!(peer.heard.payloads(&format!("chat:{id}")), ["1", "2", "\"end\""], "{id:?}");
            let events = peer.heard.all().iter().filter(|said| matches!(said, Said::Event { .. })).count();
            assert_eq!(events, 3, "{id:?} got others' events");
        }
        all.heard.events(3 * IDS.len()).await;
        for id in IDS {
            assert_eq!(all.heard.payloads(&format!("chat:{id}")), ["1", "2", "\"end\""], "{id:?}");
        }
    }
}

#[tokio::test]
async fn a_prefix_with_glob_characters_is_no_pattern() {
    let server = Server::start();
    let glob = Peer::new(Redis::builder().prefix("a*").connect(server.url()).await.expect("connected"));
    glob.subscribe(&["t"]).await;
    let mut raw = server.raw();
    assert_eq!(raw.publish(b"abt:1", envelope("t", "1", "1").as_bytes()), 0);
    assert_eq!(raw.publish(b"a*t:1", envelope("t", "1", "1").as_bytes()), 1);
}

#[tokio::test]
async fn an_event_that_two_addresses_match_comes_once() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    peer.subscribe(&["a:1"]).await;
    peer.publish("a", "1", "1").await;
    peer.subscribe(&["a"]).await;
    peer.publish("a", "1", "2").await;
    peer.publish("a", "2", "20").await;
    peer.unsubscribe(&["a"]);
    peer.subscribe(&["b:1"]).await;
    peer.publish("a", "2", "21").await;
    peer.publish("a", "1", "3").await;
    peer.subscribe(&["a"]).await;
    peer.unsubscribe(&["a:1"]);
    peer.subscribe(&["c:1"]).await;
    peer.publish("a", "1", "4").await;
    peer.publish("c", "1", "5").await;
    peer.heard.count("end", 1, |said| matches!(said, Said::Event { topic, .. } if topic == "c")).await;
    assert_eq!(peer.heard.payloads("a:1"), ["1", "2", "3", "4"]);
    assert_eq!(peer.heard.payloads("a:2"), ["20"]);
}

/// While publishes go on, channel and pattern come and go: nothing is lost or doubled while one of them holds.
#[tokio::test]
async fn channel_and_pattern_take_turns_without_loss() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    let other = Peer::connect(&server.url()).await;
    peer.subscribe(&["a:1"]).await;
    let publishing = async {
        for number in 0..2000 {
            other.publish("a", "1", &number.to_string()).await;
        }
    };
    let turning = async {
        for _ in 0..100 {
            peer.subscribe(&["a"]).await;
            peer.unsubscribe(&["a:1"]);
            peer.subscribe(&["a:1"]).await;
            peer.unsubscribe(&["a"]);
        }
    };
    tokio::join!(publishing, turning);
    peer.heard.events(2000).await;
    assert_eq!(peer.heard.payloads("a:1"), (0..2000).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_subscription_is_live_when_it_is_answered() {
    let server = Server::start();
    let (peer, other) = (Peer::connect(&server.url()).await, Peer::connect(&server.url()).await);
    for number in 0..200 {
        let (topic, id) = (if number % 2 == 0 { "a" } else { "b" }, number.to_string());
        peer.subscribe(&[&format!("{topic}:{id}")]).await;
        other.publish(topic, &id, "1").await;
        peer.heard.events(number + 1).await;
    }
}

#[tokio::test]
async fn what_is_left_is_left_at_the_server_too() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    peer.subscribe(&["a:1", "a:2", "b"]).await;
    assert_eq!(server.followed(), (vec!["a:1".to_owned(), "a:2".to_owned()], 1));
    peer.unsubscribe(&["a:1", "b"]);
    // Answers come in order.
    peer.subscribe(&["c:1"]).await;
    assert_eq!(server.followed(), (vec!["a:2".to_owned(), "c:1".to_owned()], 0));
    assert_eq!(peer.close().await, 0);
    assert_eq!(server.followed(), (vec![], 0));
    assert_eq!(server.cli(&["CLIENT", "LIST"]).lines().count(), 1, "only redis-cli is connected");
    assert!(matches!(peer.heard.all().last(), Some(Said::Closed)));
    assert_eq!(std::sync::Arc::strong_count(&peer.heard), 1, "the inlet is gone");
}

#[tokio::test]
async fn asking_and_leaving_at_once_ends_as_it_was_said_last() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    for _ in 0..100 {
        peer.ask(&["a:1", "a:2"]);
        peer.unsubscribe(&["a:1"]);
        let last = peer.ask(&["a:1"]);
        peer.heard.subscribed(last).await;
        assert_eq!(server.raw().publish(b"a:1", b"x"), 1);
        peer.unsubscribe(&["a:1", "a:2"]);
    }
    peer.subscribe(&["b:1"]).await;
    assert_eq!(server.followed(), (vec!["b:1".to_owned()], 0));
}

#[tokio::test]
async fn many_addresses_are_asked_for_in_batches() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    let names: Vec<_> = (0..20_000).map(|id| format!("a:{id}")).collect();
    peer.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let stats = server.cli(&["INFO", "commandstats"]);
    let calls = stats.lines().find(|line| line.starts_with("cmdstat_subscribe")).expect("it was called");
    assert!(calls.contains("calls=40,"), "{calls}");
    assert_eq!(server.followed().0.len(), 20_000);
}

#[tokio::test]
async fn dropping_the_link_closes_it() {
    let server = Server::start();
    let Peer { link, heard, .. } = Peer::connect(&server.url()).await;
    link.subscribe(1, vec![crate::harness::address("a:1")]);
    heard.subscribed(1).await;
    let sent = link.publish(crate::harness::frame("a", "1", "1"), Patience::Now);
    sent.await.expect("taken");
    drop(link);
    heard.count("end", 1, |said| matches!(said, Said::Closed)).await;
    assert_eq!(heard.payloads("a:1"), ["1"], "what was taken is sent, and comes back");
    assert_eq!(server.followed(), (vec![], 0));
}
