//! How long to wait before the next try.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

/// Delays between tries that fail again and again: random up to a ceiling that doubles, known as full jitter.
///
/// The ceiling begins at `min` and doubles with each delay up to `max`; a delay is drawn evenly between nothing and
/// the ceiling. So clients that lost one server at one moment do not come back at one moment, and none waits longer
/// than `max`.
///
/// Nothing but [`stable`](Self::stable) begins anew. Call it when a connection has lasted, not when it was opened: a
/// server that accepts and then closes would be asked every `min` otherwise.
///
/// It keeps no clock and waits for nothing.
///
/// ```
/// use std::time::Duration;
/// use pubsub_transports::Backoff;
///
/// let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(20));
/// assert!(backoff.next_delay() <= Duration::from_millis(500));
/// assert!(backoff.next_delay() <= Duration::from_secs(1));
/// backoff.stable();
/// assert!(backoff.next_delay() <= Duration::from_millis(500));
/// ```
#[derive(Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    ceiling: Duration,
    random: Rng,
}

impl Backoff {
    /// The default of [`min`](Self::new): 500 ms.
    pub const MIN: Duration = Duration::from_millis(500);
    /// The default of [`max`](Self::new): 20 s.
    pub const MAX: Duration = Duration::from_secs(20);

    /// Delays of up to `min` at first and never above `max`. If `min` is more than `max`, it is `max`.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Self {
        Self::with_random(min, max, Rng::new())
    }

    /// As [`new`](Self::new), with the delays that belong to this seed.
    ///
    /// They are the same in every run of one version of this crate, for tests; another version may draw others.
    #[must_use]
    pub fn with_seed(min: Duration, max: Duration, seed: u64) -> Self {
        Self::with_random(min, max, Rng::with_seed(seed))
    }

    fn with_random(min: Duration, max: Duration, random: Rng) -> Self {
        let min = min.min(max);
        Self { min, max, ceiling: min, random }
    }

    /// How long to wait before the next try.
    pub fn next_delay(&mut self) -> Duration {
        // A `u64` of nanoseconds lasts for 584 years; a longer delay is cut to that.
        let ceiling = u64::try_from(self.ceiling.as_nanos()).unwrap_or(u64::MAX);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.max);
        Duration::from_nanos(self.random.u64(..=ceiling))
    }

    /// What was tried for has lasted: the next delay is one of the first again.
    pub fn stable(&mut self) {
        self.ceiling = self.min;
    }
}

impl Default for Backoff {
    /// From [`MIN`](Self::MIN) to [`MAX`](Self::MAX).
    fn default() -> Self {
        Self::new(Self::MIN, Self::MAX)
    }
}

/// Without the state of the generator, which tells the delays to come.
impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("min", &self.min)
            .field("max", &self.max)
            .field("ceiling", &self.ceiling)
            .finish_non_exhaustive()
    }
}
