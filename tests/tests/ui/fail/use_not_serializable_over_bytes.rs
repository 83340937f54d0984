//! Threads carry it, and so does one process; a transport of bytes does not.
use pubsub::prelude::*;

struct Message;

#[derive(EventMap)]
enum AppEvent {
    Text(String),
    Message(Message),
}

fn main() {
    let _ = PubSub::<AppEvent>::default();
    let _ = pubsub::WorkerHost::<AppEvent>::new();
    let _ = PubSub::<AppEvent>::new(pubsub::Loopback::new(pubsub::codec::Json::default()));
}
