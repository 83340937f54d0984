//! Follows every report: how many each network made, and the strongest of each.

use std::collections::BTreeMap;

use pubsub::prelude::*;
use tokio::spawn;

use crate::calendar::Timestamp;
use crate::chart::bar;
use crate::events::{Network, QuakeEvent, Report};
use crate::page::Page;
use crate::subscriber::{BOUND, Following, Received};

/// The reports, by network.
#[derive(Default)]
pub(crate) struct Networks {
    pub(crate) received: Received,
    networks: BTreeMap<Network, Totals>,
    period: Option<(Timestamp, Timestamp)>,
    kinds: BTreeMap<String, u64>,
}

struct Totals {
    reports: u64,
    strongest: f64,
}

pub(crate) async fn follow(bus: &PubSub<QuakeEvent>) -> Following<Networks> {
    let reports = bus.subscribe(QuakeEvent::QUAKE_REPORTED).bound(BOUND).await?;
    Ok(spawn(reports.reduce(Networks::default(), Networks::and)))
}

impl Networks {
    fn and(mut self, report: Report) -> Self {
        self.received.count(&report);
        let quake = &report.payload;
        let totals = self
            .networks
            .entry(report.id.clone())
            .or_insert(Totals { reports: 0, strongest: quake.magnitude });
        totals.reports += 1;
        totals.strongest = totals.strongest.max(quake.magnitude);
        let (first, last) = self.period.get_or_insert((quake.time, quake.time));
        (*first, *last) = ((*first).min(quake.time), (*last).max(quake.time));
        *self.kinds.entry(quake.kind.clone()).or_default() += 1;
        self
    }

    /// The line above everything.
    pub(crate) fn title(&self, page: &mut Page) {
        let Some((first, last)) = self.period else {
            return page.plain("nothing was reported");
        };
        page.heading(&format!("Earthquakes, {first} to {last} UTC"));
        let kinds = self.kinds.iter().map(|(kind, count)| format!("{kind} {count}"));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        let note = page.fit(&format!("{} reports: {kinds}", self.received.delivered), 0);
        page.note(&note);
    }

    pub(crate) fn show(&self, page: &mut Page) {
        let mut rows: Vec<_> = self.networks.iter().collect();
        rows.sort_by_key(|(_, totals)| std::cmp::Reverse(totals.reports));
        let Some((_, busiest)) = rows.first() else { return };
        page.heading("By network");
        page.note(&format!("{:>32} {:>9}", "reports", "strongest"));
        let (most, room) = (busiest.reports as f64, page.room_beside(44));
        for (network, Totals { reports, strongest }) in rows {
            let bar = page.accent(&bar(*reports as f64 / most, room));
            let name = network.name();
            page.line(&format!("{name:<20} {network:>3} {reports:>7} {strongest:>9.1}  {bar}"));
        }
    }
}
