//! Follows what is newest, and nothing else: the progress bar.
//!
//! It asks for one event and lets older ones give way: the publisher never waits for it, and the line is drawn as
//! often as there is time to. What gave way is counted, and the count is what tells the bar how far the replay is.

use pubsub::prelude::*;

use crate::events::Report;
use crate::progress::Progress;
use crate::received::Received;

pub(crate) async fn follow(mut reports: Subscription<Report>, mut progress: Progress) -> Received {
    let mut received = Received::default();
    while let Some(report) = reports.next().await {
        received.count(&report);
        let quake = &report.payload;
        let newest = format!("{}  {:>4.1} {}", quake.time, quake.magnitude, quake.place);
        progress.draw(received.position(), &newest);
    }
    progress.clear();
    received
}
