use pubsub::EventMap;

#[derive(EventMap)]
#[event_map(renameall = "kebab-case", topic = "x", of = AppEvent, nonsense, prefix = "a.", prefix = "b.")]
enum AppEvent {
    #[event(topc = "a", rename_all = "kebab-case", payload = Name)]
    TopicA(u8),
    #[event(topic = "b", topic = "c")]
    TopicB(u8),
    #[event(topic = "d")]
    #[event(topic = "e")]
    TopicC(u8),
    #[event(name = "f")]
    TopicD(u8),
}

#[derive(EventMap)]
#[event_map(rename = "kebab-case")]
enum Other {
    TopicA(u8),
}

fn main() {}
