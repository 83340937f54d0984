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
}

fn main() {
    let _ = run(PubSub::default());
}
