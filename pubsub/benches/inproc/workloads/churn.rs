//! Subscribing and dropping the subscription.

use std::time::Instant;

use super::ids;
use crate::bus::Bus;

const TOTAL: usize = 20_000;

/// Each time another of 1,000 ids that nobody follows; 10,000 other ids are followed.
pub(crate) fn fresh_ids<B: Bus>() -> f64 {
    let bus = B::new(256);
    let others: Vec<_> = ids(10_000).iter().map(|id| bus.one(id)).collect();
    let fresh: Vec<String> = (0..1_000).map(|number| format!("fresh-{number}")).collect();
    let start = Instant::now();
    for turn in 0..TOTAL {
        drop(bus.one(&fresh[turn % fresh.len()]));
    }
    let elapsed = start.elapsed();
    drop(others);
    elapsed.as_nanos() as f64 / TOTAL as f64
}

/// Among 1,000 others on the same id.
pub(crate) fn same_id<B: Bus>() -> f64 {
    let bus = B::new(256);
    let others: Vec<_> = (0..1_000).map(|_| bus.one("project-0")).collect();
    let start = Instant::now();
    for _ in 0..TOTAL {
        drop(bus.one("project-0"));
    }
    let elapsed = start.elapsed();
    drop(others);
    elapsed.as_nanos() as f64 / TOTAL as f64
}
