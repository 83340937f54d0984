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
    let _ = bus.subscribe(AppEvent::SESSION_STATE);
}
