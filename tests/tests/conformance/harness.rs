//! The event map of the suite, and waiting with a deadline.

use std::time::Duration;

use pubsub::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum App {
    Number(u64),
    #[event(id = u32)]
    Text(String),
    Pair(u8, u8),
    Restart,
}

#[derive(Clone, Debug, PartialEq, EventSubset)]
#[event_subset(of = App)]
pub(crate) enum Part {
    Pair(u8, u8),
    Restart,
}

/// How long anything that is awaited may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Runs a scenario.
pub(crate) fn run(scenario: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(scenario);
}

/// What comes in time.
pub(crate) async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("no {what} in time"))
}

pub(crate) async fn next<E>(subscription: &mut Subscription<E>) -> E {
    in_time("event", subscription.next()).await.expect("the subscription goes on")
}

/// The payloads of the next events up to and including `last`.
pub(crate) async fn numbers_until(subscription: &mut Subscription<Event<u64>>, last: u64) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.last() != Some(&last) {
        numbers.push(next(subscription).await.payload);
    }
    numbers
}

pub(crate) async fn number(bus: &PubSub<App>, id: &str, number: u64) {
    in_time("answer", bus.publish(App::NUMBER, id, number)).await.expect("it is accepted");
}

/// Waits until it holds: asked again and again, since nobody tells.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    in_time(what, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
