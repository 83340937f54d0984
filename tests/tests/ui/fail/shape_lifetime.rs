use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent<'a> {
    Name(&'a str),
}

#[derive(EventMap)]
enum Elided {
    Name(&str),
    Names(Vec<(u8, &str)>),
    Callback(fn(&str) -> &str),
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let _ = bus.publish(AppEvent::NAME, "", "ada");
}
