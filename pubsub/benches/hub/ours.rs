//! A hub, and a bus in its process that publishes.

use std::net::SocketAddr;
use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::{HubConfig, HubConnection};
use pubsub::{Hub, SendError};

use crate::Result;
use crate::app::{App, ID, Reading, reading};
use crate::fan_out::Server;

pub(crate) struct Ours {
    hub: Hub,
    bus: PubSub<App>,
    reading: Reading,
}

impl Ours {
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(HubConfig::default()).await
    }

    pub(crate) async fn start_with(config: HubConfig) -> Result<Self> {
        // The clients here answer no ping.
        let config = HubConfig { ping_every: Duration::from_secs(3600), ..config };
        let hub = Hub::builder().config(config).bind("127.0.0.1:0").await?;
        let bus = PubSub::new(hub.transport());
        Ok(Self { hub, bus, reading: reading() })
    }
}

impl Ours {
    /// What waits for the connection for which most does.
    pub(crate) fn most_queued_bytes(&self) -> usize {
        self.hub.connections().iter().map(HubConnection::queued_bytes).max().unwrap_or_default()
    }
}

impl Server for Ours {
    fn address(&self) -> SocketAddr {
        self.hub.local_addr().expect("it listens")
    }

    fn publish(&mut self) -> std::result::Result<(), SendError> {
        let publish = self.bus.publish(App::SENSOR_READING, ID, self.reading.clone());
        publish.now().map_err(|_| SendError::Full)
    }
}
