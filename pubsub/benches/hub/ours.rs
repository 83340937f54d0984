//! A hub, and a bus in its process that publishes.

use std::net::SocketAddr;
use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::HubConfig;
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
        // The clients here answer no ping.
        let config = HubConfig { ping_every: Duration::from_secs(3600), ..HubConfig::default() };
        let hub = Hub::builder().config(config).bind("127.0.0.1:0").await?;
        let bus = PubSub::new(hub.transport());
        Ok(Self { hub, bus, reading: reading() })
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
