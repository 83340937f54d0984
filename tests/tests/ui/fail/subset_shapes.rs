use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    SessionStatus(u8),
    Message(String),
    Pair(u8, u8),
    Restart,
    #[event(constant = EVERYTHING)]
    ALL(u8),
}

#[derive(EventSubset)]
#[event_subset(of = AppEvent)]
struct NoEnum(String);

#[derive(EventSubset)]
#[event_subset(of = AppEvent)]
enum Empty {}

#[derive(EventSubset)]
#[event_subset(of = AppEvent)]
enum Borrows<'a> {
    Message(&'a str),
}

#[derive(EventSubset)]
#[event_subset(of = AppEvent)]
enum Fields {
    Message { text: String },
    Restart,
}

#[derive(EventSubset)]
#[event_subset(of = AppEvent)]
enum Twice {
    Message(String),
    #[event(constant = MESSAGE)]
    Again(String),
    #[event(constant = EVERYTHING)]
    ALL(u8),
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let _ = bus.subscribe(NoEnum::ALL);
    let _ = bus.subscribe(Empty::ALL);
}
