//! The event map of these tests, and real servers.

use pubsub::prelude::*;
use pubsub::{Hub, Spoke};
pub(crate) use pubsub_tests::hub::{bound, hub, url};
pub(crate) use pubsub_tests::server::Server;
pub(crate) use pubsub_tests::waiting::{in_time, next, until};
use serde::{Deserialize, Serialize};

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

pub(crate) async fn spoke(hub: &Hub) -> PubSub<App> {
    PubSub::new(Spoke::connect(&url(hub)).await.expect("a connection"))
}
