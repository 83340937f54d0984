use pubsub::EventMap;

#[derive(EventMap)]
#[event(topic = "x")]
enum AppEvent {
    #[event_map(id = String)]
    TopicA(u8),
    TopicB(#[event(topic = "x")] u8),
}

fn main() {}
