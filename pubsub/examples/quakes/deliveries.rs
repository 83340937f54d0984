//! Who got what.

use crate::page::Page;
use crate::subscriber::Received;

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
        page.note(&format!("{:<10} {:<30} {:>9} {:>7}", "subscriber", "follows", "delivered", "missed"));
        for (name, follows, Received { delivered, missed }) in self.rows {
            page.line(&format!("{name:<10} {follows:<30} {delivered:>9} {missed:>7}"));
        }
    }
}
