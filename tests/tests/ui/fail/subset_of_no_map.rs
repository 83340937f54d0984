use pubsub::prelude::*;

enum AppEvent {
    Message(String),
}

#[derive(EventSubset)]
#[event_subset(of = AppEvent)]
enum Subset {
    Message(String),
}

fn main() {}
