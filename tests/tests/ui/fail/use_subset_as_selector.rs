use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    Message(String),
    Restart,
}

#[derive(Clone, EventSubset)]
#[event_subset(of = AppEvent)]
enum Presence {
    Restart,
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let _ = bus.subscribe(Presence);
    let _ = bus.subscribe(Presence::Restart);
}
