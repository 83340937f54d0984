//! `pipe!`: everything infers.
#![allow(dead_code, unused_imports, reason = "the probes share their beginning")]

use futures::{Stream, stream};
use pubsub_operators::*;

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    id: u64,
    topic: String,
    size: u32,
}

type Events = stream::Iter<std::vec::IntoIter<Event>>;

fn events() -> Events {
    stream::iter(Vec::new())
}

fn numbers() -> stream::Iter<std::ops::Range<u32>> {
    stream::iter(0..10)
}

fn is_send<T: Send>(value: T) -> T {
    value
}

/// Checks the item type.
fn gives<T, S: Stream<Item = T>>(_: S) {}

fn a_chain() {
    gives::<String, _>(pipe!(
        events(),
        filter(|e| e.size > 3),
        map(|e| e.topic),
        filter(|t| t.starts_with("a")),
        take(3)
    ));
}

fn with_foreign_traits() {
    use futures::StreamExt;
    use tokio_stream::StreamExt as _;
    gives::<f64, _>(pipe!(
        events(),
        filter(|e| e.size > 3),
        map(|e| e.size),
        take(3),
        pipe(map(|n: u32| f64::from(n)))
    ));
}

fn async_steps() {
    async fn ok(t: &str) -> bool {
        !t.is_empty()
    }
    gives::<u32, _>(is_send(pipe!(
        events(),
        filter_async(async |e| ok(&e.topic).await),
        map(|e| e.size),
        take(3)
    )));
}

fn no_step() {
    gives::<Event, _>(pipe!(events()));
}

fn main() {
    a_chain();
    with_foreign_traits();
    async_steps();
    no_step();
}
