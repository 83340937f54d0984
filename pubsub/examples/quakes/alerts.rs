//! Follows what people care about: which quakes were felt, and which could have raised the sea.

use pubsub::prelude::*;
use tokio::spawn;

use crate::chart::bar;
use crate::events::{FeltReport, QuakeEvent, TsunamiFlag};
use crate::page::Page;
use crate::subscriber::{BOUND, Following, Received};

/// How many of the most felt are shown.
const SHOWN: usize = 5;

/// Two of the topics, with a `match` that has to name both.
#[derive(Clone, EventSubset)]
#[event_subset(of = QuakeEvent)]
pub(crate) enum Alert {
    QuakeFelt(FeltReport),
    TsunamiFlagged(TsunamiFlag),
}

#[derive(Default)]
pub(crate) struct Alerts {
    pub(crate) received: Received,
    felt: Vec<FeltReport>,
    flagged: Vec<TsunamiFlag>,
}

pub(crate) async fn follow(bus: &PubSub<QuakeEvent>) -> Following<Alerts> {
    let mut events = bus.subscribe(Alert::ALL).bound(BOUND).await?;
    Ok(spawn(async move {
        let mut alerts = Alerts::default();
        while let Some(event) = events.next().await {
            alerts.received.count(&event);
            match event.into_payload() {
                Alert::QuakeFelt(report) => alerts.felt.push(report),
                Alert::TsunamiFlagged(flag) => alerts.flagged.push(flag),
            }
        }
        alerts.felt.sort_by_key(|report| std::cmp::Reverse(report.reports));
        alerts
    }))
}

impl Alerts {
    pub(crate) fn show(&self, page: &mut Page) {
        self.show_felt(page);
        self.show_flagged(page);
    }

    fn show_felt(&self, page: &mut Page) {
        let Some(most) = self.felt.first() else { return };
        let people: u64 = self.felt.iter().map(|report| u64::from(report.reports)).sum();
        page.heading(&format!("Felt: {people} people reported {} quakes", self.felt.len()));
        page.note(&format!("{:>7} {:>5}", "people", "mag"));
        for FeltReport { reports, magnitude, place } in self.felt.iter().take(SHOWN) {
            let bar = page.accent(&format!("{:<16}", bar(f64::from(*reports) / f64::from(most.reports), 16)));
            let place = page.fit(place, 33);
            page.line(&format!("{reports:>7} {magnitude:>5.1}  {bar}  {place}"));
        }
    }

    fn show_flagged(&self, page: &mut Page) {
        if self.flagged.is_empty() {
            return;
        }
        page.heading("Flagged: large and in an oceanic region");
        page.note(&format!("{:<16} {:>5}", "UTC", "mag"));
        for TsunamiFlag { time, magnitude, place } in &self.flagged {
            let place = page.fit(place, 25);
            page.line(&format!("{time} {magnitude:>5.1}  {place}"));
        }
    }
}
