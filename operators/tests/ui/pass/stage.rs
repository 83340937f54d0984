//! `stage`: everything infers after one type.
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
    gives::<String, _>(
        events().pipe(
            stage::<Event>()
                .filter(|e| e.size > 3)
                .map(|e| e.topic)
                .filter(|t| t.len() > 2)
                .take(3),
        ),
    );
}

fn cloned() {
    let op = stage::<Event>().filter(|e| e.size > 3).map(|e| e.topic).take(3);
    let _ = events().pipe(op.clone());
    gives::<String, _>(stream::empty::<Event>().pipe(op));
}

fn copied() {
    let op = stage::<Event>().filter(|e| e.size > 3).take(3);
    let _ = events().pipe(op);
    let _ = events().pipe(op);
}

fn copied_with_a_memory() {
    let op = stage::<Event>().dedupe(8, |e| e.id);
    let _ = events().pipe(op);
    let _ = events().pipe(op);
}

fn send() {
    let op = stage::<Event>().filter(|e| e.size > 3).map(|e| e.topic).take(3);
    let _ = is_send(op);
    gives::<String, _>(is_send(events().pipe(op)));
}

fn in_a_tuple() {
    let op = stage::<Event>().filter(|e| e.size > 3).map(|e| e.size);
    gives::<u32, _>(events().pipe((op, stage().map(|n: u32| n + 1), take(2))));
}

fn inferred_from_the_first_closure() {
    gives::<String, _>(
        events().pipe(
            stage()
                .filter(|e: &Event| e.size > 3)
                .map(|e| e.topic)
                .filter(|t| t.len() > 2),
        ),
    );
}

fn inferred_from_use() {
    gives::<Event, _>(events().pipe(stage().take(3)));
}

fn a_borrowed_key() {
    gives::<Event, _>(events().pipe(stage::<Event>().dedupe_ref(8, |e| e.topic.as_str())));
}

fn returned_by_what_comes_out() {
    fn hot<S: Stream<Item = Event>>() -> impl Operator<S, Out: Stream<Item = String>> {
        stage::<Event>().filter(|e| e.size > 3).map(|e| e.topic)
    }
    gives::<String, _>(events().pipe(hot()));
}

fn a_terminal_step() {
    let _ = async {
        let _: Vec<u32> = events().pipe(stage::<Event>().map(|e| e.size).to_vec()).await;
    };
}

fn main() {
    a_chain();
    cloned();
    copied();
    copied_with_a_memory();
    send();
    in_a_tuple();
    inferred_from_the_first_closure();
    inferred_from_use();
    a_borrowed_key();
    returned_by_what_comes_out();
    a_terminal_step();
}
