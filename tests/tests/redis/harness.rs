//! The event map of these tests, and real servers.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::{ConnectionState, Redis};
pub(crate) use pubsub_tests::server::Server;
use pubsub_tests::times;
pub(crate) use pubsub_tests::waiting::{in_time, next};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum App {
    SessionStatus(Status),
    Number(u64),
    #[event(id = u32)]
    Text(String),
    Restart,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) state: String,
}

pub(crate) async fn bus(server: &Server) -> PubSub<App> {
    PubSub::new(Redis::connect(server.url()).await.expect("a connection"))
}

/// What is published while there is no server soon comes back.
pub(crate) async fn quick(server: &Server) -> PubSub<App> {
    let soon = Duration::from_secs(2);
    let builder = times::quick(Redis::builder()).publish_timeout(soon).close_timeout(soon);
    PubSub::new(builder.connect(server.url()).await.expect("a connection"))
}

pub(crate) async fn state(bus: &PubSub<App>, is: impl Fn(&ConnectionState) -> bool) {
    let mut states = bus.connection();
    in_time("state", async {
        while let Some(state) = states.next().await {
            if is(&state) {
                return;
            }
        }
        panic!("the connection has ended")
    })
    .await;
}

pub(crate) async fn lost(bus: &PubSub<App>) {
    state(bus, |state| matches!(state, ConnectionState::Reconnecting { attempt: 1.., .. })).await;
}

pub(crate) async fn connected(bus: &PubSub<App>) {
    state(bus, |state| matches!(state, ConnectionState::Connected)).await;
}
