use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    SessionStatus(u8),
    Message(String),
    Pair(u8, u8),
    Restart,
}

#[derive(EventSubset)]
#[event_subset(of = AppEvent)]
enum Subset {
    SessionStatus(u16),
    Message,
    Pair(u8, u16),
    Restart(u8),
}

fn main() {}
