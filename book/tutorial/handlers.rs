//! The tutorial's program after its fifth chapter.
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
    // ANCHOR: errors
    let mut errors = bus.errors();
    // ANCHOR_END: errors

    // ANCHOR: on
    let bills = bus.on(City::RETURNED, async |event| {
        println!("bill bike {} for {} minutes", event.payload.bike, event.payload.minutes);
    });
    // ANCHOR_END: on

    // ANCHOR: fails
    let checks = bus.on(City::RETURNED, async |event| match event.payload.minutes {
        0 => Err(format!("bike {} did not move", event.payload.bike)),
        1000.. => panic!("bike {} was stolen", event.payload.bike),
        _ => Ok(()),
    });
    // ANCHOR_END: fails

    // ANCHOR: publishes
    let notices = bus.on(City::TAKEN, {
        let bus = bus.clone();
        async move |event| {
            let text = format!("bike {} is away", event.payload.number);
            bus.publish(City::NOTICE, "en", text).await
        }
    });
    let board = bus.subscribe(City::NOTICE).overflow(Overflow::LatestPerId).on(async |event| {
        println!("board: {}", event.payload);
    });
    // ANCHOR_END: publishes

    // ANCHOR: spawn
    let handlers = [bills.spawn(), checks.spawn(), notices.spawn(), board.spawn()];
    // ANCHOR_END: spawn

    bus.publish(City::TAKEN, &HARBOUR, Bike { number: 7 }).await?;
    for (bike, minutes) in [(7, 0), (8, 2000), (9, 12)] {
        bus.publish(City::RETURNED, &MARKET, Trip { bike, minutes }).await?;
    }

    // ANCHOR: report
    for _ in 0..2 {
        let error = errors.next().await.ok_or("the bus is open")?;
        println!("reported: {error}");
    }
    // ANCHOR_END: report

    // ANCHOR: end
    println!("board follows {:?}", handlers[3].topics());
    bus.close().until(std::future::pending::<()>()).await;
    for handler in handlers {
        handler.finished().await?;
    }
    // ANCHOR_END: end
    Ok(())
}
