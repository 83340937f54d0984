//! What is no event.

use pubsub::BusError;
use pubsub::prelude::*;

use crate::exchange::{Bad, Exchange};
use crate::harness::{App, in_time, next, number};

pub(crate) async fn what_cannot_be_read_is_one_visible_error_and_the_next_event_comes<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut errors = there.errors();
    let mut one = there.subscribe(App::NUMBER.id("a")).await.unwrap();
    let mut other = there.subscribe(App::NUMBER.id("b")).await.unwrap();
    let mut bad_ones = 0;
    for bad in [Bad::Garbage, Bad::UnknownType, Bad::WrongPayload] {
        if !exchange.put("a", bad).await {
            continue;
        }
        bad_ones += 1;
        number(&here, "a", bad_ones).await;
        let error = in_time("error", errors.next()).await;
        assert!(matches!(error, Some(BusError::Undecodable(_))), "{bad:?}: {error:?}");
        assert_eq!(next(&mut one).await.payload, bad_ones, "{bad:?}");
        assert_eq!(there.error_count(), bad_ones, "{bad:?}");
        number(&here, "b", 0).await;
        assert_eq!(next(&mut other).await.payload, 0);
    }
    assert_eq!((one.missed(), other.missed()), (0, 0));
    // In a stream of its own, at its place.
    if exchange.put("a", Bad::WrongPayload).await {
        number(&here, "a", 9).await;
        let mut deliveries = one.deliveries();
        let notice = in_time("notice", deliveries.next()).await;
        // Those before were passed over.
        assert!(matches!(notice, Some(Delivery::Undecodable(_))), "{notice:?}");
        let event = in_time("event", deliveries.next()).await;
        assert!(matches!(event, Some(Delivery::Event(event)) if event.payload == 9));
    }
}
