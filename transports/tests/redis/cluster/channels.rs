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
