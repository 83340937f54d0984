use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    SessionStatus(u8),
    Message(String),
    Pair(u8, u8),
    Restart,
}

#[derive(Clone, EventSubset)]
#[event_subset(of = AppEvent)]
enum Subset {
    SessionStatus(u8),
    Restart,
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let mut subset = bus.subscribe(Subset::ALL).now().unwrap();
    match subset.try_next().unwrap().into_payload() {
        Subset::SessionStatus(_) => {}
    }
}
