//! The event map of these tests, hubs and spokes.

use std::net::SocketAddr;

use pubsub::prelude::*;
use pubsub::websocket::SpokeConfig;
pub(crate) use pubsub_tests::hub::{
    address, connected, hasty_hub, hasty_spoke, hub, hub_with, lost, quick_hub, quick_spoke, state,
};
pub(crate) use pubsub_tests::waiting::{in_time, next, until};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum App {
    SessionStatus(Status),
    Number(u64),
    Other(u64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) state: String,
}

pub(crate) fn status(state: &str) -> Status {
    Status { state: state.into() }
}

pub(crate) async fn spoke(address: SocketAddr) -> PubSub<App> {
    spoke_with(address, quick_spoke()).await
}

pub(crate) async fn spoke_with(address: SocketAddr, config: SpokeConfig) -> PubSub<App> {
    PubSub::new(pubsub_tests::hub::spoke_with(address, config).await)
}
