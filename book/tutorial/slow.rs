//! The tutorial's program after its fourth chapter.
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use pubsub::prelude::*;

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

#[derive(Clone)]
struct Bike {
    number: u32,
}

#[derive(Clone)]
struct Trip {
    bike: u32,
    minutes: u32,
}

/// A dock, by its number.
#[derive(Clone, Copy, PartialEq)]
struct Dock(u16);

const HARBOUR: Dock = Dock(1);
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let bus = PubSub::<City>::default();

    // ANCHOR: policies
    // Accounts: every trip counts. Publishers wait for this one.
    let mut accounts = bus.subscribe(City::RETURNED).bound(2).name("accounts").await?;
    // A map of the city: only the latest trip to each dock matters.
    let mut map = bus.subscribe(City::RETURNED).bound(100).overflow(Overflow::LatestPerId).await?;
    // A ticker: the last two trips, and how many it did not show.
    let mut ticker = bus.subscribe(City::RETURNED).bound(2).overflow(Overflow::DropOldest).await?;
    // ANCHOR_END: policies

    // ANCHOR: task
    let accounts = tokio::spawn(async move {
        let mut minutes = 0;
        while let Some(event) = accounts.next().await {
            minutes += event.payload.minutes;
        }
        minutes
    });
    // ANCHOR_END: task

    // ANCHOR: publish
    for (bike, dock) in [(1, HARBOUR), (2, MARKET), (3, HARBOUR), (4, MARKET), (5, HARBOUR)] {
        bus.publish(City::RETURNED, &dock, Trip { bike, minutes: 10 }).await?;
    }
    // ANCHOR_END: publish

    // ANCHOR: now
    let mut stuck = bus.subscribe(City::TAKEN).bound(1).name("repair shop").await?;
    bus.publish(City::TAKEN, &HARBOUR, Bike { number: 1 }).now()?;
    let refused = bus.publish(City::TAKEN, &HARBOUR, Bike { number: 2 }).now().unwrap_err();
    println!("{refused}");
    println!("bike {} can be tried again: {}", refused.event().payload.number, refused.is_retryable());
    // ANCHOR_END: now
    bus.publish(City::NOTICE, "en", "rain at noon".to_owned()).await?;
    bus.close().await;

    println!("accounts: {} minutes", accounts.await?);
    // ANCHOR: read
    while let Some(event) = map.next().await {
        println!("map: bike {} at dock {}, {} missed", event.payload.bike, event.id, event.missed);
    }
    while let Some(event) = ticker.next().await {
        println!("ticker: bike {}, {} missed", event.payload.bike, event.missed);
    }
    println!("ticker: {} missed in all", ticker.missed());
    // ANCHOR_END: read

    // ANCHOR: deliveries
    let mut deliveries = stuck.deliveries();
    while let Some(delivery) = deliveries.next().await {
        match delivery {
            Delivery::Event(event) => println!("repair shop: bike {}", event.payload.number),
            Delivery::Lagged { missed } => println!("repair shop: {missed} missed"),
            Delivery::Ended(end) => println!("repair shop: {end}"),
            _ => {} // what later versions add
        }
    }
    // ANCHOR_END: deliveries
    Ok(())
}
