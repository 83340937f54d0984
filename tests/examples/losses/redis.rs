//! A Redis server, and a subscriber behind a network: ours on channels and on streams, and ioredis on channels.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::redis::{RedisBuilder, Retention};
use pubsub::{Delivery, Redis};
use pubsub_tests::proxy::Proxy;
use pubsub_tests::server::Server;
use pubsub_tests::waiting::DEADLINE;

use crate::node::Client;
use crate::story::{Numbers, Story};
use crate::{EACH, Result, until};

#[derive(Clone, Debug, EventMap)]
enum App {
    Number(u64),
}

fn builder(is_durable: bool) -> RedisBuilder {
    let builder = if is_durable { Redis::durable(Retention::last(100_000)) } else { Redis::builder() };
    builder.backoff(Duration::from_millis(5), Duration::from_millis(20))
}

pub(crate) async fn cut(is_durable: bool) -> Result<Story> {
    let server = Server::start();
    let proxy = Proxy::to(([127, 0, 0, 1], server.port).into()).await;
    let publisher = PubSub::<App>::new(builder(is_durable).connect(server.url()).await?);
    let far = PubSub::<App>::new(builder(is_durable).connect(format!("redis://{}", proxy.address)).await?);
    let mut subscription = far.subscribe(App::NUMBER.id("all")).bound(20_000).await?;
    let mut numbers = Numbers::default();
    let publish = async |from: u64| -> Result<()> {
        for number in from..from + EACH {
            publisher.publish(App::NUMBER, "all", number).await?;
        }
        Ok(())
    };
    publish(0).await?;
    read(&mut subscription, &mut numbers, EACH - 1).await?;
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    until("loss", async || Ok(!far.connection_state().is_connected())).await?;
    publish(EACH).await?;
    proxy.change(|weather| weather.refuses = false);
    until("connection", async || Ok(far.connection_state().is_connected())).await?;
    publish(2 * EACH).await?;
    read(&mut subscription, &mut numbers, 3 * EACH - 1).await?;
    Ok(numbers.story(3 * EACH, 0))
}

async fn read(subscription: &mut Subscription<Event<u64>>, numbers: &mut Numbers, last: u64) -> Result<()> {
    let mut deliveries = subscription.deliveries();
    while numbers.last != Some(last) {
        let delivery = tokio::time::timeout(DEADLINE, deliveries.next());
        match delivery.await?.ok_or("it goes on")? {
            Delivery::Event(event) => numbers.event(event.payload),
            Delivery::Lagged { missed } => numbers.gap(Some(missed), "`Lagged`, in its place"),
            Delivery::Gap(gap) => numbers.gap(gap.missed, format!("`Gap`, in its place: {}", gap.reason)),
            _ => {}
        }
    }
    Ok(())
}

pub(crate) async fn cut_ioredis() -> Result<Story> {
    let server = Server::start();
    let proxy = Proxy::to(([127, 0, 0, 1], server.port).into()).await;
    let mut client = Client::start("ioredis", proxy.address.port())?;
    let subscribers = || server.cli(&["PUBSUB", "NUMSUB", "number"]).lines().nth(1) == Some("1");
    let client_of_redis = redis::Client::open(server.url())?;
    let mut connection = client_of_redis.get_multiplexed_async_connection().await?;
    let mut publish = async |from: u64| -> Result<()> {
        for number in from..from + EACH {
            let _: u64 = redis::cmd("PUBLISH").arg("number").arg(number).query_async(&mut connection).await?;
        }
        Ok(())
    };
    until("subscriber", async || Ok(subscribers())).await?;
    publish(0).await?;
    client.has_last(EACH - 1).await?;
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    until("loss", async || Ok(!subscribers())).await?;
    publish(EACH).await?;
    proxy.change(|weather| weather.refuses = false);
    until("subscriber", async || Ok(subscribers())).await?;
    publish(2 * EACH).await?;
    client.has_last(3 * EACH - 1).await?;
    client.story(3 * EACH, 0).await
}
