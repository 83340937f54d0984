//! Sharded channels, each at the node that has its slot.

use std::collections::{HashMap, HashSet};

use pubsub_transports::ErrorCode;

use super::*;
use crate::harness::Recorder;

pub(super) fn sharded() -> RedisBuilder {
    Redis::builder().sharded()
}

/// In order, none twice, and what was accepted and is missing is behind a gap of this address. The gaps that there were.
pub(super) fn check(heard: &Recorder, accepted: &HashSet<u64>) -> Vec<GapReason> {
    let (mut last, mut told, mut gaps) = (None::<u64>, false, Vec::new());
    for said in heard.all() {
        match said {
            Said::Event { topic, id, payload } if (topic.as_str(), id.as_str()) == ("a", "1") => {
                let number: u64 = payload.parse().expect("a number");
                assert!(last.is_none_or(|last| last < number), "{number} after {last:?}");
                let hole = last.map_or(0, |last| last + 1)..number;
                let missing: Vec<_> = hole.filter(|number| accepted.contains(number)).collect();
                assert!(missing.is_empty() || told || last.is_none(), "{missing:?} in {}", heard.story());
                (last, told) = (Some(number), false);
            }
            Said::Gap(Some(address), gap) if address == "a:1" => {
                assert_eq!(gap.missed, None);
                told = true;
                gaps.push(gap.reason);
            }
            _ => {}
        }
    }
    gaps
}

pub(super) fn gaps_of_others(heard: &Recorder) -> usize {
    let is_other = |said: &&Said| matches!(said, Said::Gap(address, _) if address.as_deref() != Some("a:1"));
    heard.all().iter().filter(is_other).count()
}

#[tokio::test]
async fn each_event_goes_through_the_node_that_has_its_slot() {
    let cluster = Cluster::start();
    let urls = cluster.urls();
    let reader = connected(sharded(), urls[..1].to_vec()).await;
    let writer = connected(sharded(), urls[2..].to_vec()).await;
    let ids: Vec<String> = (0..300).map(|id| format!("a:{id}")).collect();
    reader.subscribe(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let at_nodes: Vec<usize> = cluster
        .nodes
        .iter()
        .map(|node| node.cli(&["PUBSUB", "SHARDCHANNELS"]).lines().filter(|line| !line.is_empty()).count())
        .collect();
    assert_eq!(at_nodes.iter().sum::<usize>(), 300);
    assert!(at_nodes.iter().all(|count| *count > 50), "{at_nodes:?}");
    for number in 0..300 {
        writer.publish("a", &number.to_string(), &number.to_string()).await;
    }
    reader.publish("a", "7", "\"own\"").await;
    reader.heard.events(301).await;
    assert_eq!(reader.heard.payloads("a:7"), ["7", "\"own\""]);
    assert_eq!(reader.heard.payloads("a:299"), ["299"]);
    assert_eq!(reader.heard.gaps_so_far(), 0);
    assert!(reader.heard.is_connected());
    let whole = reader.ask(&["a", "b:1"]);
    let is_refusal =
        |said: &Said| matches!(said, Said::Refused(address, ErrorCode::Other(_)) if address == "a");
    reader.heard.count("refusal", 1, is_refusal).await;
    reader.heard.subscribed(whole).await;
    reader.unsubscribe(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    reader.unsubscribe(&["b:1"]);
    crate::harness::until("nothing is followed", async || {
        cluster.nodes.iter().all(|node| node.cli(&["PUBSUB", "SHARDCHANNELS"]).is_empty())
    })
    .await;
    assert_eq!((reader.close().await, writer.close().await), (0, 0));
}

#[tokio::test]
async fn slot_migration_is_a_gap_and_what_is_followed_goes_on_at_the_other_node() {
    let cluster = Cluster::start();
    let reader = connected(sharded(), cluster.urls()).await;
    reader.subscribe(&["a:1", "b:1", "c:1", "d:1", "e:1"]).await;
    let numbers = Numbers::publish(connected(sharded(), cluster.urls()).await);
    let mut from = cluster.master_of("a:1");
    for _ in 0..3 {
        let so_far = reader.heard.payloads("a:1").len();
        reader.heard.events(so_far + 100).await;
        let to = (from + 1) % 3;
        cluster.migrate("a:1", from, to);
        from = to;
    }
    let so_far = reader.heard.payloads("a:1").len();
    reader.heard.events(so_far + 100).await;
    let (accepted, next) = numbers.end().await;
    connected(sharded(), cluster.urls()).await.publish("a", "1", &next.to_string()).await;
    heard_up_to(&reader.heard, next).await;
    assert_eq!(check(&reader.heard, &accepted), [GapReason::Moved; 3]);
    assert_eq!(gaps_of_others(&reader.heard), 0);
}

#[tokio::test]
async fn a_publish_that_meets_the_former_node_comes_back() {
    let cluster = Cluster::start();
    let writer = connected(sharded(), cluster.urls()).await;
    writer.publish("a", "1", "1").await;
    let from = cluster.master_of("a:1");
    cluster.migrate("a:1", from, (from + 1) % 3);
    let error = writer.send("a", "1", "2", pubsub_transports::Patience::Wait).await;
    assert_eq!(error.expect_err("it moved"), SendError::NotSent);
    let again = async || writer.send("a", "1", "2", pubsub_transports::Patience::Wait).await.is_ok();
    crate::harness::until("it goes to the other node", again).await;
}

/// Nodes come and go, and those that have gone are not asked for ever.
#[tokio::test]
async fn a_node_without_slots_is_left() {
    let cluster = Cluster::start();
    let patient = quick(sharded()).close_timeout(Duration::from_millis(200));
    let reader = Peer::new(patient.connect_cluster(cluster.urls()).await.expect("a connection"));
    let ids: Vec<String> = (0..300).map(|id| format!("a:{id}")).collect();
    reader.subscribe(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    cluster.hand_over(0, 1);
    let connections = || cluster.nodes[0].cli(&["CLIENT", "LIST"]).lines().count();
    crate::harness::until("only redis-cli is connected", async || connections() == 1).await;
    let all_arrive = async |so_far: usize| {
        let followed = |node: &Server| {
            node.cli(&["PUBSUB", "SHARDCHANNELS"]).lines().filter(|line| !line.is_empty()).count()
        };
        crate::harness::until("all are followed", async || {
            cluster.nodes.iter().map(followed).sum::<usize>() == 300
        })
        .await;
        for id in 0..300 {
            let id = id.to_string();
            let sent = async || reader.send("a", &id, "1", pubsub_transports::Patience::Wait).await.is_ok();
            crate::harness::until("it is published", sent).await;
        }
        reader.heard.events(so_far + 300).await;
    };
    all_arrive(0).await;
    // It comes back, and is followed at again.
    cluster.hand_over(1, 0);
    crate::harness::until("it is connected to", async || connections() > 1).await;
    all_arrive(300).await;
    assert_eq!(reader.close().await, 0);
}

#[tokio::test]
async fn a_user_follows_and_publishes_what_it_may() {
    let cluster = Cluster::start();
    for node in &cluster.nodes {
        let rules =
            ["on", ">pw", "+ping", "+cluster|slots", "+ssubscribe", "+sunsubscribe", "+spublish", "&a:*"];
        node.cli(&[&["ACL", "SETUSER", "me"][..], &rules].concat());
    }
    let peer = connected(sharded().credentials("me", "pw"), cluster.urls()).await;
    let request = peer.ask(&["a:1", "b:1"]);
    peer.heard.subscribed(request).await;
    let is_refusal =
        |said: &Said| matches!(said, Said::Refused(address, ErrorCode::Denied) if address == "b:1");
    peer.heard.count("refusal", 1, is_refusal).await;
    peer.publish("a", "1", "1").await;
    peer.heard.events(1).await;
    let error = peer.send("b", "1", "1", pubsub_transports::Patience::Wait).await.expect_err("not allowed");
    assert!(matches!(&error, SendError::Rejected(it) if *it.code() == ErrorCode::Denied), "{error:?}");
    let wrong = quick(sharded()).credentials("me", "other").connect_cluster(cluster.urls()).await;
    assert!(matches!(wrong.expect_err("wrong"), ConnectError::Unauthenticated { .. }));
}

#[tokio::test]
async fn a_node_that_comes_back_restores_what_was_followed_there() {
    let cluster = Cluster::start();
    let reader = connected(sharded(), cluster.urls()).await;
    let ids: Vec<String> = (0..30).map(|id| format!("a:{id}")).collect();
    reader.subscribe(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for node in &cluster.nodes {
        node.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    }
    reader.heard.gaps(30).await;
    for id in 0..30 {
        reader.publish("a", &id.to_string(), "1").await;
    }
    reader.heard.events(30).await;
    let mut gaps = HashMap::<_, Vec<_>>::new();
    for said in reader.heard.all() {
        if let Said::Gap(address, gap) = said {
            gaps.entry(address.expect("an address")).or_default().push(gap.reason);
        }
    }
    assert_eq!(gaps.len(), 30);
    assert!(gaps.values().all(|reasons| reasons == &[GapReason::Disconnected]), "{gaps:?}");
}
