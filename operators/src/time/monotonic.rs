//! Readings of a clock that never go back, whatever the clock does.

use crate::Clock;

/// What is kept in order of arrival is in order of expiry only if time does not run backwards.
pub(crate) struct Monotonic<C: Clock> {
    latest: Option<C::Instant>,
}

impl<C: Clock> Monotonic<C> {
    pub(crate) const fn new() -> Self {
        Self { latest: None }
    }

    #[inline]
    pub(crate) fn read(&mut self, clock: &C) -> C::Instant {
        let now = clock.now();
        let now = self.latest.map_or(now, |latest| latest.max(now));
        self.latest = Some(now);
        now
    }
}
