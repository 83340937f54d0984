//! One publisher, bursts, four of them in flight at most; every subscriber reads everything, in order.

use std::time::Instant;

use super::{Pace, runtime};
use crate::bus::{Bus, Status};

const ID: &str = "project-42";

/// Nanoseconds for each delivery. With bursts of 1 every subscriber is parked when the event comes.
pub(crate) fn fan_out<B: Bus>(subscribers: usize, burst: u64, deliveries: u64) -> f64 {
    let window = if burst == 1 { 1 } else { 4 };
    let total = (deliveries / subscribers as u64 / burst).max(4) * burst;
    let bus = B::new(512);
    let pace = Pace::new(window, subscribers);
    let elapsed = runtime().block_on(async {
        let subscribers: Vec<_> = (0..subscribers)
            .map(|_| tokio::spawn(consume::<B>(bus.one(ID), total, burst, pace.clone())))
            .collect();
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        let start = Instant::now();
        let publisher = tokio::spawn(async move {
            for number in 0..total {
                if number % burst == 0 {
                    pace.start().await;
                }
                bus.publish_now(ID, Status::new(number + 1, 0));
            }
        });
        publisher.await.expect("no panic");
        for subscriber in subscribers {
            subscriber.await.expect("no panic");
        }
        start.elapsed()
    });
    elapsed.as_nanos() as f64 / (total * subscribers as u64) as f64
}

async fn consume<B: Bus>(mut subscription: B::Subscription, total: u64, burst: u64, pace: Pace) {
    for number in 1..=total {
        let (received, _) = B::receive(&mut subscription).await;
        assert_eq!(received, number, "lost or out of order");
        if number % burst == 0 {
            pace.read(number / burst);
        }
    }
}
