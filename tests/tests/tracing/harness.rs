//! The event map of these tests, and what has a deadline.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::HubConfig;
use pubsub::{Hub, Spoke};
pub(crate) use pubsub_tests::server::Server;
use serde::{Deserialize, Serialize};

const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum App {
    Order(Order),
    Bill(u64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) text: String,
}

pub(crate) fn order(text: &str) -> Order {
    Order { text: text.to_owned() }
}

pub(crate) async fn hub() -> Hub {
    let builder = Hub::builder().config(HubConfig::default()).close_timeout(Duration::from_millis(500));
    builder.shutdown_window(Duration::from_millis(20)).bind("127.0.0.1:0").await.expect("a free port")
}

pub(crate) fn url(hub: &Hub) -> String {
    format!("ws://{}", hub.local_addr().expect("it listens"))
}

pub(crate) async fn spoke(hub: &Hub) -> PubSub<App> {
    PubSub::new(Spoke::connect(&url(hub)).await.expect("a connection"))
}

/// What comes in time.
pub(crate) async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("no {what} in time"))
}

pub(crate) async fn next<E>(subscription: &mut Subscription<E>) -> E {
    in_time("event", subscription.next()).await.expect("it goes on")
}

/// Waits until the condition holds, which nothing announces.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    in_time(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
