use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    SessionStatus(u8),
    Message(String),
    Pair(u8, u8),
    Restart,
}

#[derive(EventSubset)]
enum NoMap {
    Message(String),
}

#[derive(EventSubset)]
#[event_subset(off = AppEvent)]
enum Mistyped {
    Message(String),
}

#[derive(EventSubset)]
#[event_subset(of = AppEvent, of = AppEvent, rename_all = "kebab-case")]
#[event(constant = X)]
enum Keys {
    #[event(topic = "message", id = u64)]
    Message(#[event(topic = "x")] String),
    #[event_subset(of = AppEvent)]
    Restart,
}

#[derive(EventSubset)]
#[event_subset(of = "AppEvent")]
enum Quoted {
    Message(String),
}

#[derive(EventSubset)]
#[event_subset]
enum Bare {
    Message(String),
}

#[derive(EventSubset)]
#[event_subset(AppEvent)]
enum Keyless {
    Message(String),
}

fn main() {}
