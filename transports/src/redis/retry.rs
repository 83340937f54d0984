//! When to try again.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::Limits;
use crate::Backoff;

/// Delays count from the beginning of a try, so that one that hangs until its timeout does not add to them.
pub(super) struct Retry {
    backoff: Backoff,
    /// A connection that lasted so long was a good one.
    stable_after: Duration,
    began: Option<Instant>,
    connected: Instant,
    attempt: u32,
}

impl Retry {
    pub(super) fn new(limits: &Limits) -> Self {
        let (min, max) = limits.backoff;
        let backoff = Backoff::new(min, max);
        Self { backoff, stable_after: max, began: None, connected: Instant::now(), attempt: 0 }
    }

    /// When to try next.
    pub(super) fn next(&mut self) -> Instant {
        let now = Instant::now();
        if self.began.is_none() && now.duration_since(self.connected) >= self.stable_after {
            self.backoff.stable();
        }
        (self.began.unwrap_or(now) + self.backoff.next_delay()).max(now)
    }

    /// A try begins; which one it is.
    pub(super) fn begin(&mut self) -> u32 {
        self.began = Some(Instant::now());
        self.attempt += 1;
        self.attempt
    }

    /// Whether one is tried, or was and has not succeeded.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn is_trying(&self) -> bool {
        self.began.is_some()
    }

    /// The try has succeeded.
    pub(super) fn connected(&mut self) {
        (self.began, self.attempt, self.connected) = (None, 0, Instant::now());
    }
}
