//! A hub in this process, and a spoke behind a network.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::{HubConfig, Overflow, SpokeConfig};
use pubsub::{Delivery, Hub, Spoke};
use pubsub_tests::proxy::Proxy;
use pubsub_tests::waiting::DEADLINE;
use serde::{Deserialize, Serialize};

use crate::story::{Numbers, Story};
use crate::{EACH, PADDING, Result, UNREAD, until};

#[derive(Clone, Debug, EventMap)]
enum App {
    Number(Numbered),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Numbered {
    number: u64,
    padding: String,
}

fn numbered(number: u64) -> Numbered {
    Numbered { number, padding: "x".repeat(PADDING) }
}

struct World {
    hub: Hub,
    bus: PubSub<App>,
    proxy: Proxy,
    /// A subscription ends with the last handle of its bus.
    _far: PubSub<App>,
    subscription: Subscription<Event<Numbered>>,
}

impl World {
    async fn new(overflow: Overflow) -> Result<Self> {
        let config = HubConfig { overflow, ..HubConfig::default() };
        let hub = Hub::builder().config(config).bind("127.0.0.1:0").await?;
        let bus = PubSub::new(hub.transport());
        let proxy = Proxy::to(hub.local_addr().ok_or("it listens")?).await;
        let backoff = Duration::from_millis(20);
        let config = SpokeConfig { backoff_min: backoff, backoff_max: backoff, ..SpokeConfig::default() };
        let spoke = Spoke::builder().config(config).connect(format!("ws://{}", proxy.address)).await?;
        // All that comes has room here: what is lost is lost on the way.
        let far = PubSub::new(spoke);
        let subscription = far.subscribe(App::NUMBER).bound(20_000).await?;
        Ok(Self { hub, bus, proxy, _far: far, subscription })
    }

    async fn publish(&self, from: u64, count: u64) -> Result<()> {
        for number in from..from + count {
            self.bus.publish(App::NUMBER, "", numbered(number)).await?;
        }
        Ok(())
    }

    fn is_followed(&self) -> bool {
        self.hub.stats().subscriptions == 1
    }

    /// Until this event has come, which is the last.
    async fn read(&mut self, numbers: &mut Numbers, last: u64) -> Result<()> {
        let mut deliveries = self.subscription.deliveries();
        while numbers.last != Some(last) {
            let delivery = tokio::time::timeout(DEADLINE, deliveries.next());
            match delivery.await?.ok_or("it goes on")? {
                Delivery::Event(event) => numbers.event(event.payload.number),
                Delivery::Lagged { missed } => numbers.gap(Some(missed), "`Lagged`, in its place"),
                Delivery::Gap(gap) => numbers.gap(gap.missed, format!("`Gap`, in its place: {}", gap.reason)),
                _ => {}
            }
        }
        Ok(())
    }
}

pub(crate) async fn unread(overflow: Overflow) -> Result<Story> {
    let mut world = World::new(overflow).await?;
    world.proxy.change(|weather| weather.stalled = true);
    world.publish(0, UNREAD).await?;
    world.proxy.change(|weather| weather.stalled = false);
    until("subscriber", async || Ok(world.is_followed())).await?;
    world.publish(UNREAD, 1).await?;
    let mut numbers = Numbers::default();
    world.read(&mut numbers, UNREAD).await?;
    Ok(numbers.story(UNREAD + 1, 0))
}

pub(crate) async fn cut(meanwhile: u64) -> Result<Story> {
    let mut world = World::new(Overflow::Disconnect).await?;
    let mut numbers = Numbers::default();
    world.publish(0, EACH).await?;
    world.read(&mut numbers, EACH - 1).await?;
    world.proxy.change(|weather| weather.refuses = true);
    world.proxy.cut();
    until("loss", async || Ok(!world.is_followed())).await?;
    world.publish(EACH, meanwhile).await?;
    world.proxy.change(|weather| weather.refuses = false);
    until("subscriber", async || Ok(world.is_followed())).await?;
    world.publish(EACH + meanwhile, EACH).await?;
    let all = 2 * EACH + meanwhile;
    world.read(&mut numbers, all - 1).await?;
    Ok(numbers.story(all, 0))
}
