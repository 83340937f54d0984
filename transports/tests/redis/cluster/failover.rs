//! A master whose replica takes over: it is killed, or cut off from its cluster and answers all the same.

use std::collections::HashSet;

use super::*;

/// What happens to the first master.
type Disaster = fn(&Cluster);

const DISASTERS: [Disaster; 2] = [|cluster| cluster.nodes[0].kill(), Cluster::cut_off_the_first];

/// A prefix with which the first of these keys is at the first master, the only one with a replica, and no other.
fn prefix_at_the_first(cluster: &Cluster, write: fn(u32) -> String, keys: &[&str]) -> String {
    let at = |prefix: &str, key: &str| cluster.master_of(&format!("{prefix}{key}"));
    let fits = |prefix: &String| at(prefix, keys[0]) == 0 && keys[1..].iter().all(|key| at(prefix, key) != 0);
    (0..).map(write).find(fits).expect("some number")
}

/// Follows while another publishes to `a:1` and the disaster happens, until all is well. What was accepted.
async fn through(
    cluster: &Cluster,
    disaster: Disaster,
    builder: impl Fn() -> RedisBuilder,
    follow: &[&str],
) -> (Peer, HashSet<u64>) {
    let reader = connected(builder(), cluster.urls()).await;
    reader.subscribe(follow).await;
    // Those who come to the first master publish there.
    let numbers = Numbers::publish(connected(builder(), cluster.urls()).await);
    let last = connected(builder(), cluster.urls()).await;
    reader.heard.events(100).await;
    disaster(cluster);
    reader.heard.gaps(1).await;
    let so_far = reader.heard.payloads("a:1").len();
    reader.heard.events(so_far + 100).await;
    let (accepted, next) = numbers.end().await;
    let publish =
        async || last.send("a", "1", &next.to_string(), pubsub_transports::Patience::Wait).await.is_ok();
    crate::harness::until("it publishes where the slot is", publish).await;
    heard_up_to(&reader.heard, next).await;
    crate::harness::until("all is well again", async || reader.heard.is_connected()).await;
    (reader, accepted)
}

#[tokio::test]
async fn streams_lose_nothing_in_silence() {
    for disaster in DISASTERS {
        let cluster = Cluster::with_replica();
        let prefix = prefix_at_the_first(&cluster, |number| format!("{{{number}}}:"), &[""]);
        let builder = || Redis::durable(Retention::default()).prefix(prefix.clone());
        let (reader, accepted) = through(&cluster, disaster, builder, &["a"]).await;
        assert_eq!(check(&reader.heard, &accepted), 1);
    }
}

#[tokio::test]
async fn of_sharded_channels_those_at_the_node_have_a_gap_and_no_others() {
    for disaster in DISASTERS {
        let cluster = Cluster::with_replica();
        let prefix = prefix_at_the_first(&cluster, |number| format!("{number}:"), &["a:1", "b:1"]);
        let builder = || shards::sharded().prefix(prefix.clone());
        let (reader, accepted) = through(&cluster, disaster, builder, &["a:1", "b:1"]).await;
        assert_eq!(shards::check(&reader.heard, &accepted), [GapReason::Moved]);
        assert_eq!(shards::gaps_of_others(&reader.heard), 0);
    }
}

#[tokio::test]
async fn channels_are_followed_and_published_at_another_node_after_one_gap() {
    for disaster in DISASTERS {
        let cluster = Cluster::with_replica();
        let reader = connected(Redis::builder(), cluster.urls()).await;
        let writer = connected(Redis::builder(), cluster.urls()[1..].to_vec()).await;
        reader.subscribe(&["a", "b:1"]).await;
        writer.publish("a", "1", "1").await;
        reader.heard.events(1).await;
        disaster(&cluster);
        reader.heard.gaps(1).await;
        writer.publish("a", "1", "2").await;
        writer.publish("b", "1", "3").await;
        reader.heard.events(3).await;
        crate::harness::until("all is well again", async || reader.heard.is_connected()).await;
        // And back, from another node than the one that was cut off.
        writer.subscribe(&["c"]).await;
        let published = async || {
            reader.publish("c", "1", "4").await;
            !writer.heard.payloads("c:1").is_empty()
        };
        crate::harness::until("it is heard elsewhere", published).await;
        let gap = |said| match said {
            Said::Gap(address, gap) => Some((address, gap.reason)),
            _ => None,
        };
        let gaps: Vec<_> = reader.heard.all().into_iter().filter_map(gap).collect();
        assert_eq!(gaps, [(None, GapReason::Disconnected)]);
    }
}
