//! Named functions, `through`, and operators returned from functions.
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

fn through() {
    gives::<u32, _>(events().through(|s| s.filter(|e| e.size > 3).map(|e| e.size).take(3)));
}

fn send_is_said() {
    fn hot(s: impl Stream<Item = Event> + Send) -> impl Stream<Item = String> + Send {
        s.flow().filter(|e| e.size > 3).map(|e| e.topic)
    }
    gives::<String, _>(is_send(events().pipe(hot)));
}

fn send_leaks() {
    fn hot(s: impl Stream<Item = Event>) -> impl Stream<Item = String> {
        s.flow().filter(|e| e.size > 3).map(|e| e.topic)
    }
    gives::<String, _>(is_send(events().pipe(hot)));
}

fn one_function_for_two_sources() {
    fn hot(s: impl Stream<Item = Event>) -> impl Stream<Item = Event> {
        s.flow().filter(|e| e.size > 3)
    }
    let _ = events().pipe(hot);
    let _ = stream::empty::<Event>().pipe(hot);
}

fn a_returned_operator() {
    fn hot<S: Stream<Item = Event>>() -> impl Operator<S, Out: Stream<Item = u32>> {
        (filter(|e: &Event| e.size > 3), map(|e: Event| e.size))
    }
    gives::<u32, _>(events().pipe(hot()));
}

fn a_returned_operator_that_says_send() {
    fn hot<S: Stream<Item = Event> + Send>() -> impl Operator<S, Out: Stream<Item = u32> + Send> {
        (filter(|e: &Event| e.size > 3), map(|e: Event| e.size))
    }
    gives::<u32, _>(is_send(events().pipe(hot())));
}

fn a_closure_that_says_its_type() {
    gives::<Event, _>(events().pipe(|s: Events| s.flow().filter(|e| e.size > 3)));
}

fn main() {
    through();
    send_is_said();
    send_leaks();
    one_function_for_two_sources();
    a_returned_operator();
    a_returned_operator_that_says_send();
    a_closure_that_says_its_type();
}
