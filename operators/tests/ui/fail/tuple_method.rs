//! A method of an item whose type is not said yet: annotate it.
use futures::stream;
use pubsub_operators::*;

#[derive(Clone)]
pub struct Event {
    topic: String,
    size: u32,
}

fn events() -> stream::Empty<Event> {
    stream::empty()
}

fn main() {
    let _ = events().pipe((map(|e: Event| e.size), map(|n| n.count_ones()), take(3)));
}
