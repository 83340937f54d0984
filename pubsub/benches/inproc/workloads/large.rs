//! One payload of 1 MiB to 64 subscribers, which look at it: nanoseconds for each delivery.

use std::time::Instant;

use pubsub::{EventMap, PubSub};

const SIZE: usize = 1 << 20;
const SUBSCRIBERS: usize = 64;
const TOTAL: usize = 200;

#[derive(EventMap)]
enum Large {
    Blob(Blob),
}

/// It cannot be cloned, so what does not compile with it would copy.
struct Blob(Vec<u8>);

pub(crate) fn large() -> f64 {
    let bus = PubSub::<Large>::default();
    let mut subscriptions: Vec<_> = (0..SUBSCRIBERS)
        .map(|_| bus.subscribe(Large::BLOB.id("a")).now().expect("the bus is open"))
        .collect();
    let start = Instant::now();
    for _ in 0..TOTAL {
        let blob = Blob(vec![0; SIZE]);
        let place = blob.0.as_ptr();
        assert!(bus.publish(Large::BLOB, "a", blob).now().is_ok());
        for subscription in &mut subscriptions {
            let event = subscription.try_next().expect("it was published");
            assert_eq!(event.payload.0.as_ptr(), place, "it was copied");
        }
    }
    start.elapsed().as_nanos() as f64 / (TOTAL * SUBSCRIBERS) as f64
}

pub(crate) fn large_by_broadcast() -> f64 {
    let (sender, _) = tokio::sync::broadcast::channel(16);
    let mut receivers: Vec<_> = (0..SUBSCRIBERS).map(|_| sender.subscribe()).collect();
    let start = Instant::now();
    for _ in 0..TOTAL {
        let blob = std::sync::Arc::new(Blob(vec![0; SIZE]));
        let place = blob.0.as_ptr();
        assert!(sender.send(blob).is_ok());
        for receiver in &mut receivers {
            let event = receiver.try_recv().expect("it was sent");
            assert_eq!(event.0.as_ptr(), place, "it was copied");
        }
    }
    start.elapsed().as_nanos() as f64 / (TOTAL * SUBSCRIBERS) as f64
}
