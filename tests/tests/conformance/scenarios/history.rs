//! Beginning in the past.

use pubsub::{Positions, Since, SubscribeError};

use crate::exchange::Exchange;
use crate::harness::{App, in_time, next, number, numbers_until};

pub(crate) async fn the_past_comes_once_where_it_is_kept_and_is_refused_elsewhere<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut first = there.subscribe(App::NUMBER).await.unwrap();
    for n in 0..20 {
        number(&here, "a", n).await;
    }
    assert_eq!(numbers_until(&mut first, 9).await, (0..=9).collect::<Vec<_>>());
    let positions = first.positions();
    if !there.guarantees().history {
        assert!(positions.is_empty());
        let refused = in_time("answer", there.subscribe(App::NUMBER).since(positions).into_future()).await;
        assert_eq!(refused.expect_err("nothing is kept"), SubscribeError::NoHistory);
        return;
    }
    drop(first);
    let mut second = there.subscribe(App::NUMBER).since(&positions).await.unwrap();
    let mut all = there.subscribe(App::NUMBER.id("a")).since(Since::Beginning).await.unwrap();
    let mut now = there.subscribe(App::NUMBER).since(Positions::new()).await.unwrap();
    for n in 20..40 {
        number(&here, "a", n).await;
    }
    assert_eq!(numbers_until(&mut second, 39).await, (10..40).collect::<Vec<_>>());
    assert_eq!(numbers_until(&mut all, 39).await, (0..40).collect::<Vec<_>>());
    assert_eq!(numbers_until(&mut now, 39).await, (20..40).collect::<Vec<_>>());
    number(&here, "b", 40).await;
    for subscription in [&mut second, &mut now] {
        assert_eq!(next(subscription).await.payload, 40);
        assert_eq!((subscription.missed(), subscription.gaps()), (0, 0));
    }
    assert_eq!(second.positions(), now.positions());
}
