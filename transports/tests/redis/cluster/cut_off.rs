//! A node that is cut off from the others and not from us: it answers as ever, and whoever follows there would hear nothing.

use super::*;

/// A prefix with which this is at the first node, the only one with a replica.
fn at_the_first(cluster: &Cluster, key: &str) -> String {
    let prefix = (0..).map(|number| format!("{{{number}}}:"));
    prefix.into_iter().find(|prefix| cluster.master_of(&format!("{prefix}{key}")) == 0).expect("some number")
}

/// Publishes numbers until some come that were published after everything that happened.
async fn end(reader: &Peer, numbers: Numbers, last: Peer) -> std::collections::HashSet<u64> {
    let so_far = reader.heard.payloads("a:1").len();
    reader.heard.events(so_far + 100).await;
    let (accepted, next) = numbers.end().await;
    last.publish("a", "1", &next.to_string()).await;
    heard_up_to(&reader.heard, next).await;
    accepted
}

#[tokio::test]
async fn channels_are_followed_at_another_node_after_a_gap() {
    // With the second, the node says by itself that it does not serve.
    for coverage in ["no", "yes"] {
        let cluster = Cluster::with(1, &["--cluster-require-full-coverage", coverage]);
        let reader = connected(Redis::builder(), cluster.urls()).await;
        reader.subscribe(&["a:1"]).await;
        let elsewhere = || connected(Redis::builder(), cluster.urls()[1..].to_vec());
        let numbers = Numbers::publish(elsewhere().await);
        reader.heard.events(100).await;
        cluster.cut_off_the_first();
        reader.heard.gaps(1).await;
        let accepted = end(&reader, numbers, elsewhere().await).await;
        assert_eq!(crate::faults::check(&reader.heard, &accepted), 1);
    }
}

#[tokio::test]
async fn sharded_channels_are_followed_at_who_has_the_slot_after_a_gap() {
    let cluster = Cluster::with(1, &["--cluster-require-full-coverage", "no"]);
    let prefix = at_the_first(&cluster, "a:1");
    let builder = || Redis::builder().sharded().prefix(prefix.clone());
    let reader = connected(builder(), cluster.urls()).await;
    reader.subscribe(&["a:1"]).await;
    let numbers = Numbers::publish(connected(builder(), cluster.urls()).await);
    reader.heard.events(100).await;
    cluster.cut_off_the_first();
    reader.heard.gaps(1).await;
    let last = connected(builder(), cluster.urls()[1..].to_vec()).await;
    let accepted = end(&reader, numbers, last).await;
    assert_eq!(shards::check(&reader.heard, &accepted), [GapReason::Moved]);
}

#[tokio::test]
async fn streams_go_on_at_who_has_the_slot_after_a_gap() {
    let cluster = Cluster::with(1, &["--cluster-require-full-coverage", "no"]);
    let prefix = at_the_first(&cluster, "");
    let builder = || Redis::durable(Retention::default()).prefix(prefix.clone());
    let reader = connected(builder(), cluster.urls()).await;
    reader.subscribe(&["a"]).await;
    let numbers = Numbers::publish(connected(builder(), cluster.urls()).await);
    reader.heard.events(100).await;
    cluster.cut_off_the_first();
    reader.heard.gaps(1).await;
    let last = connected(builder(), cluster.urls()[1..].to_vec()).await;
    let accepted = end(&reader, numbers, last).await;
    check(&reader.heard, &accepted);
}
