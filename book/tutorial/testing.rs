//! The tutorial's program after its ninth chapter.
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use pubsub::BoxedHandler;
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

// ANCHOR: reminders
/// Reminds everybody of the rules when a trip took longer than an hour.
fn reminders(bus: &PubSub<City>) -> BoxedHandler {
    let publish = bus.clone();
    let handle = async move |event: Event<Trip, Dock>| {
        if event.payload.minutes > 60 {
            let text = format!("bike {} was away for more than an hour", event.payload.bike);
            publish.publish(City::NOTICE, "en", text).await?;
        }
        Ok::<(), PublishError<String>>(())
    };
    bus.on(City::RETURNED, handle).boxed()
}
// ANCHOR_END: reminders

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let bus = PubSub::<City>::default();
    let reminders = reminders(&bus).spawn();
    let mut notices = bus.subscribe(City::NOTICE).await?;
    let mut taken = bus.subscribe(City::TAKEN).await?;

    bus.publish(City::TAKEN, &HARBOUR, Bike { number: 9 }).await?;
    bus.publish(City::RETURNED, &MARKET, Trip { bike: 9, minutes: 95 }).await?;
    println!("{}", notices.next().await.ok_or("the bus is open")?.payload);
    println!("bike {} was taken", taken.try_next()?.payload.number);

    bus.close().await;
    reminders.finished().await?;
    Ok(())
}

// ANCHOR: tests
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pubsub::TestBus;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_long_trip_is_answered_by_a_reminder() -> Result<(), Box<dyn Error>> {
        let mut bus = TestBus::<City>::new();
        let _reminders = reminders(&bus).spawn();

        bus.publish(City::RETURNED, &MARKET, Trip { bike: 7, minutes: 12 }).await?;
        bus.publish(City::RETURNED, &MARKET, Trip { bike: 9, minutes: 95 }).await?;

        let notice = bus.expect_next(City::NOTICE, sleep(Duration::from_secs(1))).await?;
        assert_eq!(notice.payload, "bike 9 was away for more than an hour");
        assert_eq!(bus.published(City::NOTICE).len(), 1);
        Ok(())
    }
    // ANCHOR: missing

    #[tokio::test(start_paused = true)]
    async fn a_short_trip_is_not() -> Result<(), Box<dyn Error>> {
        let mut bus = TestBus::<City>::new();
        let _reminders = reminders(&bus).spawn();

        bus.publish(City::RETURNED, &HARBOUR, Trip { bike: 7, minutes: 60 }).await?;

        let missing = bus.expect_next(City::NOTICE, sleep(Duration::from_secs(1))).await.unwrap_err();
        assert_eq!(
            missing.to_string(),
            "expected an event of `notice.board` before the deadline, and this was published instead: `returned:1`"
        );
        Ok(())
    }
    // ANCHOR_END: missing
}
// ANCHOR_END: tests
