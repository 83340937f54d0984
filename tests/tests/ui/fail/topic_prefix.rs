//! One error at the prefix, not one at each variant.
use pubsub::EventMap;

#[derive(EventMap)]
#[event_map(prefix = "app:")]
enum AppEvent {
    SessionStatus(u8),
    Message(u8),
    #[event(topic = "not prefixed")]
    Other(u8),
}

fn main() {}
