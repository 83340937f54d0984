use pubsub::prelude::*;

#[derive(EventMap)]
enum Home {
    Door(bool),
}

fn main() {
    let bus = PubSub::<Home>::default();
    let _ = bus.subscribe(Home::DOOR, "front");
}
