//! Many clients at once, who come, go and change their minds.

use futures::future::join_all;
use pubsub::Hub;
use pubsub::prelude::*;
use pubsub_tests::client::Client;

use crate::harness::{App, address, hub, next, spoke, until};

/// Clients come and go, in orderly and disorderly ways, while events flow: nothing is left of them, and who stays has all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connect_churn() {
    let hub = hub().await;
    let stays = spoke(address(&hub)).await;
    let mut all = stays.subscribe(App::NUMBER).await.expect("subscribed");
    let churn = (0..8_u64).map(|client| {
        let address = address(&hub);
        tokio::spawn(async move {
            for round in 0..25_u64 {
                if (client + round) % 2 == 0 {
                    let bus = spoke(address).await;
                    let mut one = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
                    bus.publish(App::NUMBER, "a", client * 1000 + round).await.expect("published");
                    while next(&mut one).await.payload != client * 1000 + round {}
                    if round % 3 == 0 {
                        bus.close().await;
                    }
                } else {
                    let mut raw = Client::to(address).await;
                    raw.say(r#"{"type":"__subscribe","id":"1","payload":{"topic":"number"}}"#).await;
                    raw.text().await;
                }
            }
        })
    });
    for one in churn.collect::<Vec<_>>() {
        one.await.expect("it ends");
    }
    let mut seen = Vec::new();
    for _ in 0..100 {
        let event = next(&mut all).await;
        assert_eq!(event.missed, 0);
        seen.push(event.payload);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 100, "each once");
    until("leave", || hub.connections().len() == 1).await;
    assert_eq!(hub.subscriptions(), 1);
}

/// Exactly once, in order, to each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fan_out() {
    let hub = hub().await;
    let buses = join_all((0..100).map(|_| spoke(address(&hub)))).await;
    let mut readers =
        join_all(buses.iter().map(async |bus| bus.subscribe(App::NUMBER).await.expect("subscribed"))).await;
    let own = PubSub::<App>::new(hub.transport());
    for number in 0..500 {
        own.publish(App::NUMBER, &(number % 7).to_string(), number).await.expect("published");
    }
    for reader in &mut readers {
        for number in 0..500 {
            let event = next(reader).await;
            assert_eq!((event.payload, event.missed), (number, 0));
        }
        assert!(reader.is_empty());
    }
}

/// The same address asked for twice at once: one subscription, and each event once.
#[tokio::test]
async fn duplicate_subscribe_race() {
    let hub = hub().await;
    let subscribe = r#"{"type":"__subscribe","id":"1","payload":{"topic":"number:a"}}"#;
    let mut raw = Client::to(address(&hub)).await;
    for _ in 0..5 {
        raw.say(subscribe).await;
    }
    let answers = raw.texts(5).await;
    assert_eq!(answers.iter().filter(|text| text.contains("__subscribed")).count(), 1);
    assert_eq!(answers.iter().filter(|text| text.contains("already_subscribed")).count(), 4);
    assert_eq!(hub.subscriptions(), 1);

    // A bus asks once, however many subscribe at once.
    let bus = spoke(address(&hub)).await;
    let subscriptions = join_all((0..20).map(|_| async { bus.subscribe(App::NUMBER.id("a")).await })).await;
    assert_eq!(hub.subscriptions(), 2);
    bus.publish(App::NUMBER, "a", 1).await.expect("published");
    for subscription in subscriptions {
        let mut subscription = subscription.expect("subscribed");
        assert_eq!(next(&mut subscription).await.payload, 1);
        assert!(subscription.is_empty());
    }
    assert!(raw.text().await.contains(r#""payload":1"#));
    assert!(raw.until_pong().await.is_empty());
}

#[tokio::test]
async fn unsubscribe_during_replay_delivers_nothing_after() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    for number in 0..1000 {
        own.publish(App::NUMBER, "a", number).await.expect("published");
    }
    let epoch = epoch(&hub).await;
    let mut raw = Client::to(address(&hub)).await;
    for round in 0..20 {
        raw.say(&format!(
            r#"{{"type":"__subscribe","id":"s{round}","payload":{{"topic":"number","since":{{"epoch":"{epoch}","offset":0}}}}}}"#
        ))
        .await;
        let subscribed = raw.text().await;
        assert!(subscribed.contains(&format!(r#""replay":{}"#, 1000 + round)), "{subscribed}");
        for _ in 0..round * 10 {
            raw.text().await;
        }
        raw.say(&format!(r#"{{"type":"__unsubscribe","id":"u{round}","payload":{{"topic":"number"}}}}"#))
            .await;
        while !raw.text().await.contains("__unsubscribed") {}
        own.publish(App::NUMBER, "a", round).await.expect("published");
        assert!(raw.until_pong().await.is_empty(), "nothing comes after the answer");
    }
    assert_eq!(hub.subscriptions(), 0);
}

/// The epoch of the numbers.
async fn epoch(hub: &Hub) -> String {
    let mut raw = Client::to(address(hub)).await;
    raw.say(r#"{"type":"__subscribe","id":"1","payload":{"topic":"number"}}"#).await;
    let subscribed: serde_json::Value = serde_json::from_str(&raw.text().await).expect("JSON");
    subscribed["payload"]["epoch"].as_str().expect("an epoch").to_owned()
}
