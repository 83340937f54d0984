//! What is told beside the traces, and that the table of the interface has it all.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::{ErrorCode, Hub, Redis, Rejection, Spoke};
use pubsub_tests::times;
use tracing::Level;

use crate::collector::{Collector, Seen};
use crate::harness::{App, Server, next, order, until, url};

/// What is published while there is no server soon comes back.
pub(crate) async fn quick(url: &str) -> PubSub<App> {
    let soon = Duration::from_secs(2);
    let builder = times::quick(Redis::builder()).publish_timeout(soon).close_timeout(soon);
    PubSub::new(builder.connect(url).await.expect("a connection"))
}

/// The tables in the documentation of `pubsub::trace` and in the book have a row for each that was seen, and its fields.
fn assert_in_tables(collector: &Collector) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect(path);
    let (docs, book) = (read("pubsub/src/trace.rs"), read("book/chapters/how-to/see-inside.md"));
    for seen in collector.spans().into_iter().chain(collector.events()) {
        let level = seen.level.as_str().to_lowercase();
        let row = format!("| `{}` | `{}` | ", seen.name, seen.target);
        for page in [&docs, &book] {
            let row = page.lines().find_map(|line| line.trim_start_matches("//! ").strip_prefix(&*row));
            let row = row.unwrap_or_else(|| panic!("no row for {seen:#?}"));
            assert!(row.contains(&level), "{row}: {seen:#?}");
        }
        for field in seen.fields.keys() {
            assert!(book.contains(&format!("`{field}`")), "`{field}` of {seen:#?}");
        }
    }
}

fn told(collector: &Collector, name: &str) -> Vec<Seen> {
    collector.events().into_iter().filter(|seen| seen.name == name).collect()
}

#[tokio::test]
async fn a_lost_connection_its_return_and_the_loss_between_are_told_once() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let bus = quick(&server.url()).await;
    let mut bills = bus.subscribe(App::BILL).await.expect("subscribed");
    server.kill();
    until("word of it", || !told(&collector, "connection lost").is_empty()).await;
    server.restart();
    until("word of it", || !told(&collector, "events lost").is_empty()).await;
    bus.publish(App::BILL, "17", 250).await.expect("published");
    assert_eq!(next(&mut bills).await.payload, 250);
    bus.close().await;
    let [lost] = &told(&collector, "connection lost")[..] else { panic!("{:#?}", collector.events()) };
    assert_eq!((lost.level, lost.field("pubsub.transport")), (Level::WARN, "redis"));
    assert!(["unreachable", "timed_out"].contains(&lost.field("error.type")), "{lost:#?}");
    let [gap] = &told(&collector, "events lost")[..] else { panic!("{:#?}", collector.events()) };
    assert_eq!(gap.field("reason"), "disconnected");
    assert!(!told(&collector, "connected").is_empty());
    let [closed] = &told(&collector, "closed")[..] else { panic!("{:#?}", collector.events()) };
    assert_eq!((closed.level, closed.field("error.type")), (Level::INFO, ""));
    assert_in_tables(&collector);
}

#[tokio::test]
async fn what_fails_in_a_handler_is_told_within_its_span() {
    let (collector, _collecting) = Collector::start();
    let bus = PubSub::<App>::default();
    let handler = bus.on(App::BILL, async |bill| match bill.payload {
        1 => Err("a handler that fails"),
        2 => panic!("a handler that panics"),
        _ => Ok(()),
    });
    for payload in 0..3 {
        bus.publish(App::BILL, "17", payload).await.expect("published");
    }
    drop(bus);
    handler.await.expect("it ends");
    let errors = told(&collector, "error");
    let kinds: Vec<_> = errors.iter().map(|seen| (seen.field("error.type"), seen.field("topic"))).collect();
    assert_eq!(kinds, [("handler_failed", "bill"), ("handler_panicked", "bill")]);
    assert!(errors.iter().all(|seen| seen.level == Level::ERROR && seen.within == Some("process")));
    let handled = collector.named("process");
    assert_eq!(handled.len(), 3);
    assert!(handled.iter().all(|seen| seen.is_over && seen.field("parent_span_id").is_empty()));
    assert_in_tables(&collector);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_by_its_kind() {
    let (collector, _collecting) = Collector::start();
    let server = Server::start();
    let bus = quick(&server.url()).await;
    let mut bills = bus.subscribe(App::BILL).await.expect("subscribed");
    server.cli(&["PUBLISH", "bill:17", r#"{"type":"bill","id":"17","payload":"hunter2"}"#]);
    server.cli(&["PUBLISH", "bill:17", r#"{"type":"bill","id":"17","payload":250}"#]);
    assert_eq!(next(&mut bills).await.payload, 250);
    let [error] = &told(&collector, "error")[..] else { panic!("{:#?}", collector.events()) };
    assert_eq!((error.level, error.field("error.type")), (Level::WARN, "undecodable"));
    assert_eq!(error.within, Some("receive"));
    let kinds: Vec<_> =
        collector.named("receive").iter().map(|seen| seen.field("error.type").to_owned()).collect();
    assert_eq!(kinds, ["undecodable", ""]);
    assert_in_tables(&collector);
}

#[tokio::test]
async fn what_is_refused_says_so_in_its_span() {
    let (collector, _collecting) = Collector::start();
    let hub = Hub::builder()
        .authorize(async |_, _| Err(Rejection::new(ErrorCode::Denied, "hunter2")))
        .bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let bus = PubSub::<App>::new(Spoke::connect(url(&hub)).await.expect("a connection"));
    let denied = bus.publish(App::ORDER, "17", order("a chair")).await;
    assert!(matches!(denied, Err(PublishError::Rejected(..))), "{denied:?}");
    let [publish] = &collector.named("publish")[..] else { panic!("{:#?}", collector.spans()) };
    assert_eq!((publish.field("error.type"), publish.is_over), ("denied", true));
    assert_eq!(publish.field("messaging.message.body.size"), r#"{"text":"a chair"}"#.len().to_string());
    assert!(collector.named("relay").is_empty());
    assert_in_tables(&collector);
}
