//! How fast a client may send: the generic cell rate algorithm of ITU-T I.371, a leaky bucket in one number.

use std::time::Duration;

/// How many messages a client may send.
///
/// Each event and each command counts one, and a `__subscribe` as many as it names addresses. Beyond it a message is
/// answered with `rate_limited` and the time to wait, and nothing else happens, but that `__unsubscribe` is done; so many of these one after the other
/// close the connection with 4008.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many in a second, over time. 0 counts as 1.
    pub per_second: u32,
    /// So many at once, after a pause.
    pub burst: u32,
    /// After so many refusals without a message within the rate between them, 4008: 64 by [`new`](Self::new).
    pub max_refused: u32,
}

impl Rate {
    /// With this rate and burst, and the default patience.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst, max_refused: 64 }
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.per_second.max(1)
    }
}

/// What became of a message by its time alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Metered {
    Within,
    /// To be sent again after this time.
    Beyond(Duration),
    /// Once too often.
    Abused,
}

/// What one client has sent.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// When all that was sent would have come at the rate.
    paid_until: Duration,
    refused: u32,
}

impl Meter {
    pub(super) fn take(&mut self, rate: &Rate, now: Duration) -> Metered {
        let allowance = rate.interval() * rate.burst.max(1);
        let paid_until = self.paid_until.max(now).saturating_add(rate.interval());
        if let Some(wait) =
            paid_until.checked_sub(now.saturating_add(allowance)).filter(|wait| !wait.is_zero())
        {
            self.refused += 1;
            return if self.refused > rate.max_refused { Metered::Abused } else { Metered::Beyond(wait) };
        }
        self.paid_until = paid_until;
        self.refused = 0;
        Metered::Within
    }

    /// The last that was taken counts for nothing.
    pub(super) fn give_back(&mut self, rate: &Rate) {
        self.paid_until = self.paid_until.saturating_sub(rate.interval());
        self.refused = self.refused.saturating_sub(1);
    }

    /// What was taken was as much as so many more.
    pub(super) fn charge(&mut self, rate: &Rate, now: Duration, more: usize) {
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let cost = rate.interval().saturating_mul(more);
        self.paid_until = self.paid_until.max(now).saturating_add(cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let (rate, mut meter) = (Rate::new(10, 3), Meter::default());
        for _ in 0..3 {
            assert_eq!(meter.take(&rate, at(0)), Metered::Within);
        }
        assert_eq!(meter.take(&rate, at(0)), Metered::Beyond(at(100)));
        assert_eq!(meter.take(&rate, at(99)), Metered::Beyond(at(1)));
        assert_eq!(meter.take(&rate, at(100)), Metered::Within, "after as long as was said");
        assert_eq!(meter.take(&rate, at(100)), Metered::Beyond(at(100)));
        // What was not used is not saved up beyond the burst.
        let taken = (0..10).filter(|_| meter.take(&rate, at(60_000)) == Metered::Within);
        assert_eq!(taken.count(), 3);
    }

    #[test]
    fn refusals_in_a_row_are_counted() {
        let (rate, mut meter) = (Rate { max_refused: 2, ..Rate::new(1, 1) }, Meter::default());
        assert_eq!(meter.take(&rate, at(0)), Metered::Within);
        assert!(matches!(meter.take(&rate, at(0)), Metered::Beyond(_)));
        assert_eq!(meter.take(&rate, at(1000)), Metered::Within, "which forgives");
        for _ in 0..2 {
            assert!(matches!(meter.take(&rate, at(1000)), Metered::Beyond(_)));
        }
        assert_eq!(meter.take(&rate, at(1000)), Metered::Abused);
    }

    #[test]
    fn nothing_overflows() {
        let (rate, mut meter) = (Rate::new(0, u32::MAX), Meter::default());
        assert_eq!(meter.take(&rate, at(0)), Metered::Within);
        meter.charge(&rate, at(0), usize::MAX);
        assert!(matches!(meter.take(&rate, at(0)), Metered::Within | Metered::Beyond(_)));
    }
}
