//! Hubs behind a Redis Cluster: their streams are in one slot, which moves.

use pubsub_transports::redis::{Redis, Retention};
use pubsub_transports::websocket::{BehindError, Hub};
use serde_json::json;

use super::harness::cluster::Cluster;
use super::harness::{Client, event, quick, uuid};

const PREFIX: &str = "{app}:";

async fn hub(cluster: &Cluster) -> Hub {
    let redis = quick(Retention::default()).prefix(PREFIX).connect_cluster(cluster.urls());
    let hub = Hub::behind(redis.await.expect("a connection")).expect("durable");
    hub.bind("127.0.0.1:0").await.expect("a free port")
}

/// Publishes until it is accepted, as a spoke does.
async fn publish(client: &mut Client, number: u64) {
    client.send(&event("chat", "a", number, number)).await;
    loop {
        let answer = client.next().await;
        if answer["id"] == uuid(number) && answer["type"] == "__published" {
            return;
        }
        assert_eq!(answer["payload"]["retryable"], true, "{answer}");
        client.send(&event("chat", "a", number, number)).await;
    }
}

#[tokio::test]
async fn hubs_behind_a_cluster_are_one_while_the_slot_moves() {
    let cluster = Cluster::start();
    let (here, there) = (hub(&cluster).await, hub(&cluster).await);
    let (mut publisher, mut follower) = (Client::connect(&here).await, Client::connect(&there).await);
    follower.subscribe("chat").await;
    // Who does not read is ended some time.
    let following = tokio::spawn(async move {
        let (mut last, mut told, mut gaps) = (0, false, 0);
        while last < 300 {
            let message = follower.next().await;
            if message["type"] == "__gap" {
                assert_eq!(message["payload"]["reason"], json!("epoch"), "{message}");
                (told, gaps) = (true, gaps + 1);
                continue;
            }
            let payload = message["payload"].as_u64().unwrap_or_else(|| panic!("{message}"));
            assert!(payload == last + 1 || payload > last && told, "{payload} after {last}");
            (last, told) = (payload, false);
        }
        gaps
    });
    let mut from = cluster.master_of(PREFIX);
    for number in 1..=300 {
        if number % 100 == 50 {
            cluster.migrate(PREFIX, from, (from + 1) % 3);
            from = (from + 1) % 3;
        }
        publish(&mut publisher, number).await;
    }
    assert_eq!(following.await.expect("all came"), 3, "nobody knows what the other node has");
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn who_moves_to_another_hub_behind_a_cluster_misses_nothing() {
    let cluster = Cluster::start();
    let (here, there) = (hub(&cluster).await, hub(&cluster).await);
    let mut client = Client::connect(&here).await;
    let epoch = client.subscribe("chat").await["epoch"].clone();
    let mut publisher = Client::connect(&there).await;
    for number in 1..=10 {
        publish(&mut publisher, number).await;
    }
    for number in 1..=5 {
        assert_eq!(client.event().await, (number, number));
    }
    let mut moved = Client::connect(&there).await;
    let answer = moved.subscribe_after("chat", &epoch, 5).await;
    assert_eq!((&answer["recovered"], &answer["replay"]), (&json!(true), &json!(5)), "{answer}");
    for number in 6..=10 {
        assert_eq!(moved.event().await, (number, number));
    }
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn channels_of_a_cluster_keep_nothing_to_recover_from() {
    let cluster = Cluster::start();
    for builder in [Redis::builder(), Redis::builder().sharded()] {
        let redis = builder.connect_cluster(cluster.urls()).await.expect("a connection");
        assert_eq!(Hub::behind(redis).expect_err("nothing is kept"), BehindError::NotDurable);
    }
}
