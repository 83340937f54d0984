//! What a subscriber got, and what it was told.

use std::collections::HashSet;

/// One row.
pub(crate) struct Story {
    pub(crate) published: u64,
    /// Events that the publisher was told are not taken.
    pub(crate) refused: u64,
    pub(crate) delivered: u64,
    pub(crate) told: Told,
    pub(crate) note: String,
}

/// What the subscriber was told of the rest.
#[derive(Clone, Copy, Default)]
pub(crate) enum Told {
    #[default]
    Nothing,
    /// That it was away, or that something may be missing; not how much.
    Away,
    Exactly(u64),
    /// The process of publisher and subscriber has ended.
    Ended,
}

impl Story {
    pub(crate) fn missing(&self) -> u64 {
        (self.published - self.refused).saturating_sub(self.delivered)
    }

    /// Of how many of these the subscriber knows nothing.
    pub(crate) fn lost_silently(&self) -> u64 {
        match self.told {
            Told::Nothing => self.missing(),
            Told::Away | Told::Ended => 0,
            Told::Exactly(told) => self.missing().saturating_sub(told),
        }
    }
}

/// The numbers that came, as they came.
#[derive(Default)]
pub(crate) struct Numbers {
    seen: HashSet<u64>,
    pub(crate) last: Option<u64>,
    missed: u64,
    unknown: bool,
    notes: Vec<String>,
}

impl Numbers {
    pub(crate) fn event(&mut self, number: u64) {
        assert!(self.seen.insert(number), "{number} came twice");
        self.last = Some(number);
    }

    /// So many were lost, as the subscriber is told; `None` if that is not known.
    pub(crate) fn gap(&mut self, missed: Option<u64>, note: impl Into<String>) {
        match missed {
            Some(missed) => self.missed += missed,
            None => self.unknown = true,
        }
        let note = note.into();
        if self.notes.last() != Some(&note) {
            self.notes.push(note);
        }
    }

    pub(crate) fn story(self, published: u64, refused: u64) -> Story {
        let told = match (self.unknown, self.missed) {
            (true, _) => Told::Away,
            (false, 0) => Told::Nothing,
            (false, missed) => Told::Exactly(missed),
        };
        Story { published, refused, delivered: self.seen.len() as u64, told, note: self.notes.join("; ") }
    }
}
