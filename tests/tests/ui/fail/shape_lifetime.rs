use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent<'a> {
    Name(&'a str),
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let _ = bus.publish(AppEvent::NAME, "", "ada");
}
