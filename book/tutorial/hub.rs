//! The tutorial's program after its seventh chapter: a server with a hub and a page, and `dock URL`, which connects to it.
use std::env;
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

// ANCHOR: imports
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use pubsub::prelude::*;
use pubsub::{Hub, Spoke, web};
use tokio::net::TcpListener;
// ANCHOR_END: imports
use serde::{Deserialize, Serialize};

/// What happens at the docks of a city's shared bikes.
#[derive(EventMap)]
#[event_map(rename_all = "dot.case", id = Dock)]
enum City {
    /// Somebody took a bike from a dock.
    Taken(Bike),
    /// Somebody brought a bike back.
    Returned(Trip),
    /// Words for everybody; the id is the language.
    #[event(topic = "notice.board", id = str)]
    Notice(String),
}

#[derive(Clone, Serialize, Deserialize)]
struct Bike {
    number: u32,
}

#[derive(Clone, Serialize, Deserialize)]
struct Trip {
    bike: u32,
    minutes: u32,
}

/// A dock, by its number.
#[derive(Clone, Copy, PartialEq)]
struct Dock(u16);

const MARKET: Dock = Dock(2);

impl fmt::Display for Dock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Dock {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

// ANCHOR: serve
async fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    let hub = Hub::builder().start();
    let bus = PubSub::<City>::new(hub.transport());
    let board = bus.on(City::RETURNED, {
        let bus = bus.clone();
        async move |event| {
            println!("bike {} is at dock {}", event.payload.bike, event.id);
            let text = format!("bike {} was away for {} minutes", event.payload.bike, event.payload.minutes);
            bus.publish(City::NOTICE, "en", text).await
        }
    });
    let _board = board.spawn();

    let app = Router::new()
        .route("/", get(async || Html(include_str!("hub.html"))))
        .nest("/events", web::router(&hub));
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
// ANCHOR_END: serve

// ANCHOR: dock
async fn dock(url: &str) -> Result<(), Box<dyn Error>> {
    let bus = PubSub::<City>::new(Spoke::connect(url).await?);
    let mut notices = bus.subscribe(City::NOTICE.id("en")).await?;
    bus.publish(City::RETURNED, &MARKET, Trip { bike: 7, minutes: 12 }).await?;
    let notice = notices.next().await.ok_or("the bus is closed")?;
    println!("on the board: {}", notice.payload);
    bus.close().await;
    Ok(())
}
// ANCHOR_END: dock

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => serve("127.0.0.1:8080").await,
        ["--listen", address] => serve(address).await,
        ["dock", url] => dock(url).await,
        _ => Err("usage: [--listen ADDRESS | dock URL]".into()),
    }
}
