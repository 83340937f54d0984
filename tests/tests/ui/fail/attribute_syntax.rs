use pubsub::EventMap;

#[derive(EventMap)]
#[event_map]
enum AppEvent {
    #[event]
    TopicA(u8),
    #[event = "a"]
    TopicB(u8),
    #[event(topic)]
    TopicC(u8),
    #[event(topic =)]
    TopicD(u8),
    #[event(topic("a"))]
    TopicE(u8),
    #[event("a", constant = TOPIC)]
    TopicF(u8),
    #[event(topic = "a" id = u64)]
    TopicG(u8),
    #[event(topic = "b"; id = u64)]
    TopicH(u8),
}

fn main() {
    // What was right of an attribute with mistakes counts.
    let _ = AppEvent::TOPIC;
}
