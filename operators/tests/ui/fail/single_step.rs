//! One step is no different from a tuple.
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
    let _ = events().pipe(filter(|e| e.size > 3)).pipe(take(3));
}
