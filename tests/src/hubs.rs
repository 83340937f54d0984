//! Hubs on free ports, which close in an instant.

use std::net::SocketAddr;
use std::time::Duration;

use pubsub::Hub;
use pubsub::codec::Codec;
use pubsub::websocket::{HubBuilder, HubConfig};

/// A hub with the defaults.
pub async fn hub() -> Hub {
    hub_with(HubConfig::default()).await
}

/// A hub with these bounds and times.
pub async fn hub_with(config: HubConfig) -> Hub {
    bound(Hub::builder().config(config)).await
}

/// The hub of these settings, listening.
///
/// # Panics
/// If there is no free port.
pub async fn bound<C: Codec>(builder: HubBuilder<C>) -> Hub<C> {
    let builder = builder.close_timeout(Duration::from_millis(500));
    builder.shutdown_window(Duration::from_millis(20)).bind("127.0.0.1:0").await.expect("a free port")
}

/// Where it listens.
///
/// # Panics
/// If it does not.
pub fn address<C: Codec>(hub: &Hub<C>) -> SocketAddr {
    hub.local_addr().expect("it listens")
}

/// The URL of that.
pub fn url<C: Codec>(hub: &Hub<C>) -> String {
    format!("ws://{}", address(hub))
}
