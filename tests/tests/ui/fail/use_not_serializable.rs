//! Found where the map meets a network, not where it is declared.
use pubsub::prelude::*;

struct Message;

#[derive(EventMap)]
enum AppEvent {
    Text(String),
    Message(Message),
}

fn network<M: pubsub::WireMap>() {}

fn main() {
    network::<AppEvent>();
}
