//! The tutorial's program after its eighth chapter.
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use futures::executor::block_on;
use pubsub::WorkerHost;
use pubsub::prelude::*;

/// What happens at the docks of a city's shared bikes.
// ANCHOR: map
#[derive(EventMap)]
#[event_map(rename_all = "dot.case", id = Dock)]
enum City {
    /// Somebody took a bike from a dock.
    Taken(Bike),
    /// Somebody brought a bike back.
    Returned(Trip),
    /// What a trip costs, in cents.
    Billed(Bill),
    /// Words for everybody; the id is the language.
    #[event(topic = "notice.board", id = str)]
    Notice(String),
}
// ANCHOR_END: map

struct Bike {
    number: u32,
}

struct Trip {
    bike: u32,
    minutes: u32,
}

// ANCHOR: bill
struct Bill {
    bike: u32,
    cents: u32,
}
// ANCHOR_END: bill

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

// ANCHOR: worker
/// A worker: it takes a trip, works on it, publishes the bill, and takes the next.
fn bill(bus: PubSub<City>) {
    let mut trips = bus.queue_subscribe(City::RETURNED, "bills").now().expect("the pool has this name");
    while let Some(trip) = block_on(trips.next()) {
        let Trip { bike, minutes } = trip.payload;
        let cents = 100 + 5 * minutes; // think of something that takes a core
        block_on(bus.publish(City::BILLED, &trip.id, Bill { bike, cents })).expect("the host listens");
    }
}
// ANCHOR_END: worker

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // ANCHOR: host
    let host = WorkerHost::<City>::new();
    let bus = host.bus();
    // ANCHOR_END: host

    // ANCHOR: pool
    let pool = host.pool("bills", City::RETURNED).start(2, |name| host.spawn(name, bill))?;
    // ANCHOR_END: pool

    // ANCHOR: publish
    let mut bills = bus.subscribe(City::BILLED).await?;
    let mut taken = bus.subscribe(City::TAKEN).await?;
    bus.publish(City::TAKEN, &HARBOUR, Bike { number: 7 }).await?;
    for (bike, minutes) in [(7, 12), (8, 30), (9, 95)] {
        bus.publish(City::RETURNED, &MARKET, Trip { bike, minutes }).await?;
    }
    // ANCHOR_END: publish

    // ANCHOR: read
    let mut costs = Vec::new();
    while costs.len() < 3 {
        let bill = bills.next().await.ok_or("the host is closed")?;
        costs.push((bill.payload.bike, bill.payload.cents));
    }
    costs.sort_unstable(); // two workers: either may be first
    println!("bills: {costs:?}");
    println!("bike {} is away", taken.next().await.ok_or("the host is closed")?.payload.number);
    // ANCHOR_END: read

    // ANCHOR: close
    let report = host.close().until(std::future::pending::<()>()).await;
    println!("bills written: {}, closed cleanly: {}", pool.stats().done, report.is_clean());
    // ANCHOR_END: close
    Ok(())
}
