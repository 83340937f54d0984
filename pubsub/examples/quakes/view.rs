//! What `--watch` shows: the state of the picture, and its frames.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::io;

use crate::chart::{bar, sparkline};
use crate::clock::Clock;
use crate::coast::{self, Cell};
use crate::events::{FeltReport, Network, Quake, Report};
use crate::layout::Layout;
use crate::live::{Live, Window};
use crate::mark::{self, Mark};
use crate::page::Page;
use crate::terminal::{self, Size};
use crate::watch::{Change, Felt, Rate};
use crate::world::{self, CLASSES};

/// Felt reports that are kept: as many as the highest terminal has lines.
const FELT: usize = 200;
/// A place that is cut to fewer columns than these is hard to tell.
const PLACE: usize = 12;

pub(crate) struct View {
    clock: Clock,
    total: u64,
    seen: u64,
    recent: VecDeque<Report>,
    strong: Option<Report>,
    felt: VecDeque<Felt>,
    networks: BTreeMap<Network, Live>,
}

impl View {
    pub(crate) fn new(clock: Clock, total: u64) -> Self {
        let (recent, felt) = (VecDeque::new(), VecDeque::new());
        Self { clock, total, seen: 0, recent, strong: None, felt, networks: BTreeMap::new() }
    }

    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Reported(report) => {
                self.seen += 1;
                self.networks.entry(report.id.clone()).or_default().reports += 1;
                let now = self.clock.now();
                self.recent.retain(|old| now.since(old.payload.time) < mark::LIFE);
                self.recent.push_back(report);
            }
            Change::Rate(Rate { network, reports, strongest }) => {
                let window = Window { ended: self.clock.now(), reports, strongest };
                self.networks.entry(network).or_default().push(window);
            }
            Change::Felt(felt) => {
                self.felt.truncate(FELT - 1);
                self.felt.push_front(felt);
            }
            Change::Strong(report) => self.strong = Some(report),
        }
    }

    /// The picture as it is now. It has as many lines as there are, and the last one tells how far the replay is.
    pub(crate) fn frame(&self, Size { columns, lines }: Size) -> String {
        let mut page = Page::new(columns, terminal::has_colours(&io::stdout()));
        let layout = Layout::new(lines, world::fits(&page));
        page.heading(&format!("Earthquakes, {} UTC", self.clock.now()));
        if layout.map {
            self.map(&mut page);
        }
        self.newest_strong(&mut page);
        if layout.networks > 0 {
            self.rates(&mut page, layout.networks);
        }
        if layout.felt > 0 {
            self.felt(&mut page, layout.felt);
        }
        page.fill(lines - 1);
        self.progress(&mut page);
        page.into_text()
    }

    fn map(&self, page: &mut Page) {
        let now = self.clock.now();
        let mut marks: BTreeMap<Cell, Mark> = BTreeMap::new();
        for report in &self.recent {
            let quake = &report.payload;
            let mark = Mark::new(quake.magnitude, now.since(quake.time));
            if let (Some(cell), Some(mark)) = (coast::cell(quake.lon, quake.lat), mark) {
                let shown = marks.entry(cell).or_insert(mark);
                *shown = shown.or(mark);
            }
        }
        page.gap();
        world::draw(page, |page, cell| Some(marks.get(&cell)?.draw(page)));
        let mut legend = "magnitude ".to_owned();
        for (from, mark, hue) in CLASSES {
            let mark = page.hue(hue, mark);
            legend += &if from.is_finite() { format!(" {mark} {from}+ ") } else { format!(" {mark} less ") };
        }
        if page.has_colours() {
            let (new, old) = (page.painted("1", "bold: this hour"), page.painted("2", "faint: old"));
            legend += &format!("  {new}, {old}");
        }
        page.line(&legend);
    }

    fn newest_strong(&self, page: &mut Page) {
        let line = match &self.strong {
            None => "Newest strong: none yet".to_owned(),
            Some(report) => {
                let Quake { magnitude, place, depth_km, time, .. } = &report.payload;
                let minutes = self.clock.now().since(*time).as_secs() / 60;
                let ago = format!("{} h {:02} min ago", minutes / 60, minutes % 60);
                let mut when = format!("{depth_km:.0} km deep, {ago}");
                if page.room_beside(24 + when.len()) < PLACE {
                    when = ago;
                }
                let place = page.fit(place, 24 + when.len());
                format!("Newest strong: {magnitude:.1}  {place}, {when}")
            }
        };
        page.heading(&line);
    }

    /// A line for each of the networks with the most reports; the columns are hours, the last one on the right.
    fn rates(&self, page: &mut Page, rows: usize) {
        let mut columns = format!("{:>7} {:>9}", "reports", "strongest");
        let note = "  a column an hour";
        if page.room_beside(44) >= note.len() {
            columns += note;
        }
        page.heading(&format!("{:<26} {columns}", "By network, 6 hours each"));
        let mut networks: Vec<_> = self.networks.iter().collect();
        networks.sort_by_key(|(_, live)| Reverse(live.reports));
        networks.truncate(rows);
        let (now, hours) = (self.clock.now(), page.room_beside(44).max(1));
        let series: Vec<_> = networks.iter().flat_map(|(_, live)| live.hours(now, hours)).collect();
        // One scale for all.
        let drawn: Vec<_> = sparkline(&series).chars().collect();
        for ((network, live), line) in networks.into_iter().zip(drawn.chunks(hours)) {
            let line = page.accent(&line.iter().collect::<String>());
            let name = network.name();
            let figures = match live.current(now) {
                Some(window) => format!("{:>7} {:>9.1}", window.reports, window.strongest),
                None => format!("{:>7} {:>9}", 0, ""),
            };
            page.line(&format!("{name:<20} {network:>3} {figures}  {line}"));
        }
    }

    fn felt(&self, page: &mut Page, rows: usize) {
        page.heading(&format!("{:<18} {:>6} {:>5} {:>8}", "Felt", "people", "mag", "km deep"));
        for Felt { people, quake } in self.felt.iter().take(rows) {
            let FeltReport { reports, .. } = people.payload;
            let Quake { time, magnitude, depth_km, place, .. } = &quake.payload;
            let place = page.fit(place, 40);
            page.line(&format!("{time} {reports:>6} {magnitude:>5.1} {depth_km:>8.0}  {place}"));
        }
    }

    fn progress(&self, page: &mut Page) {
        let done = self.seen as f64 / self.total.max(1) as f64;
        let text = format!("{} of {} reports, Ctrl-C ends", self.seen, self.total);
        let room = page.room_beside(text.len() + 2);
        let bar = page.accent(&format!("{:<room$}", bar(done, room)));
        page.line(&format!("{bar}  {text}"));
    }
}
