//! A field of an item whose type is not said yet: annotate it, or use a method, `through`, a `stage`, `pipe!`.
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
    let _ = events().pipe((filter(|e| e.size > 3), take(3)));
}
