//! What is decoded owns its data: `&'static str` can be published in a process only.
use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    Borrowed(&'static str),
    Pair(u8, &'static str),
    Text(String),
}

fn network<M: pubsub::WireMap>() {}

fn main() {
    network::<AppEvent>();
}
