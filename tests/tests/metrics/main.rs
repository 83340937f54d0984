//! What a program counts by the facade of the crate `metrics`: right, by a bounded set of names, and with no secret in it.

mod recorded;

use std::collections::BTreeSet;
use std::time::Duration;

use metrics_util::debugging::DebuggingRecorder;
use pubsub::metrics::{BusSampler, HubSampler, METRICS};
use pubsub::prelude::*;
use pubsub::redis::Retention;
use pubsub::websocket::{HubConfig, OutboxConfig};
use pubsub::{ErrorCode, Hub, Redis, Rejection, Spoke};
use pubsub_tests::server::Server;
use pubsub_tests::times;
use pubsub_tests::waiting::{in_time, next, until};

use crate::recorded::Recorded;

#[derive(Clone, Debug, EventMap)]
#[event_map(rename_all = "dot.case")]
enum App {
    Order(String),
    Bill(u64),
}

/// Passwords, payloads, ids.
const SECRET: &str = "hunter2";

/// What is published while there is no server soon comes back.
async fn redis(server: &Server) -> PubSub<App> {
    let soon = Duration::from_secs(2);
    let builder = times::quick(Redis::builder().password(SECRET)).publish_timeout(soon).close_timeout(soon);
    PubSub::new(builder.connect(server.url()).await.expect("a connection"))
}

async fn spoke(hub: &Hub) -> PubSub<App> {
    let url = format!("ws://{}", hub.local_addr().expect("it listens"));
    PubSub::new(Spoke::connect(&url).await.expect("a connection"))
}

#[tokio::test]
async fn over_redis_what_goes_out_comes_in_and_is_lost() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let mut recorded = Recorded::of(&recorder);
    let server = Server::with(&["--requirepass", SECRET]);
    let bus = redis(&server).await;
    let mut bills = bus.subscribe(App::BILL).await.expect("subscribed");
    for bill in [1, 22, 333] {
        bus.publish(App::BILL, SECRET, bill).await.expect("published");
        next(&mut bills).await;
    }
    let garbage = format!(r#"{{"type":"bill","id":"{SECRET}","payload":"{SECRET}"}}"#);
    let channel = format!("bill:{SECRET}");
    server.cli(&["-a", SECRET, "--no-auth-warning", "PUBLISH", &channel, &garbage]);
    until("the error", || bus.error_count() == 1).await;
    recorded.update();
    let of_bills = [("topic", "bill"), ("transport", "redis")];
    assert_eq!(recorded.get("pubsub_sent_events_total", &of_bills), 3.0);
    assert_eq!(recorded.get("pubsub_sent_bytes_total", &of_bills), 6.0);
    assert_eq!(recorded.get("pubsub_send_seconds", &of_bills), 3.0);
    assert_eq!(recorded.get("pubsub_received_events_total", &of_bills), 4.0);
    assert_eq!(recorded.get("pubsub_received_bytes_total", &of_bills), 6.0 + 9.0);
    assert_eq!(recorded.get("pubsub_errors_total", &[("error", "undecodable")]), 1.0);
    assert_eq!(recorded.get("pubsub_in_flight_events", &[("transport", "redis")]), 0.0);
    assert_eq!(recorded.get("pubsub_connected", &[("transport", "redis")]), 1.0);

    server.kill();
    until("word of it", || {
        recorded.update();
        recorded.get("pubsub_connected", &[("transport", "redis")]) == 0.0
    })
    .await;
    assert!(bus.publish(App::BILL, SECRET, 1).await.is_err());
    server.restart();
    until("the connection", || {
        recorded.update();
        recorded.get("pubsub_connected", &[("transport", "redis")]) == 1.0
    })
    .await;
    assert!(recorded.get("pubsub_reconnects_total", &[("transport", "redis")]) >= 1.0);
    let not_sent = [("topic", "bill"), ("transport", "redis"), ("error", "not_sent")];
    assert_eq!(recorded.get("pubsub_send_errors_total", &not_sent), 1.0);
    until("the gap", || bills.gaps() == 1).await;
    recorded.update();
    let gap = [("transport", "redis"), ("reason", "disconnected")];
    assert_eq!(recorded.get("pubsub_gaps_total", &gap), 1.0);
    assert_eq!(recorded.get("pubsub_missed_events_total", &gap), 0.0, "nobody knows how many");
    in_time("end", bus.close()).await;
    drop(bus);
    recorded.update();
    assert_eq!(recorded.get("pubsub_connected", &[("transport", "redis")]), 0.0);
    assert_eq!(recorded.get("pubsub_in_flight_events", &[("transport", "redis")]), 0.0);
    recorded.assert_silent_about(SECRET);
    recorded.assert_in_the_table();
}

#[tokio::test]
async fn publishes_that_are_refused_are_counted_by_the_kind_of_refusal() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let mut recorded = Recorded::of(&recorder);
    let hub = Hub::builder()
        .authorize(async |_, _| Err(Rejection::new(ErrorCode::from(SECRET), SECRET)))
        .bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let bus = spoke(&hub).await;
    assert!(bus.publish(App::BILL, "1", 1).await.is_err());
    recorded.update();
    let refused = [("topic", "bill"), ("transport", "spoke"), ("error", "other")];
    assert_eq!(recorded.get("pubsub_send_errors_total", &refused), 1.0);
    assert_eq!(recorded.get("pubsub_sent_events_total", &refused[..2]), 0.0);
    recorded.assert_silent_about(SECRET);
    recorded.assert_in_the_table();
}

#[tokio::test]
async fn a_bus_and_its_handlers_in_one_process() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let mut recorded = Recorded::of(&recorder);
    let (one, other) = (PubSub::<App>::default(), PubSub::<App>::default());
    let mut samplers = [BusSampler::new(), BusSampler::new()];
    let mut sample = |buses: [&PubSub<App>; 2]| {
        for (sampler, bus) in samplers.iter_mut().zip(buses) {
            sampler.record(&bus.stats());
        }
    };
    let dropping = one.subscribe(App::BILL).bound(2).overflow(Overflow::DropOldest).await.expect("open");
    let full = other.subscribe(App::BILL).bound(1).await.expect("open");
    for bill in 0..5 {
        one.publish(App::BILL, SECRET, bill).await.expect("open");
    }
    other.publish(App::BILL, SECRET, 1).await.expect("open");
    let mut waits = std::pin::pin!(other.publish(App::BILL, SECRET, 2));
    assert!(futures::poll!(&mut waits).is_pending());
    let of_bills = [("topic", "bill")];
    for _ in 0..3 {
        sample([&one, &other]);
        recorded.update();
        assert_eq!(recorded.get("pubsub_published_events_total", &of_bills), 6.0);
        assert_eq!(recorded.get("pubsub_dropped_events_total", &of_bills), 3.0);
        assert_eq!(recorded.get("pubsub_subscriptions", &of_bills), 2.0);
        assert_eq!(recorded.get("pubsub_queued_events", &of_bills), 3.0);
        assert_eq!(recorded.get("pubsub_waiting_publishes", &of_bills), 1.0);
    }
    drop((dropping, full));
    waits.await.expect("accepted, by nobody");
    sample([&one, &other]);
    recorded.update();
    for gauge in ["pubsub_subscriptions", "pubsub_queued_events", "pubsub_waiting_publishes"] {
        assert_eq!(recorded.get(gauge, &of_bills), 0.0, "{gauge}");
    }

    let handler =
        one.on(App::ORDER, async |order| if order.payload == SECRET { Err(SECRET) } else { Ok(()) });
    for order in ["a chair", SECRET] {
        one.publish(App::ORDER, SECRET, order.to_owned()).await.expect("open");
    }
    one.close().await;
    handler.await.expect("it ends");
    let unread = other.subscribe(App::BILL).await.expect("open");
    sample([&one, &other]);
    recorded.update();
    assert_eq!(recorded.get("pubsub_handle_seconds", &[("topic", "order")]), 2.0);
    assert_eq!(recorded.get("pubsub_errors_total", &[("error", "handler_failed")]), 1.0);
    assert_eq!(recorded.get("pubsub_subscriptions", &of_bills), 1.0);
    drop(samplers);
    recorded.update();
    assert_eq!(recorded.get("pubsub_subscriptions", &of_bills), 0.0, "its part is taken back");
    assert_eq!(recorded.get("pubsub_published_events_total", &of_bills), 6.0);
    drop(unread);
    recorded.assert_silent_about(SECRET);
    recorded.assert_in_the_table();
}

#[tokio::test]
async fn a_hub() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let mut recorded = Recorded::of(&recorder);
    let config = HubConfig { outbox: OutboxConfig::default(), ..HubConfig::default() };
    let hub = Hub::builder().config(config).bind("127.0.0.1:0").await.expect("a free port");
    let (here, there) = (spoke(&hub).await, spoke(&hub).await);
    let subscriptions = (
        here.subscribe(App::BILL).await.expect("subscribed"),
        there.subscribe((App::BILL, App::ORDER)).await.expect("subscribed"),
    );
    let mut sampler = HubSampler::new();
    for _ in 0..2 {
        sampler.record(&hub.stats());
        recorded.update();
        assert_eq!(recorded.get("pubsub_hub_connections", &[]), 2.0);
        assert_eq!(recorded.get("pubsub_hub_subscriptions", &[]), 3.0);
    }
    for counter in ["gaps", "missed_events", "slow_consumers"] {
        assert_eq!(recorded.get(&format!("pubsub_hub_{counter}_total"), &[]), 0.0);
    }
    assert_eq!(recorded.get("pubsub_hub_longest_queue_bytes", &[]), 0.0);
    drop((subscriptions, here, there));
    until("their end", || hub.connections().is_empty()).await;
    sampler.record(&hub.stats());
    recorded.update();
    assert_eq!(recorded.get("pubsub_hub_connections", &[]), 0.0);
    hub.close().await;
    recorded.assert_in_the_table();
}

#[tokio::test]
async fn a_hub_behind_redis() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let mut recorded = Recorded::of(&recorder);
    let server = Server::start();
    let redis =
        Redis::durable(Retention::default()).backoff(Duration::from_millis(5), Duration::from_millis(50));
    let hub = Hub::behind(redis.connect(server.url()).await.expect("a connection")).expect("durable").start();
    let bus = PubSub::<App>::new(hub.transport());
    let _bills = bus.subscribe(App::BILL).await.expect("subscribed");
    let mut sampler = HubSampler::new();
    server.cli(&["XADD", "{bill}", "*", "id", "a", "event", "garbage"]);
    let mut is = |connected: f64, undecodable: f64| {
        sampler.record(&hub.stats());
        recorded.update();
        recorded.get("pubsub_hub_upstream_connected", &[]) == connected
            && recorded.get("pubsub_hub_undecodable_events_total", &[]) == undecodable
    };
    until("the garbage", || is(1.0, 1.0)).await;
    server.kill();
    until("the loss", || is(0.0, 1.0)).await;
    server.restart();
    until("the connection", || is(1.0, 1.0)).await;
    hub.close().await;
    recorded.assert_in_the_table();
}

/// Once, however many addresses somebody follows.
#[tokio::test]
async fn a_loss_that_concerns_many_addresses() {
    let recorder = DebuggingRecorder::new();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let mut recorded = Recorded::of(&recorder);
    let server = Server::start();
    let redis =
        Redis::durable(Retention::default()).backoff(Duration::from_millis(5), Duration::from_millis(50));
    let bus = PubSub::<App>::new(redis.connect(server.url()).await.expect("a connection"));
    let many = bus.subscribe(App::BILL.ids(["1", "2", "3"])).await.expect("subscribed");
    let one = bus.subscribe(App::BILL.id("4")).await.expect("subscribed");
    let none = bus.subscribe(App::ORDER).await.expect("subscribed");
    server.cli(&["DEL", "{bill}"]);
    until("the gaps", || many.gaps() > 0 && one.gaps() > 0).await;
    recorded.update();
    let of_epoch = [("transport", "redis_streams"), ("reason", "epoch")];
    assert_eq!((many.gaps(), one.gaps(), none.gaps()), (1, 1, 0));
    assert_eq!(recorded.get("pubsub_gaps_total", &of_epoch), 1.0);
    bus.close().await;
}

/// The table in the code, that of the book, and what the tests above see are one.
#[test]
fn the_table_of_the_book_is_that_of_the_code() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/chapters/how-to/see-inside.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `pubsub_")).collect();
    let expected: Vec<String> = METRICS
        .iter()
        .map(|metric| {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{}` | {} | {} | {} |", metric.name, metric.kind, labels.join(", "), metric.help)
        })
        .collect();
    assert_eq!(rows, expected, "the table of the book is to be:\n{}", expected.join("\n"));
    let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len());
}

/// Every one is described, and seen by some test of this file.
#[test]
fn each_is_described_and_tested() {
    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, pubsub::metrics::describe);
    let tests = include_str!("main.rs");
    for metric in METRICS {
        let name = metric.name.replace("_total", "");
        let is_hubs =
            name.strip_prefix("pubsub_hub_").is_some_and(|rest| tests.contains(&format!("\"{rest}\"")));
        assert!(is_hubs || tests.contains(&format!("\"{}\"", metric.name)), "no test of {}", metric.name);
    }
}
