//! Publishes that have waited for long are told of, once as long as somebody waits for the topic.
//!
//! A bus has no timer: whoever joins the line, or looks how its publish stands, looks at the clock too.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Engine;
use super::line::Line;
use crate::overflow::defaults;

/// What is told: the topic, and how long the first publish to it has waited.
type Tell = Box<dyn Fn(usize, Duration) + Send + Sync>;

pub(super) struct Overdue {
    after_nanos: AtomicU64,
    tell: OnceLock<Tell>,
}

impl Default for Overdue {
    fn default() -> Self {
        Self { after_nanos: AtomicU64::new(nanos(defaults::WARN_BLOCKED_AFTER)), tell: OnceLock::new() }
    }
}

/// A time beyond 584 years is never.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Engine {
    /// Who is told of waits that are too long. The first one stays.
    pub(crate) fn tell_overdue(&self, tell: impl Fn(usize, Duration) + Send + Sync + 'static) {
        let _ = self.overdue.tell.set(Box::new(tell));
    }

    pub(crate) fn set_overdue_after(&self, time: Duration) {
        self.overdue.after_nanos.store(nanos(time), Ordering::Relaxed);
    }

    /// Whether the first publish that waits for this topic has waited for too long, and how long. `Some` once as long as
    /// somebody waits for it.
    pub(super) fn find_overdue(&self, line: &mut Line, topic: usize) -> Option<Duration> {
        let after = Duration::from_nanos(self.overdue.after_nanos.load(Ordering::Relaxed));
        let waited = line.longest_wait(topic).filter(|waited| *waited >= after)?;
        line.tell_of(topic).then_some(waited)
    }

    /// Without a lock: it runs code of the bus.
    pub(super) fn tell_if_overdue(&self, topic: usize, waited: Option<Duration>) {
        if let (Some(waited), Some(tell)) = (waited, self.overdue.tell.get()) {
            tell(topic, waited);
        }
    }
}
