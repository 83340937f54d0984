//! Follows two topics as one enum: the strongest quake of each day, and which days are over.

use std::collections::BTreeMap;

use pubsub::prelude::*;
use tokio::spawn;

use crate::calendar::Date;
use crate::events::{Quake, QuakeEvent};
use crate::page::Page;
use crate::subscriber::{BOUND, Following, Received};

/// What a calendar has to know. Whoever adds a topic here is told by the compiler where to handle it.
#[derive(Clone, EventSubset)]
#[event_subset(of = QuakeEvent)]
pub(crate) enum Calendar {
    QuakeReported(Quake),
    DayEnded(Date),
}

/// The days, in their order.
#[derive(Default)]
pub(crate) struct Days {
    pub(crate) received: Received,
    days: BTreeMap<Date, Day>,
}

#[derive(Default)]
struct Day {
    reports: u64,
    strongest: Option<Quake>,
    over: bool,
}

pub(crate) async fn follow(bus: &PubSub<QuakeEvent>) -> Following<Days> {
    let calendar = bus.subscribe(Calendar::ALL).bound(BOUND).await?;
    Ok(spawn(calendar.reduce(Days::default(), Days::and)))
}

impl Day {
    fn add(&mut self, quake: Quake) {
        self.reports += 1;
        let so_far = self.strongest.as_ref().map(|strongest| strongest.magnitude);
        if so_far.is_none_or(|magnitude| quake.magnitude > magnitude) {
            self.strongest = Some(quake);
        }
    }
}

impl Days {
    fn and(mut self, event: Event<Calendar>) -> Self {
        self.received.count(&event);
        match event.into_payload() {
            Calendar::QuakeReported(quake) => self.day(quake.time.date()).add(quake),
            Calendar::DayEnded(date) => self.day(date).over = true,
        }
        self
    }

    fn day(&mut self, date: Date) -> &mut Day {
        self.days.entry(date).or_default()
    }

    pub(crate) fn show(&self, page: &mut Page) {
        if self.days.is_empty() {
            return;
        }
        page.heading("Strongest of each day");
        page.note(&format!("{:>18} {:>5} {:>8}", "reports", "mag", "km deep"));
        for (date, day) in &self.days {
            let Some(quake) = &day.strongest else { continue };
            let so_far = if day.over { "" } else { "so far: " };
            let place = page.fit(&format!("{so_far}{}", quake.place), 35);
            let (reports, magnitude, depth) = (day.reports, quake.magnitude, quake.depth_km);
            page.line(&format!("{date} {reports:>7} {magnitude:>5.1} {depth:>8.0}  {place}"));
        }
    }
}
