//! Promised order: per publisher and address, over real threads and with real waiting.

use std::collections::HashMap;

use crate::harness::{App, bus};

/// Publishers on threads of their own, a reader that checks every publisher's order.
fn in_order(bound: usize, publishers: u64, events: u64) {
    let bus = bus();
    let mut reader = bus.subscribe(App::NUMBER).bound(bound).now().unwrap();
    std::thread::scope(|scope| {
        for publisher in 0..publishers {
            let bus = bus.clone();
            scope.spawn(move || {
                let id = publisher.to_string();
                futures::executor::block_on(async {
                    for n in 0..events {
                        bus.publish(App::NUMBER, &id, n).await.unwrap();
                    }
                });
            });
        }
        drop(bus);
        let mut next: HashMap<String, u64> = HashMap::new();
        futures::executor::block_on(async {
            while let Some(event) = reader.next().await {
                let next = next.entry(event.id.to_string()).or_default();
                assert_eq!((event.payload, event.missed), (*next, 0));
                *next += 1;
            }
        });
        assert_eq!(next.len() as u64, publishers);
        assert!(next.values().all(|&count| count == events), "{next:?}");
    });
}

#[test]
fn under_backpressure_none_is_lost_and_none_reordered() {
    for bound in [1, 2, 3, 64] {
        in_order(bound, 1, 20_000);
        in_order(bound, 4, 5_000);
    }
}
