//! What order is kept.

use crate::exchange::Exchange;
use crate::harness::{App, next, number, numbers_until};

pub(crate) async fn own_events_come_once_and_in_the_order_of_the_exchange<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut own = here.subscribe(App::NUMBER).await.unwrap();
    let mut foreign = there.subscribe(App::NUMBER).await.unwrap();
    for n in 0..50 {
        number(if n % 2 == 0 { &here } else { &there }, "a", n).await;
    }
    number(&here, "a", 50).await;
    let expected: Vec<u64> = (0..=50).collect();
    assert_eq!(numbers_until(&mut own, 50).await, expected);
    assert_eq!(numbers_until(&mut foreign, 50).await, expected);
}

/// From several threads at once.
pub(crate) async fn events_of_one_publisher_and_address_keep_their_order<X: Exchange>() {
    const EACH: u64 = 200;
    let exchange = X::start().await;
    let readers = [exchange.bus().await, exchange.bus().await];
    let mut subscriptions = Vec::new();
    for reader in &readers {
        subscriptions.push(reader.subscribe(App::NUMBER).await.unwrap());
    }
    let mut publishers = Vec::new();
    for publisher in 0..3 {
        let bus = exchange.bus().await;
        let handle = tokio::runtime::Handle::current();
        publishers.push(std::thread::spawn(move || {
            handle.block_on(async {
                for n in 0..EACH {
                    let id = if n % 2 == 0 { "even" } else { "odd" };
                    number(&bus, id, publisher * EACH + n).await;
                }
            });
        }));
    }
    let mut orders = Vec::new();
    for subscription in &mut subscriptions {
        let mut seen = Vec::new();
        while seen.len() < 3 * EACH as usize {
            let event = next(subscription).await;
            assert_eq!(event.missed, 0);
            seen.push((event.id.to_string(), event.payload));
        }
        orders.push(seen);
    }
    publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    for seen in &orders {
        for publisher in 0..3 {
            for (id, first) in [("even", 0), ("odd", 1)] {
                let own = publisher * EACH..(publisher + 1) * EACH;
                let got = seen.iter().filter(|(other, n)| other == id && own.contains(n)).map(|(_, n)| *n);
                let expected = (publisher * EACH + first..own.end).step_by(2);
                assert_eq!(got.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
        }
    }
    let ordering = readers[0].guarantees().ordering;
    if format!("{ordering:?}") == "PerTopic" {
        assert_eq!(orders[0], orders[1], "all see the events of one type in one order");
    }
}
