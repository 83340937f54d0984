//! Publishing alone: finding who follows, or that nobody does. Nobody reads.

use std::hint::black_box;
use std::time::Instant;

use super::{Order, ids};
use crate::bus::{Bus, Status};

/// One subscription on each of `count` ids, published to in random order. The buses drop the oldest.
pub(crate) fn routing<B: Bus>(count: usize) -> f64 {
    let names = ids(count);
    let bus = B::new(16);
    let subscriptions: Vec<_> = names.iter().map(|id| bus.one(id)).collect();
    // Until every buffer that is taken as events come is there.
    for number in 0..20 {
        names.iter().for_each(|id| bus.publish_now(id, Status::new(number, 0)));
    }
    let mut random = Order::new();
    let order: Vec<usize> = (0..400_000).map(|_| random.below(count)).collect();
    let start = Instant::now();
    for &place in &order {
        bus.publish_now(&names[place], Status::new(1, 0));
    }
    let elapsed = start.elapsed();
    drop(subscriptions);
    elapsed.as_nanos() as f64 / order.len() as f64
}

/// Publishes to ids that nobody follows, while `others` of the same topic are followed.
pub(crate) fn nobody<B: Bus>(others: usize) -> f64 {
    let bus = B::new(16);
    let subscriptions: Vec<_> = ids(others).iter().map(|id| bus.one(id)).collect();
    let absent: Vec<String> = (0..64).map(|number| format!("absent-{number}")).collect();
    let total = 1_000_000;
    let start = Instant::now();
    for number in 0..total {
        bus.publish_now(black_box(&absent[number as usize % 64]), Status::new(number, 0));
    }
    let elapsed = start.elapsed();
    drop(subscriptions);
    elapsed.as_nanos() as f64 / total as f64
}
