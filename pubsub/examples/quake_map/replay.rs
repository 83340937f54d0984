//! The publisher: the week as it happened, some times as fast, once or again and again.

use std::convert::Infallible;
use std::time::Duration;

use pubsub::Hub;
use pubsub::prelude::*;
use tokio::time::{Instant, sleep, sleep_until};

use crate::events::{Ended, Quake, QuakeEvent, Replay};

/// The name of the feed.
const FEED: &str = "all_week";

/// For how long the whole week stays on the map before it begins again.
const PAUSE: Duration = Duration::from_secs(8);

pub(crate) struct Pace {
    /// How many times as fast as it happened.
    pub(crate) speed: f64,
    pub(crate) once: bool,
}

/// Publishes the week at its pace; after `once` it waits for ever, since visitors may still come and look.
///
/// A publish that is awaited is one that the hub has: a visitor that is slow is the hub's concern, and delays nobody.
pub(crate) async fn replay(
    hub: &Hub,
    bus: &PubSub<QuakeEvent>,
    week: &[Quake],
    pace: &Pace,
) -> Result<Infallible, Box<dyn std::error::Error>> {
    let (from, to) = (week.first().map_or(0, |first| first.time), week.last().map_or(0, |last| last.time));
    loop {
        let before = last_offset(hub);
        let start = Replay { speed: pace.speed, from, to, quakes: week.len(), before };
        bus.publish(QuakeEvent::REPLAY_STARTED, FEED, start).await?;
        let began = Instant::now();
        for quake in week {
            let since = Duration::from_millis(quake.time.saturating_sub(from).unsigned_abs());
            sleep_until(began + since.div_f64(pace.speed)).await;
            bus.publish(QuakeEvent::QUAKE_REPORTED, &quake.net, quake.clone()).await?;
        }
        bus.publish(QuakeEvent::REPLAY_ENDED, FEED, Ended { again: !pace.once }).await?;
        if pace.once {
            std::future::pending::<()>().await;
        }
        sleep(PAUSE).await;
    }
}

/// Where the hub's history of quakes ends.
fn last_offset(hub: &Hub) -> u64 {
    let name = QuakeEvent::QUAKE_REPORTED.name();
    hub.stats().topics.iter().find(|topic| topic.topic == name).map_or(0, |topic| topic.offset)
}
