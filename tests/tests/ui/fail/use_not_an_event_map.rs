use pubsub::prelude::*;

enum AppEvent {
    Ping(u32),
}

fn main() {
    let _ = PubSub::<AppEvent>::default();
}
