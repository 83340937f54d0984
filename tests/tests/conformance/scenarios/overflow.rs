//! At the bound.

use pubsub::SubscribeError;
use pubsub::prelude::*;

use crate::exchange::Exchange;
use crate::harness::{App, in_time, next, number, numbers_until};

pub(crate) async fn the_default_at_the_bound<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    if here.guarantees().backpressure {
        let mut numbers = there.subscribe(App::NUMBER).bound(4).await.unwrap();
        let mut accepted = 0;
        // However large the inboxes on the way are, they have a bound.
        while here.publish(App::NUMBER, "a", accepted).now().is_ok() {
            accepted += 1;
            assert!(accepted < 100_000, "publishers do not wait");
        }
        let waiting = here.publish(App::NUMBER, "a", accepted);
        let (answer, got) =
            in_time("room", async { futures::join!(waiting, numbers_until(&mut numbers, accepted)) }).await;
        answer.unwrap();
        assert_eq!(got, (0..=accepted).collect::<Vec<_>>());
        assert_eq!(numbers.missed(), 0);
    } else {
        let refused = there.subscribe(App::NUMBER).overflow(Overflow::Backpressure).await;
        assert_eq!(refused.unwrap_err(), SubscribeError::NoBackpressure);
        let mut numbers = there.subscribe(App::NUMBER).bound(4).await.unwrap();
        let mut fence = there.subscribe(App::NUMBER).await.unwrap();
        for n in 0..10 {
            number(&here, "a", n).await;
        }
        numbers_until(&mut fence, 9).await;
        let first = next(&mut numbers).await;
        assert_eq!((first.payload, first.missed, numbers.missed()), (6, 6, 6));
    }
}

pub(crate) async fn a_reader_that_lags_is_told_how_many_it_missed<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let lagging = |overflow| there.subscribe(App::NUMBER).bound(2).overflow(overflow);
    let mut oldest = lagging(Overflow::DropOldest).await.unwrap();
    let mut newest = lagging(Overflow::DropNewest).await.unwrap();
    let mut latest = lagging(Overflow::LatestPerId).await.unwrap();
    let mut fails = lagging(Overflow::Fail).await.unwrap();
    let mut fence = there.subscribe(App::NUMBER).await.unwrap();
    for n in 0..5 {
        number(&here, if n == 4 { "b" } else { "a" }, n).await;
    }
    numbers_until(&mut fence, 4).await;
    let mut deliveries = oldest.deliveries();
    assert!(matches!(deliveries.next().await, Some(Delivery::Lagged { missed: 3 })));
    for expected in [3, 4] {
        let Some(Delivery::Event(event)) = deliveries.next().await else { panic!("no event") };
        assert_eq!((event.payload, event.missed), (expected, 0));
    }
    assert_eq!(oldest.missed(), 3);
    assert_eq!(numbers_until(&mut newest, 1).await, [0, 1]);
    assert_eq!(newest.missed(), 3);
    assert_eq!(numbers_until(&mut latest, 4).await, [3, 4]);
    assert_eq!(numbers_until(&mut fails, 1).await, [0, 1]);
    assert!(in_time("end", fails.next()).await.is_none());
    assert_eq!(fails.end(), Some(End::Overflowed));
}

pub(crate) async fn a_slow_subscription_costs_no_other_an_event<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let slow = there.subscribe(App::NUMBER).bound(1).overflow(Overflow::DropOldest).await.unwrap();
    let mut quick = there.subscribe(App::NUMBER).await.unwrap();
    let mut own = here.subscribe(App::NUMBER).await.unwrap();
    for n in 0..500 {
        number(&here, "a", n).await;
    }
    let expected: Vec<u64> = (0..500).collect();
    assert_eq!(numbers_until(&mut quick, 499).await, expected);
    assert_eq!(numbers_until(&mut own, 499).await, expected);
    assert_eq!((slow.missed(), quick.missed(), own.missed()), (499, 0, 0));
}
