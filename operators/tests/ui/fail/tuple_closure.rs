//! A closure as a step of a tuple has to say what it takes; `through` is there for that.
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
    let _ = events().pipe((|s: _| Flow::new(s).filter(|e| e.size > 3), take(3)));
}
