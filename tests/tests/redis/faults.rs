//! What subscribers and publishers see of a server that dies.

use pubsub::prelude::*;
use pubsub::{Delivery, GapReason, PublishError};

use crate::harness::{App, Server, bus, connected, in_time, lost, next, quick};

/// The notices of a subscription up to its next event.
async fn story<E>(subscription: &mut Subscription<E>) -> (Vec<&'static str>, E) {
    let mut notices = Vec::new();
    let mut deliveries = subscription.deliveries();
    loop {
        match in_time("delivery", deliveries.next()).await.expect("it goes on") {
            Delivery::Event(event) => return (notices, event),
            Delivery::Reconnected => notices.push("reconnected"),
            Delivery::Gap(gap) => {
                assert_eq!((gap.reason, gap.missed), (GapReason::Disconnected, None));
                notices.push("gap");
            }
            _ => notices.push("other"),
        }
    }
}

#[tokio::test]
async fn each_subscription_is_told_of_a_loss_once_and_new_ones_are_not() {
    let server = Server::start();
    let bus = quick(&server).await;
    let mut before = [
        bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed"),
        bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed"),
        bus.subscribe(App::NUMBER).await.expect("subscribed"),
    ];
    bus.publish(App::NUMBER, "a", 1).await.expect("published");
    for subscription in &mut before {
        let (notices, event) = story(subscription).await;
        assert_eq!((notices, event.payload), (vec![], 1));
    }
    server.kill();
    lost(&bus).await;
    let mut during = bus.subscribe(App::NUMBER.id("b")).now().expect("asked for");
    server.restart();
    during.ready().await.expect("live");
    let mut after = bus.subscribe(App::NUMBER.id("c")).await.expect("subscribed");
    for id in ["a", "b", "c"] {
        bus.publish(App::NUMBER, id, 2).await.expect("published");
    }
    for subscription in &mut before {
        let (notices, event) = story(subscription).await;
        assert_eq!((notices, event.payload), (vec!["reconnected", "gap"], 2));
        assert_eq!((subscription.gaps(), subscription.missed()), (1, 0));
    }
    for subscription in [&mut during, &mut after] {
        let (notices, event) = story(subscription).await;
        assert_eq!((notices, event.payload), (vec![], 2));
        assert_eq!(subscription.gaps(), 0);
    }
}

#[tokio::test]
async fn a_plain_loop_runs_through_an_outage() {
    let server = Server::start();
    let bus = bus(&server).await;
    let mut numbers = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    for round in 0..3 {
        bus.publish(App::NUMBER, "a", round).await.expect("published");
        assert_eq!(next(&mut numbers).await.payload, round);
        server.kill();
        server.restart();
        // The task may not have seen it yet.
        in_time("loss", async {
            while numbers.gaps() <= round {
                tokio::task::yield_now().await;
            }
        })
        .await;
        connected(&bus).await;
    }
    assert_eq!(numbers.gaps(), 3);
}

#[tokio::test]
async fn a_publish_that_is_not_sent_comes_back() {
    let server = Server::start();
    let bus = quick(&server).await;
    server.kill();
    lost(&bus).await;
    let error = bus.publish(App::TEXT, &7, "hello".into()).await.expect_err("not sent");
    assert!(matches!(error, PublishError::NotSent(_)) && error.is_retryable(), "{error:?}");
    let text = error.into_event().into_payload();
    server.restart();
    connected(&bus).await;
    bus.publish(App::TEXT, &7, text).await.expect("published");
}

#[tokio::test]
async fn closing_during_an_outage_reports_what_was_given_up() {
    let server = Server::start();
    let bus = quick(&server).await;
    server.kill();
    lost(&bus).await;
    for _ in 0..3 {
        bus.publish(App::NUMBER, "a", 1).now().expect("taken");
    }
    let report = in_time("end", bus.close().into_future()).await;
    assert_eq!(report.unsent, 3);
    assert!(!report.is_clean());
}
