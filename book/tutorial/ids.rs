//! The tutorial's program after its second chapter.
use std::error::Error;
// ANCHOR: dock
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// A dock, by its number.
#[derive(Clone, Copy, PartialEq)]
struct Dock(u16);

const HARBOUR: Dock = Dock(1);
const MARKET: Dock = Dock(2);
const STATION: Dock = Dock(3);

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
// ANCHOR_END: dock

use pubsub::prelude::*;

// ANCHOR: map
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
// ANCHOR_END: map

#[derive(Clone)]
struct Bike {
    number: u32,
}

#[derive(Clone)]
struct Trip {
    bike: u32,
    minutes: u32,
}

// ANCHOR: subset
/// What changes how many bikes stand at a dock.
#[derive(Clone, EventSubset)]
#[event_subset(of = City)]
enum Movement {
    Taken(Bike),
    Returned(Trip),
}
// ANCHOR_END: subset

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let bus = PubSub::<City>::default();

    // ANCHOR: one
    let mut at_harbour = bus.subscribe(City::RETURNED.id(&HARBOUR)).await?;
    // ANCHOR_END: one
    // ANCHOR: several
    let mut in_town = bus.subscribe(City::RETURNED.ids([&MARKET, &STATION])).await?;
    // ANCHOR_END: several
    // ANCHOR: movements
    let mut movements = bus.subscribe(Movement::ALL).await?;
    // ANCHOR_END: movements
    // ANCHOR: mixed
    let mut log = bus.subscribe(All).await?;
    let mut screen = bus.subscribe((City::NOTICE.id("en"), City::RETURNED.id(&HARBOUR))).await?;
    // ANCHOR_END: mixed

    // ANCHOR: publish
    bus.publish(City::TAKEN, &HARBOUR, Bike { number: 7 }).await?;
    bus.publish(City::RETURNED, &MARKET, Trip { bike: 7, minutes: 12 }).await?;
    bus.publish(City::RETURNED, &HARBOUR, Trip { bike: 9, minutes: 95 }).await?;
    bus.publish(City::NOTICE, "en", "rain at noon".to_owned()).await?;
    // ANCHOR_END: publish
    drop(bus);

    while let Some(event) = at_harbour.next().await {
        println!("harbour: bike {}", event.payload.bike);
    }
    while let Some(event) = in_town.next().await {
        println!("in town, dock {}: bike {}", event.id, event.payload.bike);
    }
    // ANCHOR: match
    let mut bikes = 10;
    while let Some(event) = movements.next().await {
        match event.into_payload() {
            Movement::Taken(Bike { number }) => {
                bikes -= 1;
                println!("{number} left, {bikes} bikes stand");
            }
            Movement::Returned(Trip { bike, minutes }) => {
                bikes += 1;
                println!("{bike} came after {minutes} minutes, {bikes} bikes stand");
            }
        }
    }
    // ANCHOR_END: match
    // ANCHOR: log
    while let Some(event) = log.next().await {
        println!("log: {} {}", event.topic, event.id);
    }
    while let Some(event) = screen.next().await {
        match &event.payload {
            City::Notice(text) => println!("screen: {text}"),
            _ => println!("screen: a bike has come to the harbour"),
        }
    }
    // ANCHOR_END: log
    Ok(())
}
