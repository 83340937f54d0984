//! How far a history is known, and what the next entry says was lost.

use std::sync::Arc;

use compact_str::{CompactString, ToCompactString};

use super::epoch::Top;
use crate::redis::resp::EntryId;
use crate::{Gap, GapReason, Position};

/// Everything up to an entry is known.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    id: EntryId,
    /// The epoch, as text.
    epoch: CompactString,
    /// The run of the server on which it was certain that nothing was missing; `None` if it never was.
    run: Option<Arc<str>>,
    /// Nothing was seen yet, and whatever comes first is no loss.
    is_fresh: bool,
}

/// The first entry of an epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker<'a> {
    /// The run of the server.
    pub(super) run: &'a [u8],
    /// The last entry before it; none if there was no stream.
    pub(super) prev: EntryId,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is known already.
    Seen,
    /// It is new, after a loss or none.
    New(Option<Gap>),
}

impl Cursor {
    /// All up to `id` is known, on this run of the server.
    pub(super) fn at(id: EntryId, run: Option<Arc<str>>) -> Self {
        Self { id, epoch: id.epoch.to_compact_string(), run, is_fresh: false }
    }

    /// Before everything: what comes first is no loss.
    pub(super) fn fresh() -> Self {
        Self { is_fresh: true, ..Self::at(EntryId::default(), None) }
    }

    /// Before the first that there is.
    pub(super) fn before(top: Top) -> Self {
        top.before_first.map_or_else(Self::fresh, |id| Self::at(id, None))
    }

    /// After what a user has seen.
    pub(super) fn after(position: &Position) -> Self {
        // An epoch that is none of ours is another history, as one that is over is.
        let epoch = position.epoch().and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        Self::at(EntryId { epoch, offset: position.offset() }, None)
    }

    pub(super) fn id(&self) -> EntryId {
        self.id
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    pub(super) fn position(&self) -> Position {
        Position::new(self.id.offset).with_epoch(&self.epoch)
    }

    /// An entry came.
    pub(super) fn step(&mut self, id: EntryId, marker: Option<Marker<'_>>) -> Step {
        if id <= self.id && !self.is_fresh {
            return Step::Seen;
        }
        let mut gap = None;
        if id.epoch == self.id.epoch {
            // A server that says what it should not is no reason to fail.
            let missed = id.offset.saturating_sub(self.id.offset).saturating_sub(1);
            gap = (missed > 0).then(|| Gap::new(GapReason::Evicted, Some(missed)));
        } else {
            let own = self.run.as_deref().map(str::as_bytes);
            let goes_on = marker.is_some_and(|marker| marker.prev == self.id && own == Some(marker.run));
            if !goes_on {
                gap = Some(Gap::new(GapReason::Epoch, None));
                let run = marker.and_then(|marker| std::str::from_utf8(marker.run).ok()).map(Arc::from);
                // Whoever begins with what is there has all of it.
                self.run = run.or_else(|| self.run.take().filter(|_| self.is_fresh));
            }
            self.epoch = id.epoch.to_compact_string();
        }
        if std::mem::take(&mut self.is_fresh) {
            gap = None;
        }
        self.id = id;
        Step::New(gap)
    }

    /// Nothing came, although the stream ended there: all up to it is gone. `None` if that was known, or is no loss.
    pub(super) fn passes_over(&mut self, end: EntryId, is_certain: bool) -> Option<Gap> {
        if end <= self.id {
            return None;
        }
        let gap = match end.epoch == self.id.epoch {
            true => Gap::new(GapReason::Evicted, Some(end.offset - self.id.offset)),
            false => Gap::new(GapReason::Epoch, None),
        };
        let was_fresh = self.is_fresh;
        *self = Self::at(end, self.run.take().filter(|_| is_certain));
        (!was_fresh).then_some(gap)
    }

    /// A connection was made, on which the stream ends at `top`. `is_certain` if its epoch began on this run of the server.
    pub(super) fn reconnected(&mut self, top: EntryId, run: &Arc<str>, is_certain: bool) -> Option<Gap> {
        if top >= self.id {
            if top == self.id && is_certain {
                self.run = Some(Arc::clone(run));
            }
            return None;
        }
        // The stream has gone back: what is there of our epoch was seen, and another epoch was not.
        let certain = is_certain.then(|| Arc::clone(run));
        *self = if top.epoch == self.id.epoch {
            Self::at(top, certain)
        } else {
            Self { run: certain, ..Self::fresh() }
        };
        Some(Gap::new(GapReason::Epoch, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(epoch: u64, offset: u64) -> EntryId {
        EntryId { epoch, offset }
    }

    fn cursor(at: EntryId) -> Cursor {
        Cursor::at(at, Some(Arc::from("one")))
    }

    fn lost(reason: GapReason, missed: Option<u64>) -> Step {
        Step::New(Some(Gap::new(reason, missed)))
    }

    #[test]
    fn a_hole_in_the_offsets_is_that_many_events() {
        let mut cursor = cursor(id(7, 3));
        assert_eq!(cursor.step(id(7, 4), None), Step::New(None));
        assert_eq!(cursor.step(id(7, 4), None), Step::Seen);
        assert_eq!(cursor.step(id(7, 10), None), lost(GapReason::Evicted, Some(5)));
        assert_eq!(cursor.position(), Position::new(10).with_epoch("7"));
    }

    #[test]
    fn an_epoch_goes_on_only_where_nothing_can_be_between() {
        let marker = |run, prev| Some(Marker { run, prev });
        let cases = [
            (marker(&b"one"[..], id(7, 3)), Step::New(None)),
            (marker(b"one", id(7, 4)), lost(GapReason::Epoch, None)),
            (marker(b"one", id(0, 0)), lost(GapReason::Epoch, None)),
            (marker(b"two", id(7, 3)), lost(GapReason::Epoch, None)),
            (None, lost(GapReason::Epoch, None)),
        ];
        for (marker, expected) in cases {
            let mut cursor = cursor(id(7, 3));
            assert_eq!(cursor.step(id(9, 0), marker), expected, "{marker:?}");
            assert_eq!(cursor.step(id(9, 1), None), Step::New(None));
        }
        assert_eq!(Cursor::after(&Position::new(3)).step(id(9, 0), None), lost(GapReason::Epoch, None));
    }

    #[test]
    fn who_has_seen_nothing_has_lost_nothing() {
        let mut cursor = Cursor::fresh();
        assert_eq!(cursor.step(id(7, 100), None), Step::New(None));
        assert_eq!(cursor.step(id(7, 102), None), lost(GapReason::Evicted, Some(1)));
    }

    #[test]
    fn a_stream_that_went_back_is_another_history() {
        let run = Arc::from("two");
        let gap = Some(Gap::new(GapReason::Epoch, None));
        let mut same = cursor(id(7, 3));
        assert_eq!(same.reconnected(id(7, 3), &run, true), None);
        assert_eq!(same.reconnected(id(7, 2), &run, true), gap);
        assert_eq!(same.step(id(7, 3), None), Step::New(None));
        let mut other = cursor(id(7, 3));
        assert_eq!(other.reconnected(id(5, 9), &run, true), gap);
        assert_eq!(other.step(id(5, 1), None), Step::New(None));
    }
}
