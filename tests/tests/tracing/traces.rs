//! One event, from who published it to who handles it, in one trace.

use pubsub::codec::{Codec, MessagePack, Postcard};
use pubsub::prelude::*;
use pubsub::trace::TraceContext;
use pubsub::{Hub, Redis, Spoke, WorkerHost};
use pubsub_tests::client::Client;

use crate::chain::{assert_chain, assert_one_trace, find, one, order_and_bill};
use crate::collector::Collector;
use crate::harness::{App, Server, hub, in_time, next, order, spoke, until, url};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn from_spoke_to_hub_to_spoke_and_back() {
    let (collector, _collecting) = Collector::start();
    let hub = hub().await;
    order_and_bill(&spoke(&hub).await, &spoke(&hub).await).await;
    let [publish, ..] = assert_one_trace(&collector, ["spoke", "spoke"]);
    let relay = one(&collector, "relay", "order");
    assert_chain(&[publish, relay]);
}

#[tokio::test]
async fn from_a_spoke_to_the_hubs_own_bus_and_back() {
    let (collector, _collecting) = Collector::start();
    let hub = hub().await;
    let office = PubSub::<App>::new(hub.transport());
    order_and_bill(&spoke(&hub).await, &office).await;
    assert_one_trace(&collector, ["spoke", "hub"]);
}

#[tokio::test]
async fn over_redis_to_another_bus_and_back() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let connect = async || PubSub::<App>::new(Redis::connect(server.url()).await.expect("a connection"));
    order_and_bill(&connect().await, &connect().await).await;
    assert_one_trace(&collector, ["redis", "redis"]);
}

#[tokio::test]
async fn over_streams_of_redis_to_another_bus_and_back() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let connect = async || {
        let durable = Redis::durable(pubsub::redis::Retention::last(10));
        PubSub::<App>::new(durable.connect(server.url()).await.expect("a connection"))
    };
    order_and_bill(&connect().await, &connect().await).await;
    assert_one_trace(&collector, ["redis_streams", "redis_streams"]);
}

/// Over a hub and spokes that speak this.
async fn in_codec(codec: impl Codec + Clone) {
    let (collector, _collecting) = Collector::start();
    let hub = Hub::builder().codec(codec.clone()).bind("127.0.0.1:0").await.expect("a free port");
    let connect = async || {
        let spoke = Spoke::builder().codec(codec.clone()).connect(url(&hub)).await;
        PubSub::<App>::new(spoke.expect("a connection"))
    };
    order_and_bill(&connect().await, &connect().await).await;
    assert_one_trace(&collector, ["spoke", "spoke"]);
}

#[tokio::test]
async fn in_messagepack() {
    in_codec(MessagePack::default()).await;
}

#[tokio::test]
async fn in_postcard_that_was_told_to() {
    in_codec(Postcard::default().traced()).await;
}

#[tokio::test]
async fn a_handler_goes_on_and_what_it_publishes_too() {
    let (collector, _collecting) = Collector::start();
    let hub = hub().await;
    let (shop, office) = (spoke(&hub).await, spoke(&hub).await);
    let mut bills = shop.subscribe(App::BILL).await.expect("subscribed");
    let answering = office.clone();
    let orders = office.subscribe(App::ORDER);
    let handler = orders.on(async move |order: Event<_>| {
        answering.publish(App::BILL, &order.id, 250).await.map_err(|error| error.to_string())
    });
    let handling = tokio::spawn(handler);
    let _ready = office.subscribe(App::ORDER).await.expect("subscribed, and so is the handler");
    shop.publish(App::ORDER, "17", order("a chair")).await.expect("published");
    next(&mut bills).await;
    until("end of the spans", || collector.spans().iter().all(|seen| seen.is_over)).await;
    let [publish, receive, process] =
        ["publish", "receive", "process"].map(|name| one(&collector, name, "order"));
    let [answer, answered] = ["publish", "receive"].map(|name| one(&collector, name, "bill"));
    assert_chain(&[publish, receive, process, answer, answered]);
    handling.abort();
}

#[tokio::test]
async fn between_worker_threads() {
    let (collector, _collecting) = Collector::start();
    let host = WorkerHost::<App>::new();
    let worker = host
        .spawn("office", |bus: PubSub<App>| {
            futures::executor::block_on(async {
                let mut orders = bus.subscribe(App::ORDER).await.expect("subscribed");
                while let Some(order) = orders.next().await {
                    let context = order.trace_context().cloned();
                    bus.publish(App::BILL, &order.id, 250).trace_context(context).await.expect("published");
                }
            });
        })
        .expect("spawned");
    worker.follows(App::ORDER).await.expect("it follows");
    let mut bills = host.bus().subscribe(App::BILL).await.expect("subscribed");
    host.bus().publish(App::ORDER, "17", order("a chair")).await.expect("published");
    let bill = next(&mut bills).await;
    // Whoever publishes hands the event to the others.
    assert_chain(&[one(&collector, "publish", "order"), one(&collector, "receive", "order")]);
    // The thread of the worker has no subscriber: what it was given it passes on.
    let context = bill.trace_context().expect("a context").traceparent();
    let [trace, span, _] = one(&collector, "publish", "order").ids().map(str::to_owned);
    assert_eq!(context, format!("00-{trace}-{span}-01"));
    in_time("end", async { host.close().await }).await;
}

#[tokio::test]
async fn a_trace_of_another_language_goes_on() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let bus = PubSub::<App>::new(Redis::connect(server.url()).await.expect("a connection"));
    let mut bills = bus.subscribe(App::BILL).await.expect("subscribed");
    let message = format!(r#"{{"type":"bill","id":"17","traceparent":"{PARENT}","payload":250}}"#);
    server.cli(&["PUBLISH", "bill:17", &message]);
    let bill = next(&mut bills).await;
    let receive = one(&collector, "receive", "bill");
    assert_eq!(receive.field("trace_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(receive.field("parent_span_id"), "00f067aa0ba902b7");
    let context = bill.trace_context().expect("a context").traceparent();
    assert_eq!(context, format!("00-{}-{}-01", receive.field("trace_id"), receive.field("span_id")));
}

#[tokio::test]
async fn garbage_for_a_context_begins_a_trace_and_costs_no_event() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let bus = PubSub::<App>::new(Redis::connect(server.url()).await.expect("a connection"));
    let mut bills = bus.subscribe(App::BILL).await.expect("subscribed");
    for garbage in ["7", "[]", r#""00-0-0-00""#] {
        let message = format!(r#"{{"type":"bill","id":"17","traceparent":{garbage},"payload":250}}"#);
        server.cli(&["PUBLISH", "bill:17", &message]);
        assert_eq!(next(&mut bills).await.payload, 250);
    }
    assert_eq!(bus.error_count(), 0);
    let received = find(&collector, "receive", "bill");
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|seen| seen.field("parent_span_id").is_empty()));
    assert_ne!(received[0].field("trace_id"), received[1].field("trace_id"));
}

/// What goes over a wire is as it was, as long as nobody looks; what was given is passed on.
#[tokio::test]
async fn where_nobody_collects_nothing_is_carried_but_what_was_given() {
    let hub = hub().await;
    let (here, there) = (spoke(&hub).await, spoke(&hub).await);
    let mut bills = there.subscribe(App::BILL).await.expect("subscribed");
    here.publish(App::BILL, "1", 1).await.expect("published");
    assert_eq!(next(&mut bills).await.trace_context(), None);
    let given = TraceContext::parse(PARENT, Some("vendor=1"));
    here.publish(App::BILL, "1", 2).trace_context(given.clone()).await.expect("published");
    assert_eq!(next(&mut bills).await.trace_context(), given.as_ref());
}

/// Replayed events belong to the trace that they were published in.
#[tokio::test]
async fn what_a_hub_sends_again_carries_its_context() {
    let hub = hub().await;
    let bus = PubSub::<App>::new(hub.transport());
    let given = TraceContext::parse(PARENT, None);
    bus.publish(App::BILL, "1", 2).trace_context(given).await.expect("published");
    let mut client = Client::to(hub.local_addr().expect("it listens")).await;
    client.subscribe("bill:2").await;
    let subscribed = client.text().await;
    let epoch = subscribed.split(r#""epoch":""#).nth(1).and_then(|rest| rest.split('"').next());
    let since = format!(r#"{{"epoch":"{}","offset":0}}"#, epoch.expect("an epoch"));
    let payload = format!(r#"{{"topic":"bill:1","since":{since}}}"#);
    client.say(format!(r#"{{"type":"__subscribe","id":"2","payload":{payload}}}"#)).await;
    assert!(client.text().await.contains(r#""replay":1"#));
    let replayed = client.text().await;
    assert!(replayed.contains(&format!(r#""traceparent":"{PARENT}""#)), "{replayed}");
}

/// As far as a loss of the room in a message would be one of the event.
#[tokio::test]
async fn an_event_that_just_fits_is_sent_without_its_context() {
    let (_collector, _collecting) = Collector::start();
    let hub = hub().await;
    let (here, there) = (spoke(&hub).await, spoke(&hub).await);
    let mut orders = there.subscribe(App::ORDER).await.expect("subscribed");
    // The hub keeps 256 bytes and the address for what it writes itself.
    let fits = 64 * 1024 - 256 - "order".len() - 6 * "1".len() - r#"{"text":""}"#.len();
    let text = "x".repeat(fits);
    here.publish(App::ORDER, "1", order(&text)).await.expect("published");
    let received = next(&mut orders).await;
    assert_eq!(received.payload.text.len(), fits);
    let too_long = order(&format!("{text}x"));
    assert!(here.publish(App::ORDER, "1", too_long).await.is_err());
}
