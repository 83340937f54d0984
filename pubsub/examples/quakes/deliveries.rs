//! Who got what.

use crate::chart::fit;
use crate::page::Page;
use crate::subscriber::Received;

/// Columns of the table: the name, what it follows where there is room, and the rest with the spaces between them.
const NAME: usize = 10;
const FOLLOWS: usize = 30;
const NUMBERS: usize = 19;

/// A subscriber, what it follows, and what it received.
type Row = (&'static str, &'static str, Received);

pub(crate) struct Deliveries<const N: usize> {
    pub(crate) topics: String,
    pub(crate) rows: [Row; N],
}

impl<const N: usize> Deliveries<N> {
    pub(crate) fn show(&self, page: &mut Page) {
        page.heading("Deliveries");
        let topics = page.fit(&self.topics, 0);
        page.note(&topics);
        page.gap();
        let width = page.room_beside(NAME + NUMBERS).min(FOLLOWS);
        page.note(&format!(
            "{:<NAME$} {:<width$} {:>9} {:>7}",
            "subscriber", "follows", "delivered", "missed"
        ));
        for (name, follows, Received { delivered, missed }) in self.rows {
            let follows = fit(follows, width);
            page.line(&format!("{name:<NAME$} {follows:<width$} {delivered:>9} {missed:>7}"));
        }
    }
}
