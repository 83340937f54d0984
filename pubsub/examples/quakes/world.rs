//! Follows every report and puts it on a map.

use std::collections::BTreeMap;

use pubsub::prelude::*;
use tokio::spawn;

use crate::coast::{self, Cell};
use crate::events::{Quake, QuakeEvent};
use crate::page::Page;
use crate::subscriber::{BOUND, Following, Received};

/// The strongest quake in each cell of the map.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) received: Received,
    cells: BTreeMap<Cell, f64>,
    classes: [u64; CLASSES.len()],
}

/// From this magnitude on, the mark, and its 256-colour code.
const CLASSES: [(f64, char, u8); 5] =
    [(6.0, '◉', 196), (5.0, '●', 208), (4.0, '•', 220), (2.5, '◦', 150), (f64::NEG_INFINITY, '·', 110)];

fn class(magnitude: f64) -> usize {
    let found = CLASSES.iter().position(|(from, ..)| magnitude >= *from);
    found.unwrap_or(CLASSES.len() - 1)
}

pub(crate) async fn follow(bus: &PubSub<QuakeEvent>) -> Following<World> {
    let mut reports = bus.subscribe(QuakeEvent::QUAKE_REPORTED).bound(BOUND).await?;
    Ok(spawn(async move {
        let mut world = World::default();
        while let Some(report) = reports.next().await {
            world.received.count(&report);
            world.add(&report.payload);
        }
        world
    }))
}

impl World {
    fn add(&mut self, quake: &Quake) {
        self.classes[class(quake.magnitude)] += 1;
        if let Some(cell) = coast::cell(quake.lon, quake.lat) {
            let strongest = self.cells.entry(cell).or_insert(quake.magnitude);
            *strongest = strongest.max(quake.magnitude);
        }
    }

    pub(crate) fn show(&self, page: &mut Page) {
        if self.received.delivered == 0 || page.room_beside(0) < coast::COLUMNS {
            return; // a map that is cut in two shows less than none
        }
        page.gap();
        for (row, coast) in coast::LINES.lines().enumerate() {
            let cells = coast.chars().enumerate().map(|(column, land)| {
                match self.cells.get(&Cell { row, column }).map(|strongest| CLASSES[class(*strongest)]) {
                    Some((_, mark, hue)) => page.hue(hue, mark),
                    None => page.hue(240, land),
                }
            });
            let line: String = cells.collect();
            page.line(&line);
        }
        let mut legend = "magnitude  ".to_owned();
        for ((from, mark, hue), count) in CLASSES.into_iter().zip(self.classes) {
            let mark = page.hue(hue, mark);
            legend += &match from {
                f64::NEG_INFINITY => format!("{mark} smaller: {count}"),
                from => format!("{mark} {from}+: {count}   "),
            };
        }
        page.line(&legend);
    }
}
