//! A key cannot borrow from its item; `dedupe_ref` takes such a key.
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
    let _ = events().flow().dedupe(64, |e| e.topic.as_str()).take(3);
}
