//! The ways to publish.

use futures::{FutureExt, SinkExt, StreamExt};
use pubsub::EventId;

use crate::exchange::Exchange;
use crate::harness::{App, next, number, numbers_until};

pub(crate) async fn a_publisher_and_its_sink_publish_as_the_bus_does<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut numbers = there.subscribe(App::NUMBER.id("a")).await.unwrap();
    let mut publisher = here.publisher(App::NUMBER, "a");
    publisher.publish(0).await.unwrap();
    publisher.publish(1).now().unwrap();
    publisher.send(2).await.unwrap();
    publisher.send_all(&mut futures::stream::iter(3..100).map(Ok)).await.unwrap();
    number(&here, "a", 100).await;
    assert_eq!(numbers_until(&mut numbers, 100).await, (0..=100).collect::<Vec<_>>());
}

pub(crate) async fn event_ids_are_carried<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut numbers = there.subscribe(App::NUMBER).await.unwrap();
    let mut own = here.subscribe(App::NUMBER).await.unwrap();
    let id = EventId::derive("conformance", ["a"]);
    here.publish(App::NUMBER, "a", 1).event_id(id).await.unwrap();
    here.publish(App::NUMBER, "a", 2).await.unwrap();
    for subscription in [&mut numbers, &mut own] {
        assert_eq!(next(subscription).await.event_id(), Some(id));
    }
    let (foreign, own) = (next(&mut numbers).await.event_id(), next(&mut own).await.event_id());
    assert_eq!(foreign, own);
    // Whatever leaves the process can be recognised.
    let leaves = format!("{:?}", here.guarantees().carries) == "Bytes";
    assert_eq!(foreign.is_some(), leaves);
}

pub(crate) async fn publishes_may_be_dropped_at_any_point<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut numbers = there.subscribe(App::NUMBER).await.unwrap();
    for n in 0..100 {
        drop(here.publish(App::NUMBER, "never polled", 1_000 + n));
        let _whatever = here.publish(App::NUMBER, "polled", n).now_or_never();
    }
    number(&here, "polled", 100).await;
    let got = numbers_until(&mut numbers, 100).await;
    assert!(got.is_sorted() && got.iter().all(|n| *n <= 100), "{got:?}");
}
