//! The event map of these tests, hubs, spokes, and conditions with a deadline.

use std::net::SocketAddr;
use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::{HubConfig, SpokeConfig};
use pubsub::{ConnectionState, Spoke};
pub(crate) use pubsub_tests::hubs::{address, hub, hub_with};
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

/// With the times of a network on one machine.
pub(crate) fn quick_hub() -> HubConfig {
    HubConfig {
        handshake_timeout: Duration::from_millis(300),
        ping_every: Duration::from_millis(100),
        pong_timeout: Duration::from_millis(300),
        stall_timeout: Duration::from_millis(300),
        ..HubConfig::default()
    }
}

pub(crate) fn quick_spoke() -> SpokeConfig {
    SpokeConfig {
        connect_timeout: Duration::from_secs(2),
        stable_after: Duration::from_millis(50),
        backoff_min: Duration::from_millis(2),
        backoff_max: Duration::from_millis(20),
        ping_every: Duration::from_millis(100),
        pong_timeout: Duration::from_millis(300),
        ..SpokeConfig::default()
    }
}

pub(crate) async fn spoke(address: SocketAddr) -> PubSub<App> {
    spoke_with(address, quick_spoke()).await
}

pub(crate) async fn spoke_with(address: SocketAddr, config: SpokeConfig) -> PubSub<App> {
    let builder = Spoke::builder().config(config).close_timeout(Duration::from_millis(500));
    PubSub::new(builder.connect(format!("ws://{address}")).await.expect("a connection"))
}

pub(crate) async fn state(bus: &PubSub<App>, is: impl Fn(&ConnectionState) -> bool) -> ConnectionState {
    let mut states = bus.connection();
    in_time("state", async {
        while let Some(state) = states.next().await {
            if is(&state) {
                return state;
            }
        }
        panic!("the connection has ended")
    })
    .await
}

pub(crate) async fn lost(bus: &PubSub<App>) {
    state(bus, |state| matches!(state, ConnectionState::Reconnecting { .. })).await;
}

pub(crate) async fn connected(bus: &PubSub<App>) {
    state(bus, |state| matches!(state, ConnectionState::Connected)).await;
}
