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
    Messages(String),
    #[event(constant = RESET)]
    Restart,
}

fn main() {}
