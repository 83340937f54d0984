//! One event through several hubs and the Redis that they are behind, in one trace.

use pubsub::prelude::*;
use pubsub::redis::Retention;
use pubsub::{Hub, Redis};

use crate::chain::{assert_one_trace, find, one, order_and_bill};
use crate::collector::{Collector, Seen};
use crate::harness::{App, Server, bound, in_time, next, spoke, until};

async fn redis(server: &Server) -> Redis {
    Redis::durable(Retention::default()).connect(server.url()).await.expect("a connection")
}

async fn hub(server: &Server) -> Hub {
    bound(Hub::behind(redis(server).await).expect("durable")).await
}

/// The hubs that an event of this topic went through, by where they have it from: each in its trace.
async fn relays(collector: &Collector, topic: &str, count: usize) -> Vec<String> {
    until("all relays", || find(collector, "relay", topic).len() == count).await;
    let publish = one(collector, "publish", topic);
    let relays = find(collector, "relay", topic);
    for relay in &relays {
        assert_below(relay, &publish);
        assert!(relay.is_over);
    }
    // Redis answers on one connection, and brings the event on another.
    let mut origins: Vec<_> = relays.iter().map(|relay| relay.field("pubsub.origin").to_owned()).collect();
    origins.sort();
    origins
}

/// Whoever handed it on is in the trace of who published it, below that.
fn assert_below(relay: &Seen, publish: &Seen) {
    let [[trace, above, _], [same_trace, own, parent]] = [publish.ids(), relay.ids()];
    assert_eq!((trace, above), (same_trace, parent), "{relay:#?}");
    assert!(own.len() == 16 && own != above, "{relay:#?}");
}

#[tokio::test]
async fn from_a_spoke_to_that_of_another_hub_and_back() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let (here, there) = (hub(&server).await, hub(&server).await);
    order_and_bill(&spoke(&here).await, &spoke(&there).await).await;
    assert_one_trace(&collector, ["spoke", "spoke"]);
    // In at one hub, and out at the other, which alone has asked Redis for it.
    for topic in ["order", "bill"] {
        assert_eq!(relays(&collector, topic, 2).await, ["publisher", "upstream"]);
    }
    // In Redis there is the context of who published, and no other.
    let publish = one(&collector, "publish", "order");
    let stream = server.cli(&["XRANGE", "{order}", "-", "+"]);
    let [trace, span, _] = publish.ids();
    assert!(stream.contains(&format!("00-{trace}-{span}-01")), "{stream}");
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn from_a_hubs_own_bus_to_the_spoke_of_another_and_back() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let (here, there) = (hub(&server).await, hub(&server).await);
    let shop = PubSub::<App>::new(here.transport());
    order_and_bill(&shop, &spoke(&there).await).await;
    let [.., answered] = assert_one_trace(&collector, ["hub", "spoke"]);
    assert_eq!(answered.field("pubsub.transport"), "hub");
    for topic in ["order", "bill"] {
        assert_eq!(relays(&collector, topic, 2).await, ["publisher", "upstream"]);
    }
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn from_who_publishes_to_redis_itself_to_a_spoke_and_back() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let hub = hub(&server).await;
    let shop = PubSub::<App>::new(redis(&server).await);
    order_and_bill(&shop, &spoke(&hub).await).await;
    let [.., answered] = assert_one_trace(&collector, ["redis_streams", "spoke"]);
    assert_eq!(answered.field("pubsub.transport"), "redis_streams");
    assert_eq!(relays(&collector, "order", 1).await, ["upstream"]);
    assert_eq!(relays(&collector, "bill", 1).await, ["publisher"]);
    hub.close().await;
}

/// Whatever adds an entry to the stream.
#[tokio::test]
async fn a_trace_of_another_language_goes_on_at_a_spoke() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let hub = hub(&server).await;
    let bus = spoke(&hub).await;
    let mut orders = bus.subscribe(App::ORDER).await.expect("subscribed");
    let context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let event =
        format!(r#"{{"type":"order","id":"17","traceparent":"{context}","payload":{{"text":"a chair"}}}}"#);
    server.cli(&["XADD", "{order}", "*", "id", "17", "event", &event]);
    let order = next(&mut orders).await;
    let receive = one(&collector, "receive", "order");
    let relay = one(&collector, "relay", "order");
    for seen in [&relay, &receive] {
        let [trace, _, parent] = seen.ids();
        assert_eq!((trace, parent), ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"), "{seen:#?}");
    }
    let own = order.trace_context().expect("a context").traceparent();
    assert_eq!(own, format!("00-{}-{}-01", receive.field("trace_id"), receive.field("span_id")));
    in_time("end", hub.close()).await;
}
