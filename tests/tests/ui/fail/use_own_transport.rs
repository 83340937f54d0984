use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    Ping(u32),
}

struct Mine;

fn main() {
    let _ = PubSub::<AppEvent>::new(Mine);
}
