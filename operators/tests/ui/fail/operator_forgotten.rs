//! A flow nobody polls.
#![deny(unused_must_use)]
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

fn is_send<T: Send>(_: T) {}

fn main() {
    events().flow().take(3);
    filter(|_: &Event| true);
    is_send(());
}
