//! The tutorial's program after its last chapter.
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use pubsub::prelude::*;
use tokio::time::sleep;

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

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let bus = PubSub::<City>::default();

    // ANCHOR: readers
    let mut returned = bus.subscribe(City::RETURNED).await?;
    let accounts = tokio::spawn(async move {
        let mut minutes = 0;
        while let Some(event) = returned.next().await {
            println!("bill bike {}", event.payload.bike);
            minutes += event.payload.minutes;
        }
        minutes
    });
    let board = bus.on(City::NOTICE, async |event| println!("board: {}", event.payload)).spawn();
    // ANCHOR_END: readers
    // ANCHOR: forgotten
    let forgotten = bus.subscribe(City::TAKEN).await?;
    // ANCHOR_END: forgotten

    bus.publish(City::TAKEN, &HARBOUR, Bike { number: 7 }).await?;
    bus.publish(City::RETURNED, &MARKET, Trip { bike: 7, minutes: 12 }).await?;
    bus.publish(City::RETURNED, &MARKET, Trip { bike: 9, minutes: 95 }).await?;
    bus.publish(City::NOTICE, "en", "we close at ten".to_owned()).await?;

    // ANCHOR: close
    let report = bus.close().until(sleep(Duration::from_secs(5))).await;
    if !report.is_clean() {
        println!("{report}: {:?}", report.unread_by_topic);
    }
    // ANCHOR_END: close

    // ANCHOR: wait
    println!("accounts: {} minutes", accounts.await?);
    board.finished().await?;
    // ANCHOR_END: wait

    // ANCHOR: after
    println!("forgotten: {} missed", forgotten.missed());
    let late = bus.publish(City::TAKEN, &HARBOUR, Bike { number: 8 }).await.unwrap_err();
    println!("{late}; bike {} comes back", late.event().payload.number);
    // ANCHOR_END: after
    Ok(())
}
