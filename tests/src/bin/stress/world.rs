//! What scenarios share: a hub, two that are one behind a real Redis, and a bus on the channels of that Redis.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use pubsub::prelude::*;
use pubsub::redis::Retention;
use pubsub::websocket::{HistoryConfig, HubBuilder, HubConfig, SpokeConfig};
use pubsub::{Hub, Redis};
use pubsub_tests::hub::{address, hub_with, quick_spoke};
use pubsub_tests::server::Server;
use pubsub_tests::times::quick;

use crate::check::{Mismatch, OrMismatch as _, in_time};
use crate::events::App;

pub(crate) struct World {
    pub(crate) hub: Hub,
    pub(crate) pair: [Hub; 2],
    /// Stays connected: Redis forgets what a connection follows when it ends, so only on one that stays can it be seen.
    pub(crate) channels: PubSub<App>,
    pub(crate) redis: Server,
    /// How many events a topic keeps.
    pub(crate) history: u64,
}

/// What a scenario is given.
pub(crate) struct Work {
    pub(crate) world: Arc<World>,
    /// Made of the seed and the name.
    pub(crate) random: Rng,
    /// How much is to be done, in percent.
    pub(crate) load: u64,
}

impl Work {
    /// As much of `full` as the load says.
    pub(crate) fn of(&self, full: u64) -> u64 {
        (full * self.load / 100).max(1)
    }
}

impl World {
    /// Hubs with this configuration.
    pub(crate) async fn start(config: &HubConfig) -> Result<Self, Mismatch> {
        let redis = tokio::task::block_in_place(Server::start);
        let pair = [hub_behind(&redis, config.clone()).await?, hub_behind(&redis, config.clone()).await?];
        let history = u64::try_from(config.history.events).or_mismatch("a number")?;
        let channels = channels(&redis.url()).await?;
        Ok(Self { hub: hub_with(config.clone()).await, pair, channels, redis, history })
    }

    pub(crate) fn hubs(&self) -> [&Hub; 3] {
        [&self.hub, &self.pair[0], &self.pair[1]]
    }

    pub(crate) async fn close(&self) -> Result<(), Mismatch> {
        in_time("the end of a bus", self.channels.close()).await?;
        for hub in self.hubs() {
            in_time("the end of a hub", hub.close()).await?;
        }
        Ok(())
    }
}

/// A hub that sends nobody away, and keeps all that a scenario may want back.
pub(crate) fn patient() -> HubConfig {
    const EVENTS: usize = 1 << 16;
    let history =
        HistoryConfig { events: EVENTS, replay: EVENTS, bytes: 64 << 20, ..HistoryConfig::default() };
    HubConfig { history, ping_every: Duration::from_secs(3600), ..HubConfig::default() }
}

/// In what time clients come back, where that is not what is tested.
const SHORT: Duration = Duration::from_millis(20);
/// How long who closes waits for others.
const CLOSE: Duration = Duration::from_millis(500);

pub(crate) async fn hub_behind(redis: &Server, config: HubConfig) -> Result<Hub, Mismatch> {
    behind(redis, config).await?.bind("127.0.0.1:0").await.or_mismatch("a free port")
}

/// Settings of a hub behind this Redis.
pub(crate) async fn behind(redis: &Server, config: HubConfig) -> Result<HubBuilder, Mismatch> {
    let connecting = quick(Redis::durable(Retention::default())).close_timeout(CLOSE).connect(redis.url());
    let redis = in_time("a connection to Redis", connecting).await?.or_mismatch("a connection to Redis")?;
    let builder = Hub::behind(redis).or_mismatch("a Redis that keeps events")?.config(config);
    Ok(builder.guard_timeout(Duration::from_secs(20)).close_timeout(CLOSE).shutdown_window(SHORT))
}

/// A bus on the channels of this Redis.
pub(crate) async fn channels(url: &str) -> Result<PubSub<App>, Mismatch> {
    let connecting = quick(Redis::builder()).close_timeout(CLOSE).connect(url);
    Ok(PubSub::new(in_time("a connection", connecting).await?.or_mismatch("a connection")?))
}

pub(crate) async fn spoke(hub: &Hub) -> PubSub<App> {
    spoke_at(address(hub), steady_spoke()).await
}

pub(crate) async fn spoke_at(address: SocketAddr, config: SpokeConfig) -> PubSub<App> {
    PubSub::new(pubsub_tests::hub::spoke_with(address, config).await)
}

/// A spoke that is soon back, and gives nothing up because the machine is busy.
pub(crate) fn steady_spoke() -> SpokeConfig {
    SpokeConfig {
        connect_timeout: Duration::from_secs(10),
        ping_every: Duration::from_secs(5),
        pong_timeout: Duration::from_secs(5),
        ..quick_spoke()
    }
}

/// How many subscriptions a hub has to this topic.
pub(crate) fn routes(hub: &Hub, topic: &str) -> usize {
    let topics = hub.stats().topics;
    topics.iter().find(|it| it.topic == topic).map_or(0, |topic| topic.subscriptions)
}
