//! A Redis that is killed, and what it loses by that.

use std::time::Duration;

use pubsub_transports::redis::Retention;
use pubsub_transports::websocket::{Hub, HubConfig};
use serde_json::json;

use super::harness::{Client, Server, event, hub, hub_with, quick, until};

fn connected(hub: &Hub) -> bool {
    hub.upstream().is_some_and(|state| state.is_connected())
}

/// A server that still has everything when it comes back.
fn persistent() -> Server {
    Server::with(&["--appendonly", "yes", "--appendfsync", "always"])
}

#[tokio::test]
async fn a_redis_that_forgets_is_a_gap_of_another_epoch() {
    let server = Server::start();
    let (one, other) = (hub(&server).await, hub(&server).await);
    let (mut here, mut there) = (Client::connect(&one).await, Client::connect(&other).await);
    let epoch = here.subscribe("chat").await["epoch"].clone();
    there.subscribe("chat:a").await;
    let mut publisher = Client::connect(&one).await;
    for number in 1..=3 {
        publisher.publish("chat", "a", number, number).await;
        assert_eq!((here.event().await, there.event().await), ((number, number), (number, number)));
    }
    server.restart();
    for client in [&mut here, &mut there] {
        let gap = client.answer("__gap").await;
        assert_eq!((&gap["reason"], &gap["offset"]), (&json!("epoch"), &json!(0)), "{gap}");
        assert_ne!(gap["epoch"], epoch);
    }
    publisher.publish("chat", "a", 4, 4).await;
    assert_eq!((here.event().await, there.event().await), ((1, 4), (1, 4)));
    // Who comes back from before hears the same.
    let mut client = Client::connect(&other).await;
    let answer = client.subscribe_after("chat", &epoch, 2).await;
    assert_eq!((&answer["recovered"], &answer["gap"]), (&json!(false), &json!("epoch")), "{answer}");
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_lost_connection_costs_nothing() {
    let server = Server::start();
    let (one, other) = (hub(&server).await, hub(&server).await);
    let mut client = Client::connect(&other).await;
    client.subscribe("chat").await;
    let mut publisher = Client::connect(&one).await;
    for number in 1..=100 {
        if number % 10 == 0 {
            server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
        }
        publisher.publish("chat", "a", number, number).await;
    }
    for number in 1..=100 {
        assert_eq!(client.event().await, (number, number));
    }
    one.close().await;
    other.close().await;
}

/// What was written and not answered is sent again, and known by then.
#[tokio::test]
async fn what_a_kill_leaves_unanswered_is_accepted_once() {
    let server = persistent();
    let (one, other) = (hub(&server).await, hub(&server).await);
    let mut client = Client::connect(&other).await;
    client.subscribe("chat").await;
    let mut publisher = Client::connect(&one).await;
    for number in 1..=200 {
        publisher.send(&event("chat", "a", number, number)).await;
        if number % 50 == 0 {
            server.restart();
        }
    }
    for _ in 1..=200 {
        publisher.answer("__published").await;
    }
    let mut payloads = Vec::new();
    while payloads.last() != Some(&200) {
        let message = client.next().await;
        if message["type"] == "chat" {
            payloads.push(message["payload"].as_u64().expect("a number"));
        } else {
            assert_eq!(message["type"], "__gap", "{message}");
        }
    }
    assert!(payloads.is_sorted_by(|one, other| one < other), "each once, in order: {payloads:?}");
    let mut late = Client::connect(&one).await;
    let answer = late.subscribe("chat").await;
    assert_eq!(server.cli(&["HLEN", "{chat}:ids"]), "200", "{answer}");
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn while_redis_is_away_what_is_known_is_served_and_the_rest_refused_for_now() {
    let server = Server::start();
    let redis = quick(Retention::default()).publish_timeout(Duration::from_secs(2));
    let redis = redis.connect(server.url()).await.expect("a connection");
    let hub = Hub::behind(redis).expect("durable").guard_timeout(Duration::from_secs(2));
    let hub = hub.bind("127.0.0.1:0").await.expect("a free port");
    let mut client = Client::connect(&hub).await;
    let begin = client.subscribe("chat").await;
    client.publish("chat", "a", 1, 1).await;
    assert_eq!(client.event().await, (1, 1));
    server.kill();
    until("the loss", || !connected(&hub)).await;

    let mut other = Client::connect(&hub).await;
    let answer = other.subscribe_after("chat", &begin["epoch"], 0).await;
    assert_eq!(answer["recovered"], true, "{answer}");
    assert_eq!(other.event().await, (1, 1));
    other.command("__subscribe", &json!({"topic": "new"})).await;
    let refused = other.answer("__error").await;
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("internal"), &json!(true)), "{refused}");
    other.send(&event("chat", "a", 2, 2)).await;
    let refused = other.answer("__error").await;
    assert_eq!((&refused["code"], &refused["retryable"]), (&json!("internal"), &json!(true)), "{refused}");

    server.restart();
    until("a connection", || connected(&hub)).await;
    assert_eq!(client.answer("__gap").await["reason"], "epoch");
    client.publish("chat", "a", 2, 2).await;
    assert_eq!(client.event().await, (1, 2));
    hub.close().await;
}

#[tokio::test]
async fn no_more_waits_for_redis_than_may() {
    let server = Server::start();
    let redis =
        quick(Retention::default()).outbound_frames(2).connect(server.url()).await.expect("a connection");
    let hub = Hub::behind(redis).expect("durable").bind("127.0.0.1:0").await.expect("a free port");
    server.kill();
    until("the loss", || !connected(&hub)).await;
    let mut client = Client::connect(&hub).await;
    for number in 1..=3 {
        client.send(&event("chat", "a", number, number)).await;
    }
    let refused = client.answer("__error").await;
    assert_eq!(
        (&refused["code"], &refused["retryable"]),
        (&json!("backpressure"), &json!(true)),
        "{refused}"
    );
    server.restart();
    for _ in 1..=2 {
        client.answer("__published").await;
    }
    hub.close().await;
}

/// A stream that is trimmed while the hub does not read, and one in which there is garbage.
#[tokio::test]
async fn what_never_comes_is_a_gap_of_so_many() {
    let server = Server::start();
    let hub = hub_with(&server, Retention::forever(), HubConfig::default(), |it| it).await;
    let mut client = Client::connect(&hub).await;
    client.subscribe("chat").await;
    client.publish("chat", "a", 1, 1).await;
    assert_eq!(client.event().await, (1, 1));
    server.cli(&["XADD", "{chat}", "*", "id", "a", "event", "garbage"]);
    client.publish("chat", "a", 2, 2).await;
    let gap = client.answer("__gap").await;
    assert_eq!((&gap["missed"], &gap["offset"], &gap["reason"]), (&json!(1), &json!(2), &json!("evicted")));
    assert_eq!(client.event().await, (3, 2));
    hub.close().await;
}

#[tokio::test]
async fn what_redis_does_not_let_us_read_is_refused() {
    let server = Server::start();
    server.cli(&["SET", "{chat}", "no stream"]);
    let hub = hub(&server).await;
    let mut client = Client::connect(&hub).await;
    client.command("__subscribe", &json!({"topic": "chat"})).await;
    let refused = client.answer("__error").await;
    assert_eq!(refused["code"], "internal");
    assert!(!refused.to_string().contains("WRONGTYPE"), "{refused}");
    client.send(&event("chat", "a", 1, 1)).await;
    client.answer("__error").await;
    // Nothing else is hurt.
    client.subscribe("other").await;
    client.publish("other", "a", 2, 2).await;
    assert_eq!(client.event().await, (1, 2));
    hub.close().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_hub_that_is_closed_or_dropped() {
    let server = Server::start();
    let connections = || server.cli(&["CLIENT", "LIST"]).lines().count();
    let before = connections();
    let (one, other) = (hub(&server).await, hub(&server).await);
    let mut client = Client::connect(&one).await;
    client.subscribe("chat").await;
    assert_eq!(connections(), before + 6);
    one.close().await;
    drop(other);
    until("none", || connections() == before).await;
}
