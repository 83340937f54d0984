//! Events of one topic are shared; an enum of several is built from a clone of the payload.
use pubsub::prelude::*;

struct Message;

#[derive(EventMap)]
enum AppEvent {
    Text(String),
    Message(Message),
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let _ = bus.subscribe(AppEvent::MESSAGE);
    let _ = bus.subscribe(All);
    let _ = bus.subscribe((AppEvent::MESSAGE, AppEvent::TEXT));
    let _ = bus.subscribe((AppEvent::MESSAGE, AppEvent::TEXT, AppEvent::TEXT));
}
