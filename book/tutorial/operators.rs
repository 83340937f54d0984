//! The tutorial's program after its third chapter.
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use futures::stream::FusedStream;
use pubsub::operators::Flow;
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

// ANCHOR: named
/// Trips that took longer than an hour.
fn long(
    trips: impl FusedStream<Item = Event<Trip, Dock>>,
) -> Flow<impl FusedStream<Item = Event<Trip, Dock>>> {
    trips.filter_payload(|trip| trip.minutes > 60)
}
// ANCHOR_END: named

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let bus = PubSub::<City>::default();

    // ANCHOR: late
    let late =
        bus.subscribe(City::RETURNED).await?.filter(|event| event.payload.minutes > 60).map(|event| {
            format!("bike {} was away for {} minutes", event.payload.bike, event.payload.minutes)
        });
    // ANCHOR_END: late

    // ANCHOR: total
    let total =
        bus.subscribe(City::RETURNED).await?.accumulate(0, |total, event| *total += event.payload.minutes);
    // ANCHOR_END: total

    // ANCHOR: batch
    let bills = bus.subscribe(City::RETURNED).await?.map(|event| event.payload.bike).batch(2);
    // ANCHOR_END: batch

    // ANCHOR: merge
    let left = bus.subscribe(City::TAKEN).await?.map(|event| format!("- {}", event.payload.number));
    let came = bus.subscribe(City::RETURNED).await?.map(|event| format!("+ {}", event.payload.bike));
    let both = left.merge(came);
    // ANCHOR_END: merge

    // ANCHOR: pipe
    let first_long = bus.subscribe(City::RETURNED).await?.pipe(long).take(1);
    // ANCHOR_END: pipe

    for (number, minutes) in [(7, 12), (9, 95), (4, 61)] {
        bus.publish(City::TAKEN, &HARBOUR, Bike { number }).await?;
        bus.publish(City::RETURNED, &MARKET, Trip { bike: number, minutes }).await?;
    }
    bus.publish(City::NOTICE, "en", "rain at noon".to_owned()).await?;
    drop(bus);

    // ANCHOR: read
    let mut late = late;
    while let Some(text) = late.next().await {
        println!("{text}");
    }
    println!("minutes so far: {:?}", total.to_vec().await);
    println!("bills: {:?}", bills.to_vec().await);
    println!("movements: {:?}", both.to_vec().await);
    let first_long: Vec<u32> = first_long.map(|event| event.payload.bike).to_vec().await;
    println!("first long trip: {first_long:?}");
    // ANCHOR_END: read
    Ok(())
}
