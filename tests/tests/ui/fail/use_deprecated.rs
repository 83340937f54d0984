#![deny(deprecated)]
use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    #[deprecated = "use `New`"]
    Old(u8),
    New(u8),
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let _ = bus.subscribe(AppEvent::OLD);
    let _ = bus.subscribe(AppEvent::NEW);
}
