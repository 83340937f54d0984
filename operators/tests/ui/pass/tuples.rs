//! Tuples of operator values: what infers without a type, and where one annotation is enough.
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

fn arithmetic_without_types() {
    gives::<u32, _>(numbers().pipe((filter(|x| *x > 3), map(|x| x * 2), take(3))));
}

fn comparison_of_references() {
    gives::<u32, _>(numbers().pipe((filter(|x| x > &3), take(3))));
}

fn a_field_of_an_annotated_item() {
    gives::<Event, _>(events().pipe((filter(|e: &Event| e.size > 3), take(3))));
}

fn types_change_on_the_way() {
    gives::<f64, _>(events().pipe((
        filter(|e: &Event| e.size > 3),
        map(|e: Event| e.size),
        map(|n: u32| f64::from(n)),
        take(3),
    )));
}

fn arithmetic_after_an_annotation() {
    gives::<u32, _>(events().pipe((map(|e: Event| e.size), map(|n| n + 1), take(3))));
}

fn a_function_by_name() {
    fn large(e: &Event) -> bool {
        e.size > 3
    }
    gives::<Event, _>(events().pipe((filter(large), take(3))));
}

fn a_function_of_the_standard_library() {
    gives::<u64, _>(numbers().pipe((map(u64::from), take(3))));
}

fn a_terminal_step() {
    fn vector<F: Future<Output = Vec<u32>>>(_: F) {}
    vector(numbers().pipe((map(|x| x + 1), to_vec())));
}

fn a_pattern_names_the_type() {
    gives::<u32, _>(events().pipe((map(|Event { size, .. }| size), take(3))));
}

fn a_pattern_behind_a_reference() {
    gives::<Event, _>(events().pipe((filter(|Event { size, .. }: &Event| *size > 3), take(3))));
}

fn a_turbofish() {
    gives::<u32, _>(events().pipe((
        filter::<Event, _>(|e| e.size > 3),
        map::<Event, _, _>(|e| e.size),
        take(3),
    )));
}

fn the_function_pipe() {
    gives::<u32, _>(pipe(
        events(),
        (filter(|e: &Event| e.size > 3), map(|e: Event| e.size), take(3)),
    ));
}

fn a_key() {
    gives::<Event, _>(events().pipe((dedupe(64, |e: &Event| e.id), take(3))));
}

fn nested() {
    let head = (filter(|e: &Event| e.size > 3), map(|e: Event| e.size));
    gives::<Vec<u32>, _>(events().pipe((head, (take(3), batch(2)))));
}

fn a_function_as_a_step() {
    fn even<S: Stream<Item = u32>>(s: S) -> impl Stream<Item = u32> {
        s.flow().filter(|n| n % 2 == 0)
    }
    gives::<u32, _>(events().pipe((map(|e: Event| e.size), even, take(3))));
}

fn reduce_with_a_cast() {
    let _ = numbers().pipe(reduce(0u64, |a, x| a + x as u64));
}

fn reduce_with_an_annotation() {
    let _ = numbers().pipe(reduce(0u64, |a, x: u32| a + u64::from(x)));
}

fn send() {
    gives::<u32, _>(is_send(events().pipe((
        filter(|e: &Event| e.size > 3),
        map(|e: Event| e.size),
        take(3),
    ))));
}

fn what_comes_out_goes_on() {
    gives::<u32, _>(events().pipe(map(|e: Event| e.size)).map(|n| n + 1));
}

fn main() {
    arithmetic_without_types();
    comparison_of_references();
    a_field_of_an_annotated_item();
    types_change_on_the_way();
    arithmetic_after_an_annotation();
    a_function_by_name();
    a_function_of_the_standard_library();
    a_terminal_step();
    a_pattern_names_the_type();
    a_pattern_behind_a_reference();
    a_turbofish();
    the_function_pipe();
    a_key();
    nested();
    a_function_as_a_step();
    reduce_with_a_cast();
    reduce_with_an_annotation();
    send();
    what_comes_out_goes_on();
}
