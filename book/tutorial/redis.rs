//! The tutorial's program after its sixth chapter: `docks URL` and `board URL`, or both in one process.
use std::env;
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use pubsub::Redis;
use pubsub::prelude::*;
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

// ANCHOR: payloads
#[derive(Clone, Serialize, Deserialize)]
struct Bike {
    number: u32,
}

#[derive(Clone, Serialize, Deserialize)]
struct Trip {
    bike: u32,
    minutes: u32,
}
// ANCHOR_END: payloads

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

// ANCHOR: bus
/// A bus in this process, or over the Redis server at a URL.
async fn bus(url: Option<&str>) -> Result<PubSub<City>, Box<dyn Error>> {
    Ok(match url {
        None => PubSub::default(),
        Some(url) => PubSub::new(Redis::connect(url).await?),
    })
}
// ANCHOR_END: bus

// ANCHOR: docks
async fn docks(bus: &PubSub<City>) -> Result<(), Box<dyn Error>> {
    bus.publish(City::TAKEN, &HARBOUR, Bike { number: 7 }).await?;
    bus.publish(City::RETURNED, &MARKET, Trip { bike: 7, minutes: 12 }).await?;
    bus.publish(City::NOTICE, "en", "we close at ten".to_owned()).await?;
    println!("docks: the day is over");
    Ok(())
}
// ANCHOR_END: docks

// ANCHOR: board
async fn board(bus: &PubSub<City>) -> Result<(), Box<dyn Error>> {
    let mut events = bus.subscribe(All).await?;
    println!("board: waiting");
    while let Some(event) = events.next().await {
        match &event.payload {
            City::Taken(bike) => println!("board: bike {} left dock {}", bike.number, event.id),
            City::Returned(trip) => println!("board: bike {} is at dock {}", trip.bike, event.id),
            City::Notice(text) => {
                println!("board: {text}");
                break;
            }
        }
    }
    Ok(())
}
// ANCHOR_END: board

// ANCHOR: main
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["docks", url] => docks(&bus(Some(url)).await?).await,
        ["board", url] => board(&bus(Some(url)).await?).await,
        [] => {
            let bus = bus(None).await?;
            tokio::try_join!(board(&bus), docks(&bus)).map(drop)
        }
        _ => Err("usage: [docks URL | board URL]".into()),
    }
}
// ANCHOR_END: main
