//! Handlers.

use std::sync::{Arc, Mutex};

use pubsub::BusError;
use pubsub::prelude::*;

use crate::exchange::Exchange;
use crate::harness::{App, in_time, number, until};

pub(crate) async fn handlers_handle_in_order_and_a_failure_loses_no_later_event<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut errors = there.errors();
    let handled = Arc::<Mutex<Vec<u64>>>::default();
    let seen = Arc::clone(&handled);
    let handler = there
        .on(App::NUMBER, async move |event: Event<u64>| {
            seen.lock().unwrap().push(event.payload);
            if event.payload == 2 { Err("two") } else { Ok(()) }
        })
        .spawn();
    // Until what the handler follows is live too.
    drop(there.subscribe(App::NUMBER).await.unwrap());
    for n in 0..10 {
        number(&here, "a", n).await;
    }
    until("end", async || handled.lock().unwrap().len() == 10).await;
    assert_eq!(*handled.lock().unwrap(), (0..10).collect::<Vec<_>>());
    let error = in_time("error", errors.next()).await;
    assert!(matches!(error, Some(BusError::HandlerFailed { topic: "number", .. })));
    handler.unsubscribe();
}
