use pubsub::prelude::*;

struct Opaque;

#[derive(Clone)]
struct WithoutFromStr;

impl std::fmt::Display for WithoutFromStr {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("id")
    }
}

#[derive(EventMap)]
#[event_map(id = Opaque)]
enum AppEvent {
    One(u8),
    Two(u8),
    #[event(id = WithoutFromStr)]
    Three(u8),
    #[event(id = std::sync::Arc<str>)]
    Four(u8),
}

fn main() {
    let bus = PubSub::<AppEvent>::default();
    let _ = bus.publish(AppEvent::ONE, &Opaque, 1);
}
