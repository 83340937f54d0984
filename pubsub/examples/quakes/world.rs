//! Follows every report and puts it on a map.

use std::collections::BTreeMap;

use pubsub::prelude::*;
use tokio::spawn;

use crate::coast::{self, Cell};
use crate::events::{QuakeEvent, Report};
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
pub(crate) const CLASSES: [(f64, &str, u8); 5] =
    [(6.0, "◉", 196), (5.0, "●", 208), (4.0, "•", 220), (2.5, "◦", 150), (f64::NEG_INFINITY, "·", 110)];

/// The colour of the coast.
const LAND: u8 = 240;

pub(crate) fn class(magnitude: f64) -> usize {
    let found = CLASSES.iter().position(|(from, ..)| magnitude >= *from);
    found.unwrap_or(CLASSES.len() - 1)
}

pub(crate) async fn follow(bus: &PubSub<QuakeEvent>) -> Following<World> {
    let reports = bus.subscribe(QuakeEvent::QUAKE_REPORTED).bound(BOUND).await?;
    Ok(spawn(reports.reduce(World::default(), World::and)))
}

/// A map that is cut in two shows less than none.
pub(crate) fn fits(page: &Page) -> bool {
    page.room_beside(0) >= coast::COLUMNS
}

/// The map, with what `mark` puts on it.
pub(crate) fn draw(page: &mut Page, mark: impl Fn(&Page, Cell) -> Option<String>) {
    for (row, coast) in coast::LINES.lines().enumerate() {
        // What lies between two marks is painted in one piece: a frame of `--watch` is a fifth of what it would be.
        let (mut line, mut land) = (String::new(), String::new());
        for (column, coast) in coast.chars().enumerate() {
            match mark(page, Cell { row, column }) {
                None => land.push(coast),
                Some(mark) => {
                    line += &page.hue(LAND, &std::mem::take(&mut land));
                    line += &mark;
                }
            }
        }
        line += &page.hue(LAND, &land);
        page.line(&line);
    }
}

impl World {
    fn and(mut self, report: Report) -> Self {
        self.received.count(&report);
        let quake = &report.payload;
        self.classes[class(quake.magnitude)] += 1;
        if let Some(cell) = coast::cell(quake.lon, quake.lat) {
            let strongest = self.cells.entry(cell).or_insert(quake.magnitude);
            *strongest = strongest.max(quake.magnitude);
        }
        self
    }

    pub(crate) fn show(&self, page: &mut Page) {
        if self.received.delivered == 0 || !fits(page) {
            return;
        }
        page.gap();
        draw(page, |page, cell| {
            let (_, mark, hue) = CLASSES[class(*self.cells.get(&cell)?)];
            Some(page.hue(hue, mark))
        });
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
