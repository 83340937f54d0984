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
        self.raise(clock.now())
    }

    /// It is `moment` at least, whatever the clock says. Gives the latest reading.
    #[inline]
    pub(crate) fn raise(&mut self, moment: C::Instant) -> C::Instant {
        let latest = self.latest.map_or(moment, |latest| latest.max(moment));
        self.latest = Some(latest);
        latest
    }
}
