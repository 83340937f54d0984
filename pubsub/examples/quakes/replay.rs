//! The publisher: turns records into events, at the pace they happened or as fast as they are read.

use std::error::Error;
use std::time::Duration;

use pubsub::prelude::*;
use tokio::time::{Instant, sleep};

use crate::calendar::{Date, Timestamp};
use crate::events::{FeltReport, QuakeEvent, TsunamiFlag};
use crate::feed::Record;

/// Publishes `records` in their order; gives how many went out on `quake.reported`.
///
/// A publish that is awaited waits until every subscription with backpressure has a place for the event. So no
/// channel between here and there has to be large enough for the week.
pub(crate) async fn replay(
    bus: &PubSub<QuakeEvent>,
    records: Vec<Record>,
    speed: Option<f64>,
) -> Result<u64, Box<dyn Error>> {
    let mut clock = speed.map(Clock::new);
    let (mut published, mut today) = (0, None);
    for Record { network, quake, felt, tsunami } in records {
        if let Some(clock) = &mut clock {
            clock.wait_for(quake.time).await;
        }
        if let Some(yesterday) = day_over(&mut today, quake.time.date()) {
            bus.publish(QuakeEvent::DAY_ENDED, "UTC", yesterday).await?;
        }
        if felt > 0 {
            let report = FeltReport { reports: felt, magnitude: quake.magnitude, place: quake.place.clone() };
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

/// Scaled time: starts with the first record.
struct Clock {
    speed: f64,
    start: Option<(Instant, Timestamp)>,
}

impl Clock {
    fn new(speed: f64) -> Self {
        Self { speed, start: None }
    }

    async fn wait_for(&mut self, time: Timestamp) {
        let (began, first) = *self.start.get_or_insert_with(|| (Instant::now(), time));
        // A record from before the first one has a negative offset: it is due at once.
        let seconds = (time.ms() - first.ms()).max(0) as f64 / 1_000.0 / self.speed;
        let due = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        sleep(due.saturating_sub(began.elapsed())).await;
    }
}
