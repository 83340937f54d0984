use pubsub::EventMap;

#[derive(EventMap)]
#[event_map(rename_all = "kebap-case", id = "u64", prefix = app, crate = 4)]
enum AppEvent {
    #[event(topic = 42, id = "u64", constant = "NAME")]
    TopicA(u8),
    #[event(topic = b"x")]
    TopicB(u8),
    #[event(topic = 'x')]
    TopicC(u8),
    #[event(topic = true)]
    TopicD(u8),
    #[event(topic = concat!("a", "b"))]
    TopicE(u8),
    #[event(topic = 1.5, constant = a::b, id = 42)]
    TopicF(u8),
    #[event(topic = -1, id = String)]
    TopicG(u8),
    #[event(topic = ' ', id = &std::string::String)]
    TopicH(u8),
    #[event(topic = "a" + "b", constant = type, id = "String")]
    TopicI(u8),
    #[event(constant = "not a name", id = u64 or so)]
    TopicJ(u8),
}

#[derive(EventMap)]
#[event_map(rename_all = "spinal", crate = "not a path")]
enum Other {
    TopicA(u8),
}

#[derive(EventMap)]
#[event_map(rename_all = "kebab", crate = "")]
enum Another {
    TopicA(u8),
}

#[derive(EventMap)]
#[event_map(rename_all = 5, crate = pubsub::Topic<u8>)]
enum YetAnother {
    TopicA(u8),
}

fn main() {}
