use pubsub::prelude::*;

struct Message;

#[derive(EventMap)]
enum AppEvent {
    Message(Message),
}

#[derive(EventSubset)]
#[event_subset(of = AppEvent)]
enum Subset {
    Message(Message),
}

fn main() {}
