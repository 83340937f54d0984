//! Publishers that run as fast as one subscriber with a bound of 256 lets them.

use std::time::Instant;

use super::runtime;
use crate::bus::{Bus, Status};

const ID: &str = "project-42";
const BOUND: usize = 256;

/// Nanoseconds for each event.
pub(crate) fn backpressure<B: Bus>(publishers: u64, total: u64) -> f64 {
    let bus = B::new(BOUND);
    let elapsed = runtime().block_on(async {
        let mut subscription = bus.one(ID);
        let start = Instant::now();
        let subscriber = tokio::spawn(async move {
            let mut last = vec![0; publishers as usize];
            for _ in 0..total {
                let (number, publisher) = B::receive(&mut subscription).await;
                let last = &mut last[publisher as usize];
                assert_eq!(number, *last + 1, "lost or out of order");
                *last = number;
            }
        });
        let publishers: Vec<_> = (0..publishers)
            .map(|publisher| {
                let bus = bus.clone();
                tokio::spawn(async move {
                    for number in 1..=total / publishers {
                        bus.publish(ID, Status::new(number, publisher)).await;
                    }
                })
            })
            .collect();
        for publisher in publishers {
            publisher.await.expect("no panic");
        }
        subscriber.await.expect("no panic");
        start.elapsed()
    });
    elapsed.as_nanos() as f64 / total as f64
}

/// The floor: a channel of values, without a bus, topics, ids or sharing.
pub(crate) fn bare_mpsc(total: u64) -> f64 {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Status>(BOUND);
    let elapsed = runtime().block_on(async {
        let start = Instant::now();
        let subscriber = tokio::spawn(async move {
            for number in 1..=total {
                let received = receiver.recv().await.expect("not closed");
                assert_eq!(received.number, number, "lost or out of order");
            }
        });
        let publisher = tokio::spawn(async move {
            for number in 1..=total {
                sender.send(Status::new(number, 0)).await.expect("not closed");
            }
        });
        publisher.await.expect("no panic");
        subscriber.await.expect("no panic");
        start.elapsed()
    });
    elapsed.as_nanos() as f64 / total as f64
}
