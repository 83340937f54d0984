use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    UserJoined { name: String, seen: Vec<Option<u64>> },
    Empty {},
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let _ = bus.subscribe((AppEvent::USER_JOINED, AppEvent::EMPTY));
}
