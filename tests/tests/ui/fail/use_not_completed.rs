#![deny(unused_must_use)]
use pubsub::prelude::*;

#[derive(Clone, Debug)]
struct SessionStatus;

#[derive(Clone, Debug)]
struct Message;

#[derive(EventMap)]
enum AppEvent {
    SessionStatus(SessionStatus),
    #[event(id = u64)]
    Message(Message),
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    bus.publish(AppEvent::SESSION_STATUS, "p1", SessionStatus);
    bus.subscribe(AppEvent::SESSION_STATUS);
}
