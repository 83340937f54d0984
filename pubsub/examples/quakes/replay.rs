//! The publisher: turns records into events, at the pace they happened or as fast as they are read.

use std::error::Error;

use pubsub::prelude::*;

use crate::calendar::Date;
use crate::clock::Pace;
use crate::events::{FeltReport, QuakeEvent, TsunamiFlag};
use crate::feed::Record;

/// Publishes `records` in their order; gives how many went out on `quake.reported`.
///
/// A publish that is awaited waits until every subscription with backpressure has a place for the event. So no
/// channel between here and there has to be large enough for the week.
pub(crate) async fn replay(
    bus: &PubSub<QuakeEvent>,
    records: Vec<Record>,
    mut pace: Pace,
) -> Result<u64, Box<dyn Error>> {
    let (mut published, mut today) = (0, None);
    for Record { network, quake, felt, tsunami } in records {
        pace.reach(quake.time).await;
        if let Some(yesterday) = day_over(&mut today, quake.time.date()) {
            bus.publish(QuakeEvent::DAY_ENDED, "UTC", yesterday).await?;
        }
        if felt > 0 {
            let report = FeltReport {
                quake: quake.id.clone(),
                reports: felt,
                magnitude: quake.magnitude,
                place: quake.place.clone(),
            };
            bus.publish(QuakeEvent::QUAKE_FELT, &network, report).await?;
        }
        if tsunami {
            let flag =
                TsunamiFlag { time: quake.time, magnitude: quake.magnitude, place: quake.place.clone() };
            bus.publish(QuakeEvent::TSUNAMI_FLAGGED, &network, flag).await?;
        }
        bus.publish(QuakeEvent::QUAKE_REPORTED, &network, quake).await?;
        published += 1;
    }
    Ok(published)
}

/// The day that is over, if `date` is a later one. A record that comes late starts no day.
fn day_over(today: &mut Option<Date>, date: Date) -> Option<Date> {
    match *today {
        Some(current) if date <= current => None,
        _ => today.replace(date),
    }
}
