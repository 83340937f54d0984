//! Follows what is newest, and nothing else: the progress bar.
//!
//! It asks for one event and lets older ones give way: the publisher never waits for it, and the line is drawn as
//! often as there is time to. What gave way is counted, and the count is what tells the bar how far the replay is.

use pubsub::prelude::*;
use tokio::spawn;

use crate::events::QuakeEvent;
use crate::progress::Progress;
use crate::subscriber::{Following, Received};

pub(crate) async fn follow(bus: &PubSub<QuakeEvent>, mut progress: Progress) -> Following<Received> {
    let reports = bus.subscribe(QuakeEvent::QUAKE_REPORTED);
    let mut reports = reports.bound(1).overflow(Overflow::DropOldest).await?;
    Ok(spawn(async move {
        let mut received = Received::default();
        while let Some(report) = reports.next().await {
            received.count(&report);
            let quake = &report.payload;
            let newest = format!("{}  {:>4.1} {}", quake.time, quake.magnitude, quake.place);
            progress.draw(received.position(), &newest);
        }
        progress.clear();
        received
    }))
}
