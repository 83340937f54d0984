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
    let _ = bus.publish("SessionStatus", "p1", SessionStatus);
    let _ = bus.subscribe("SessionStatus");
}
