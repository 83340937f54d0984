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

/// The stream is at the other node, and what belongs to it is not.
#[tokio::test]
async fn a_slot_that_is_half_moved_loses_nothing_in_silence() {
    let cluster = Cluster::start();
    let reader = durable(&cluster).await;
    reader.subscribe(&["a", "b"]).await;
    let numbers = Numbers::publish(durable(&cluster).await);
    let mut from = cluster.master_of(KEY);
    for moved in [&["{t}:{a}"][..], &["{t}:{a}:run"], &["{t}:{b}", "{t}:{a}"]] {
        let so_far = reader.heard.payloads("a:1").len();
        reader.heard.events(so_far + 100).await;
        let to = (from + 1) % 3;
        let losses = |heard: &crate::harness::Recorder| {
            heard.all().iter().filter(|said| matches!(said, Said::Reconnecting(..))).count()
        };
        let before = losses(&reader.heard);
        cluster.begin_to_migrate(KEY, from, to, moved);
        if moved.contains(&KEY) {
            crate::harness::until("the reader meets it", async || losses(&reader.heard) > before + 2).await;
        }
        cluster.finish_migrating(KEY, from, to);
        from = to;
    }
    let accepted = end(&cluster, &reader, numbers).await;
    assert_eq!(check(&reader.heard, &accepted), 6, "one for each type and time");
    let refused = |said: &Said| matches!(said, Said::Refused(..));
    assert!(!reader.heard.all().iter().any(refused), "{}", reader.heard.story());
}

#[tokio::test]
async fn the_rights_that_the_book_names_are_enough() {
    let cluster = Cluster::start();
    let rights = format!(
        "~{{t}}:* {} +cluster|slots +cluster|info +cluster|myid +cluster|nodes",
        crate::durable::RIGHTS
    );
    let rights: Vec<&str> = rights.split_whitespace().collect();
    for node in &cluster.nodes {
        node.cli(&[&["ACL", "SETUSER", "shop", "on", ">secret"], &rights[..]].concat());
    }
    let builder = Redis::durable(Retention::default()).prefix("{t}:").credentials("shop", "secret");
    let peer = connected(builder, cluster.urls()).await;
    peer.subscribe(&["a", "b"]).await;
    for topic in ["a", "b"] {
        peer.publish(topic, "1", "1").await;
    }
    peer.heard.events(2).await;
    assert_eq!((peer.heard.gaps_so_far(), peer.close().await), (0, 0));
    for node in &cluster.nodes {
        assert_eq!(node.cli(&["ACL", "LOG"]), "", "nothing was denied");
    }
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
