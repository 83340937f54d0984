//! One subscription on 1,000 ids and one on all of them, paced bursts of 64.

use std::time::Instant;

use super::{Order, Pace, ids, runtime};
use crate::bus::{Bus, Status};

const TOTAL: u64 = 192_000;
const BURST: u64 = 64;

/// Nanoseconds for each published event.
pub(crate) fn several<B: Bus>() -> f64 {
    let names = ids(1_000);
    let bus = B::new(512);
    let pace = Pace::new(4, 2);
    let elapsed = runtime().block_on(async {
        let many = tokio::spawn(consume::<B>(bus.many(&names), pace.clone()));
        let whole = tokio::spawn(consume::<B>(bus.whole(), pace.clone()));
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        let start = Instant::now();
        let publisher = tokio::spawn(async move {
            let mut random = Order::new();
            for number in 0..TOTAL {
                if number % BURST == 0 {
                    pace.start().await;
                }
                bus.publish_now(&names[random.below(names.len())], Status::new(number + 1, 0));
            }
        });
        publisher.await.expect("no panic");
        many.await.expect("no panic");
        whole.await.expect("no panic");
        start.elapsed()
    });
    elapsed.as_nanos() as f64 / TOTAL as f64
}

/// A peer that merges a stream for each id promises no order among them, so events are only counted.
async fn consume<B: Bus>(mut subscription: B::Subscription, pace: Pace) {
    for number in 1..=TOTAL {
        B::receive(&mut subscription).await;
        if number % BURST == 0 {
            pace.read(number / BURST);
        }
    }
}
