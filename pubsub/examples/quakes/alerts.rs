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
    let events = bus.subscribe(Alert::ALL).bound(BOUND).await?;
    Ok(spawn(events.reduce(Alerts::default(), Alerts::and)))
}

impl Alerts {
    fn and(mut self, event: Event<Alert>) -> Self {
        self.received.count(&event);
        match event.into_payload() {
            Alert::QuakeFelt(report) => self.felt.push(report),
            Alert::TsunamiFlagged(flag) => self.flagged.push(flag),
        }
        self
    }

    pub(crate) fn show(&self, page: &mut Page) {
        self.show_felt(page);
        self.show_flagged(page);
    }

    fn show_felt(&self, page: &mut Page) {
        let mut felt: Vec<_> = self.felt.iter().collect();
        felt.sort_by_key(|report| std::cmp::Reverse(report.reports));
        let Some(most) = felt.first() else { return };
        let people: u64 = felt.iter().map(|report| u64::from(report.reports)).sum();
        page.heading(&format!("Felt: {people} people reported {} quakes", felt.len()));
        page.note(&format!("{:>7} {:>5}", "people", "mag"));
        for FeltReport { reports, magnitude, place, .. } in felt.iter().take(SHOWN) {
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
