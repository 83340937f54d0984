//! A hub that shuts down: each client hears when to come back, and nothing is left, whatever was going on.

use std::time::Duration;

use pubsub::Hub;
use pubsub::websocket::{HubConfig, wire::Token};
use pubsub_tests::client::Client;
use pubsub_tests::raw::Heard;

use crate::harness::{address, in_time, until};
use crate::identity::bind;

fn retry_after(goodbye: &str) -> u64 {
    assert!(goodbye.contains(r#""type":"__disconnect""#) && goodbye.contains(r#""code":4000"#), "{goodbye}");
    let (_, after) = goodbye.split_once(r#""retryAfterMs":"#).expect("a time");
    after.trim_end_matches('}').parse().expect("a number")
}

#[tokio::test]
async fn shutdown_spreads_reconnects() {
    const CLIENTS: u64 = 50;
    const SHARE: u64 = 200;
    let builder = Hub::builder().close_timeout(Duration::from_millis(500));
    let builder = builder.shutdown_window(Duration::from_millis(CLIENTS * SHARE));
    let hub = builder.bind("127.0.0.1:0").await.expect("a free port");
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = Client::to(address(&hub)).await;
        client.subscribe("number").await;
        client.text().await;
        clients.push(client);
    }
    let closing = tokio::spawn({
        let hub = hub.clone();
        async move { hub.close().await }
    });
    let mut times = Vec::new();
    for client in &mut clients {
        times.push(retry_after(&client.text().await));
        assert_eq!(client.hear().await, Heard::Closed(4000));
    }
    in_time("end", closing).await.expect("it ends");
    // One in each share of the window, and not in the order in which they came.
    assert!(!times.is_sorted());
    times.sort_unstable();
    for (place, time) in (0..).zip(times) {
        assert!((place * SHARE..=(place + 1) * SHARE).contains(&time), "{time} at {place}");
    }
    assert!(!hub.is_open() && hub.connections().is_empty() && hub.subscriptions() == 0);
}

/// Answers that never come hold nothing up.
#[tokio::test]
async fn closing_does_not_wait_for_who_decides() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let builder = Hub::builder().config(HubConfig::default()).close_timeout(Duration::from_millis(200));
    let hub = bind(
        builder
            .guard_timeout(Duration::from_secs(3600))
            .authenticate(async |_: Token| std::future::pending().await)
            .anonymous(true)
            .authorize(async |_, _| std::future::pending().await),
    )
    .await;
    let (mut one, mut two) = (Client::to(address(&hub)).await, Client::to(address(&hub)).await);
    one.prove("any").await;
    two.subscribe("number").await;
    let by_sse = tokio::spawn({
        let hub = hub.clone();
        async move { hub.event_stream(&["number".to_owned()], None, Some(Token("any".into()))).await.is_err() }
    });
    until("both", || hub.connections().len() == 2).await;
    by_sse.abort();
    assert!(by_sse.await.is_err_and(|error| error.is_cancelled()));
    in_time("close", hub.close()).await;
    for client in [&mut one, &mut two] {
        assert_eq!(client.closed().await, 4000);
    }
    drop((one, two, hub));
    until("no task", || tasks() == before).await;
}
