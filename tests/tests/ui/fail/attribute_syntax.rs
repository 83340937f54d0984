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
    #[event(,)]
    TopicI(u8),
    #[event(topic = "c",, id = u64)]
    TopicJ(u8),
    #[event(topic: "d", id == u64)]
    TopicK(u8),
    #[event(topic => "e", id(Vec<u8>), constant SECOND)]
    TopicL(u8),
    #[event(topic: 5)]
    TopicM(u8),
    #[event(topic("f g"))]
    TopicN(u8),
}

fn main() {
    // What was right of an attribute with mistakes counts.
    let _ = AppEvent::TOPIC;
    let _: pubsub::Topic<AppEvent, u8, u64> = AppEvent::TOPIC_G;
}
