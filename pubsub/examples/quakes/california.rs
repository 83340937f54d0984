//! Follows two ids of one topic: the networks of Southern and Northern California.

use pubsub::prelude::*;
use tokio::spawn;

use crate::calendar::Timestamp;
use crate::chart::sparkline;
use crate::events::{Network, QuakeEvent, Report};
use crate::page::Page;
use crate::subscriber::{BOUND, Following, Received};

/// When they reported.
#[derive(Default)]
pub(crate) struct California {
    pub(crate) received: Received,
    times: Vec<Timestamp>,
}

pub(crate) async fn follow(bus: &PubSub<QuakeEvent>) -> Following<California> {
    let networks = [Network::SOUTHERN_CALIFORNIA, Network::NORTHERN_CALIFORNIA];
    let networks = networks.map(|network| QuakeEvent::QUAKE_REPORTED.id(&network));
    let reports = bus.subscribe(networks).bound(BOUND).await?;
    Ok(spawn(reports.reduce(California::default(), California::and)))
}

impl California {
    fn and(mut self, report: Report) -> Self {
        self.received.count(&report);
        self.times.push(report.payload.time);
        self
    }

    /// A line of bars, each for an equal part of the time.
    pub(crate) fn show(&self, page: &mut Page) {
        let (Some(first), Some(last)) = (self.times.iter().min(), self.times.iter().max()) else {
            return;
        };
        let mut parts = vec![0; page.room_beside(0)];
        let span = last.ms() - first.ms() + 1;
        for time in &self.times {
            let part = (time.ms() - first.ms()) * parts.len() as i64 / span;
            parts[part as usize] += 1;
        }
        let hours = span as f64 / 3_600_000.0 / parts.len() as f64;
        page.heading(&format!("California: {} reports", self.times.len()));
        let line = page.accent(&sparkline(&parts));
        page.line(&line);
        let (from, to) = (first.date().short(), last.date().short());
        let legend = format!("{from}, {hours:.1} hours a bar, at most {}", parts.iter().max().unwrap_or(&0));
        let gap = page.room_beside(legend.chars().count() + to.chars().count());
        page.note(&format!("{legend}{:gap$}{to}", ""));
    }
}
