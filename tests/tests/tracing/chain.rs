//! One event and its answer, and the spans that they leave.

use pubsub::prelude::*;
use tracing::Level;

use crate::collector::{Collector, Seen};
use crate::harness::{App, Order, next, order};

/// Publishes an order on one bus, which the other answers with a bill that the first receives.
pub(crate) async fn order_and_bill(shop: &PubSub<App>, office: &PubSub<App>) {
    let mut bills = shop.subscribe(App::BILL).await.expect("subscribed");
    let answering = office.clone();
    let office = office.clone();
    let handler = office.subscribe(App::ORDER).await.expect("subscribed");
    let mut handler = std::pin::pin!(handle(handler, answering));
    shop.publish(App::ORDER, "17", order("a chair")).await.expect("published");
    let bill = tokio::select! {
        bill = next(&mut bills) => bill,
        () = &mut handler => panic!("it goes on"),
    };
    assert_eq!(bill.payload, 250);
}

/// A loop of one's own, which says what it goes on from.
async fn handle(mut orders: Subscription<Event<Order>>, office: PubSub<App>) {
    while let Some(order) = orders.next().await {
        let context = order.trace_context().cloned();
        assert!(context.is_some(), "it came over a wire");
        office.publish(App::BILL, &order.id, 250).trace_context(context).await.expect("published");
    }
}

/// The spans of this name and topic.
pub(crate) fn find(collector: &Collector, name: &str, topic: &str) -> Vec<Seen> {
    let of_topic = |seen: &Seen| seen.field("messaging.destination.name") == topic;
    collector.named(name).into_iter().filter(of_topic).collect()
}

pub(crate) fn one(collector: &Collector, name: &str, topic: &str) -> Seen {
    let [one] = &find(collector, name, topic)[..] else { panic!("{name} {topic}: {:#?}", collector.spans()) };
    one.clone()
}

/// Each is one trace, and each goes on below the one before it.
pub(crate) fn assert_chain(spans: &[Seen]) {
    assert_eq!(spans[0].field("parent_span_id"), "");
    for pair in spans.windows(2) {
        let [[trace, above, _], [same_trace, own, parent]] = [pair[0].ids(), pair[1].ids()];
        assert!(trace.len() == 32 && own.len() == 16, "{pair:#?}");
        assert_eq!((trace, above), (same_trace, parent), "{pair:#?}");
        assert_ne!(above, own);
    }
}

/// From `publish` to `receive` of the order, and on to those of the bill.
pub(crate) fn assert_one_trace(collector: &Collector, transports: [&str; 2]) -> [Seen; 4] {
    let [publish, receive] = ["publish", "receive"].map(|name| one(collector, name, "order"));
    let [answer, answered] = ["publish", "receive"].map(|name| one(collector, name, "bill"));
    assert_eq!([&publish, &receive].map(|seen| seen.field("pubsub.transport")), transports);
    let chain = [publish, receive, answer, answered];
    assert_chain(&chain);
    assert!(chain.iter().all(|seen| seen.is_over && seen.level == Level::INFO), "{chain:#?}");
    chain
}
