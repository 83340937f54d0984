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

async fn run(bus: PubSub<AppEvent>) {
    let mut statuses = bus.subscribe(AppEvent::SESSION_STATUS);
    let _ = statuses.next().await;
    let _ = statuses.try_next();
    let _ = bus.subscribe(AppEvent::MESSAGE).unwrap();
    let _ = bus.subscribe(AppEvent::MESSAGE).expect("subscribed");
    bus.publish(AppEvent::MESSAGE, &1, Message).unwrap();
    bus.publish(AppEvent::MESSAGE, &1, Message).expect("published");
}

fn main() {
    let _ = run(PubSub::default());
}
