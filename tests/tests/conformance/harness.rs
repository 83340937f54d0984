//! The event map of the suite.

use pubsub::prelude::*;
pub(crate) use pubsub_tests::waiting::{in_time, next, until_async as until};
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

/// Runs a scenario.
pub(crate) fn run(scenario: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(scenario);
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
