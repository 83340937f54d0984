//! The turns of publishes that wait at one log or queue.

use std::collections::{BTreeSet, VecDeque};

/// Keys of waiting publishes, the longest waiting first. Almost always empty, so it takes one word.
#[derive(Default)]
#[expect(clippy::box_collection, reason = "one word in each log, most of which nobody ever waits at")]
pub(super) struct Claims(Option<Box<VecDeque<u64>>>);

impl Claims {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn first(&self) -> Option<u64> {
        self.0.as_ref().and_then(|keys| keys.front().copied())
    }

    /// Keys are given out in order, so the newest goes to the back.
    pub(super) fn join(&mut self, key: u64) {
        self.0.get_or_insert_default().push_back(key);
    }

    /// If `key` had the first turn, the next publish may have waited for nothing but its turn: it is added to
    /// `next`.
    pub(super) fn leave(&mut self, key: u64, next: &mut BTreeSet<u64>) {
        let Some(keys) = &mut self.0 else { return };
        let Ok(place) = keys.binary_search(&key) else { return };
        keys.remove(place);
        if place == 0 {
            next.extend(keys.front());
        }
        if keys.is_empty() {
            self.0 = None;
        }
    }

    /// Everybody's turn, when there is nothing left to wait for here.
    pub(super) fn take(&mut self) -> VecDeque<u64> {
        self.0.take().map(|keys| *keys).unwrap_or_default()
    }
}
