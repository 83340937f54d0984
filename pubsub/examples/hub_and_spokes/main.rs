//! One hub, and three spokes in processes of their own that follow quakes: all, those of California, and the strong ones.
//!
//! `cargo run --example hub_and_spokes --features websocket` cuts every connection in the first half of the feed: the spokes
//! come back and recover what they missed. Then another hub takes the place of the first, and knows nothing of before: the
//! spokes are told so, and go on.

mod events;
#[path = "../two_processes/feed.rs"]
mod feed;

use std::error::Error;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::CloseCode;
use pubsub::{Delivery, Hub, Spoke};

use crate::events::QuakeEvent;
use crate::feed::{Quake, feed};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SPOKES: [&str; 3] = ["all", "california", "strong"];
const CALIFORNIA: [&str; 2] = ["ci", "nc"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => serve().await,
        ["follow", url, name] => follow(url, name).await,
        _ => Err("usage: hub_and_spokes".into()),
    }
}

/// The process with the hub.
async fn serve() -> Result<()> {
    let [first, second] = halves();
    let (hub, bus) = start("127.0.0.1:0".parse()?).await?;
    let address = hub.local_addr().ok_or("it listens")?;
    let mut following = bus.subscribe(QuakeEvent::SPOKE_FOLLOWS).await?;
    let mut spokes = Vec::new();
    for name in SPOKES {
        let url = format!("ws://{address}");
        spokes.push(Command::new(std::env::current_exe()?).args(["follow", &url, name]).spawn()?);
    }
    each_spoke(&mut following).await;
    let mut seen = bus.subscribe(QuakeEvent::HALF_SEEN).await?;
    for (place, quake) in first.iter().enumerate() {
        if place == first.len() / 2 {
            println!("hub: cutting {} connections", hub.connections().len());
            hub.connections().iter().for_each(|spoke| spoke.disconnect(CloseCode::Reconnect));
        }
        bus.publish(QuakeEvent::QUAKE_REPORTED, &quake.net, quake.clone()).await?;
        // The hub took it at once, and may now write it.
        tokio::task::yield_now().await;
    }
    each_spoke(&mut seen).await;

    println!("hub: another one takes its place");
    hub.close().await;
    let (hub, bus) = start(address).await?;
    let mut following = bus.subscribe(QuakeEvent::SPOKE_FOLLOWS).await?;
    let mut seen = bus.subscribe(QuakeEvent::HALF_SEEN).await?;
    each_spoke(&mut following).await;
    for quake in &second {
        bus.publish(QuakeEvent::QUAKE_REPORTED, &quake.net, quake.clone()).await?;
    }
    each_spoke(&mut seen).await;

    hub.close().await;
    for mut spoke in spokes {
        spoke.wait()?.success().then_some(()).ok_or("a spoke failed")?;
    }
    Ok(())
}

fn halves() -> [Vec<Quake>; 2] {
    let mut first: Vec<Quake> = feed().collect();
    let second = first.split_off(first.len() / 2);
    [first, second]
}

async fn start(address: SocketAddr) -> Result<(Hub, PubSub<QuakeEvent>)> {
    let hub = Hub::builder().shutdown_window(Duration::from_millis(100)).bind(address).await?;
    let bus = PubSub::new(hub.transport());
    Ok((hub, bus))
}

/// Waits until all of them have said it.
async fn each_spoke(events: &mut Subscription<Event<()>>) {
    let mut missing = SPOKES.to_vec();
    while let Some(event) = events.next().await {
        missing.retain(|name| *name != event.id);
        if missing.is_empty() {
            return;
        }
    }
}

/// Whether the spoke with this name wants it.
fn wants(name: &str, quake: &Quake) -> bool {
    match name {
        "california" => CALIFORNIA.contains(&&*quake.net),
        "strong" => quake.mag >= 5.0,
        _ => true,
    }
}

/// A process with a spoke.
async fn follow(url: &str, name: &str) -> Result<()> {
    let bus = PubSub::<QuakeEvent>::new(Spoke::connect(url).await?);
    let mut quakes = match name {
        "california" => bus.subscribe(QuakeEvent::QUAKE_REPORTED.ids(CALIFORNIA)).await?,
        _ => bus.subscribe(QuakeEvent::QUAKE_REPORTED).await?,
    };
    bus.publish(QuakeEvent::SPOKE_FOLLOWS, name, ()).await?;
    let mut deliveries = quakes.deliveries();
    for half in halves() {
        // It knows the feed too, and so whether anything is missing.
        let wanted = half.iter().filter(|quake| wants(name, quake)).count();
        let mut seen = 0;
        while seen < wanted {
            match deliveries.next().await.ok_or("the bus was closed")? {
                Delivery::Event(event) => seen += usize::from(wants(name, &event.payload)),
                // Told once for each address that is followed.
                Delivery::Gap(gap) => println!("{name}: {gap}"),
                Delivery::Reconnected => {
                    println!("{name}: connected again, after {seen} quakes");
                    bus.publish(QuakeEvent::SPOKE_FOLLOWS, name, ()).await?;
                }
                other => println!("{name}: {other:?}"),
            }
        }
        println!("{name}: {seen} quakes, which are all");
        bus.publish(QuakeEvent::HALF_SEEN, name, ()).await?;
    }
    Ok(())
}
