//! The end of a bus.

use pubsub::SubscribeError;
use pubsub::prelude::*;

use crate::exchange::Exchange;
use crate::harness::{App, in_time, next, number, numbers_until};

pub(crate) async fn a_closed_bus_refuses_and_what_it_had_can_be_read<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut numbers = there.subscribe(App::NUMBER).await.unwrap();
    let mut fence = there.subscribe(App::NUMBER).await.unwrap();
    for n in 0..3 {
        number(&here, "a", n).await;
    }
    numbers_until(&mut fence, 2).await;
    let report = in_time("end", there.close()).await;
    assert_eq!((report.unread, report.subscriptions, report.unsent), (3, 1, 0), "{report}");
    assert_eq!(report.unread_by_topic.into_iter().collect::<Vec<_>>(), [("number", 3)]);
    assert!(there.is_closed());
    let refused = there.publish(App::NUMBER, "a", 3).await;
    assert!(matches!(&refused, Err(PublishError::Closed(event)) if event.payload == 3), "{refused:?}");
    assert!(matches!(there.publish(App::NUMBER, "a", 3).now(), Err(PublishError::Closed(_))));
    assert_eq!(there.subscribe(App::NUMBER).await.unwrap_err(), SubscribeError::Closed);
    assert_eq!(numbers_until(&mut numbers, 2).await, [0, 1, 2]);
    assert!(in_time("end", numbers.next()).await.is_none());
    assert_eq!(numbers.end(), Some(End::Closed));
    assert!(in_time("end", there.close().until(std::future::pending::<()>())).await.is_clean());
}

pub(crate) async fn closing_one_bus_leaves_the_others_alone<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there, gone) = (exchange.bus().await, exchange.bus().await, exchange.bus().await);
    let mut numbers = there.subscribe(App::NUMBER).await.unwrap();
    let _unread = gone.subscribe(App::NUMBER).await.unwrap();
    number(&gone, "a", 1).await;
    assert_eq!(next(&mut numbers).await.payload, 1);
    in_time("end", gone.close()).await;
    let published = here.publish(App::NUMBER, "a", 2).await;
    if X::IS_ONE_BUS {
        assert!(matches!(published, Err(PublishError::Closed(_))));
    } else {
        published.unwrap();
        assert_eq!(next(&mut numbers).await.payload, 2);
        assert!(!here.is_closed());
    }
}

pub(crate) async fn a_dropped_bus_ends_its_subscriptions<X: Exchange>() {
    let exchange = X::start().await;
    let bus = exchange.bus().await;
    let mut numbers = bus.subscribe(App::NUMBER).await.unwrap();
    number(&bus, "a", 1).await;
    number(&bus, "a", 2).await;
    assert_eq!(next(&mut numbers).await.payload, 1);
    assert_eq!(next(&mut numbers).await.payload, 2);
    drop((bus, exchange));
    assert!(in_time("end", numbers.next()).await.is_none());
    assert_eq!(numbers.end(), Some(End::Closed));
}
