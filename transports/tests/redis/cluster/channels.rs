//! Channels, which are of the whole cluster.

use super::*;

#[tokio::test]
async fn an_event_reaches_who_is_connected_to_another_node() {
    let cluster = Cluster::start();
    let urls = cluster.urls();
    let mut peers = Vec::new();
    for url in &urls {
        let peer = connected(Redis::builder(), vec![url.clone()]).await;
        peer.subscribe(&["a:1", "b"]).await;
        peers.push(peer);
    }
    for (number, peer) in peers.iter().enumerate() {
        for id in 0..20 {
            peer.publish("a", "1", &number.to_string()).await;
            peer.publish("b", &id.to_string(), &number.to_string()).await;
        }
    }
    for peer in &peers {
        peer.heard.events(3 * 40).await;
        for number in 0..3 {
            let own = peer.heard.payloads("a:1").into_iter().filter(|it| *it == number.to_string());
            assert_eq!(own.count(), 20);
        }
        assert_eq!(peer.heard.gaps_so_far(), 0);
    }
}

#[tokio::test]
async fn failover_of_the_node_that_is_followed_at_is_one_gap() {
    let cluster = Cluster::with_replica();
    let reader = connected(Redis::builder(), cluster.urls()).await;
    let writer = connected(Redis::builder(), cluster.urls()[1..].to_vec()).await;
    reader.subscribe(&["a", "b:1"]).await;
    writer.publish("a", "1", "1").await;
    reader.heard.events(1).await;
    cluster.nodes[0].kill();
    reader.heard.gaps(1).await;
    writer.publish("a", "1", "2").await;
    writer.publish("b", "1", "3").await;
    reader.heard.events(3).await;
    reader.publish("a", "1", "4").await;
    reader.heard.events(4).await;
    let gap = |said| match said {
        Said::Gap(address, gap) => Some((address, gap.reason)),
        _ => None,
    };
    let gaps: Vec<_> = reader.heard.all().into_iter().filter_map(gap).collect();
    assert_eq!(gaps, [(None, GapReason::Disconnected)]);
}
