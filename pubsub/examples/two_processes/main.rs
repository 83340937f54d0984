//! One program in two processes: one publishes quakes, the other follows them, with a Redis server between.
//!
//! `cargo run --example two_processes --features redis` starts a redis-server, kills it in the middle and starts it again:
//! both processes heal, and the follower knows that it may have missed some. With `-- redis://host` it uses that server,
//! and kills nothing.

mod events;
mod feed;
#[allow(unreachable_pub, reason = "the guide shares it")]
mod server;

use std::error::Error;
use std::process::Command;
use std::time::Duration;

use pubsub::prelude::*;
use pubsub::{ConnectionState, Delivery, PublishError, Redis};
use tokio::time::{interval, sleep};

use crate::events::QuakeEvent;
use crate::feed::feed;
use crate::server::Server;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => publish(&mut Some(Server::start()?), None).await,
        ["follow", url] => follow(url).await,
        [url] => publish(&mut None, Some(url)).await,
        _ => Err("usage: two_processes [REDIS_URL]".into()),
    }
}

async fn connect(url: &str) -> Result<PubSub<QuakeEvent>> {
    Ok(PubSub::new(Redis::builder().prefix("two-processes:").connect(url).await?))
}

/// The first process: starts the other one, publishes, and kills the server if it is its own.
async fn publish(server: &mut Option<Server>, url: Option<&str>) -> Result<()> {
    let own_url = server.as_ref().map(Server::url);
    let url = url.or(own_url.as_deref()).unwrap_or_default();
    let bus = connect(url).await?;
    tokio::spawn(tell_of_outages(bus.clone()));

    // Subscribed before the other process starts, so its greeting cannot be missed.
    let mut ready = bus.subscribe(QuakeEvent::FOLLOWER_READY).await?;
    let mut follower = Command::new(std::env::current_exe()?).args(["follow", url]).spawn()?;
    ready.next().await;

    let middle = feed().count() / 2;
    let (mut published, mut unknown) = (0, 0);
    let mut pace = interval(Duration::from_millis(1));
    for (place, quake) in feed().enumerate() {
        pace.tick().await;
        if let Some(server) = server.as_mut().filter(|_| place == middle) {
            println!("publisher: killing the server");
            server.kill()?;
            sleep(Duration::from_millis(300)).await;
            server.restart()?;
        }
        let network = quake.net.clone();
        match bus.publish(QuakeEvent::QUAKE_REPORTED, &network, quake).await {
            Ok(()) => published += 1,
            // It was on its way when the server died. Sent again it might be there twice.
            Err(PublishError::Ambiguous(_)) => unknown += 1,
            Err(error) => return Err(error.to_string().into()),
        }
    }
    println!("publisher: {published} quakes published, {unknown} unknown");
    // Redis keeps nothing for a follower that is not back yet: it is told again until it has heard.
    let status = loop {
        bus.publish(QuakeEvent::FEED_ENDED, "quakes", ()).await?;
        sleep(Duration::from_millis(50)).await;
        if let Some(status) = follower.try_wait()? {
            break status;
        }
    };
    bus.close().await;
    status.success().then_some(()).ok_or_else(|| "the follower failed".into())
}

async fn tell_of_outages(bus: PubSub<QuakeEvent>) {
    let mut states = bus.connection();
    drop(bus);
    let mut is_lost = false;
    while let Some(state) = states.next().await {
        match &state {
            ConnectionState::Connected if is_lost => println!("publisher: connected again"),
            ConnectionState::Reconnecting { error, .. } if !is_lost => println!("publisher: {error}"),
            _ => {}
        }
        is_lost = matches!(state, ConnectionState::Reconnecting { .. });
    }
}

/// The second process.
async fn follow(url: &str) -> Result<()> {
    let bus = connect(url).await?;
    let mut quakes = bus.subscribe((QuakeEvent::QUAKE_REPORTED, QuakeEvent::FEED_ENDED)).await?;
    bus.publish(QuakeEvent::FOLLOWER_READY, "follower", ()).await?;
    let (mut seen, mut gaps) = (0, 0);
    let mut deliveries = quakes.deliveries();
    while let Some(delivery) = deliveries.next().await {
        match delivery {
            Delivery::Event(event) => match &event.payload {
                QuakeEvent::QuakeReported(quake) => {
                    seen += 1;
                    if quake.mag >= 6.0 {
                        println!("follower: magnitude {:.1}, {}", quake.mag, quake.place);
                    }
                }
                _ => break,
            },
            Delivery::Gap(gap) => {
                gaps += 1;
                println!("follower: {gap}");
            }
            Delivery::Reconnected => println!("follower: connected again"),
            other => println!("follower: {other:?}"),
        }
    }
    println!("follower: {seen} quakes, gaps: {gaps}");
    Ok(())
}
