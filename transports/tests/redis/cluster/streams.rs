//! Streams, which move with the slot of their hash tag.

use super::*;

const KEY: &str = "{t}:{a}";

async fn durable(cluster: &Cluster) -> Peer {
    connected(Redis::durable(Retention::default()).prefix("{t}:"), cluster.urls()).await
}

/// Publishes numbers until one arrives that was published after everything that happened.
async fn end(cluster: &Cluster, reader: &Peer, numbers: Numbers) -> std::collections::HashSet<u64> {
    let so_far = reader.heard.payloads("a:1").len();
    reader.heard.events(so_far + 100).await;
    let (accepted, next) = numbers.end().await;
    durable(cluster).await.publish("a", "1", &next.to_string()).await;
    heard_up_to(&reader.heard, next).await;
    accepted
}

#[tokio::test]
async fn all_types_are_read_by_one_command_however_their_slots_would_differ() {
    let cluster = Cluster::start();
    let (reader, writer) = (durable(&cluster).await, durable(&cluster).await);
    let topics = ["a", "b", "c", "d"];
    let slots: std::collections::HashSet<_> = topics.iter().map(|topic| cluster.slot(topic)).collect();
    assert!(slots.len() > 1, "otherwise there would be no CROSSSLOT");
    reader.subscribe(&topics).await;
    for topic in topics {
        writer.publish(topic, "1", "7").await;
    }
    reader.heard.events(topics.len()).await;
    assert_eq!(reader.heard.gaps_so_far(), 0);
    assert_eq!((reader.close().await, writer.close().await), (0, 0));
}

#[tokio::test]
async fn slot_migration_under_load_loses_nothing_in_silence() {
    let cluster = Cluster::start();
    let reader = durable(&cluster).await;
    reader.subscribe(&["a"]).await;
    let numbers = Numbers::publish(durable(&cluster).await);
    let mut from = cluster.master_of(KEY);
    for _ in 0..3 {
        let so_far = reader.heard.payloads("a:1").len();
        reader.heard.events(so_far + 100).await;
        let to = (from + 1) % 3;
        cluster.migrate(KEY, from, to);
        from = to;
    }
    let accepted = end(&cluster, &reader, numbers).await;
    assert_eq!(check(&reader.heard, &accepted), 3);
}

#[tokio::test]
async fn a_publish_that_meets_the_former_node_comes_back() {
    let cluster = Cluster::start();
    let writer = durable(&cluster).await;
    writer.publish("a", "1", "1").await;
    let from = cluster.master_of(KEY);
    cluster.migrate(KEY, from, (from + 1) % 3);
    let error = writer.send("a", "1", "2", pubsub_transports::Patience::Wait).await;
    assert_eq!(error.expect_err("it moved"), SendError::NotSent);
    writer.publish("a", "1", "2").await;
}
