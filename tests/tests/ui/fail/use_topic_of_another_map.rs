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

#[derive(EventMap)]
enum OtherEvent {
    Ping(u32),
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let _ = bus.publish(OtherEvent::PING, "p1", 1);
    let _ = bus.subscribe(OtherEvent::PING);
    let _ = bus.subscribe(OtherEvent::PING.id("p1"));
}
