use pubsub::EventMap;

#[derive(EventMap)]
#[event_map(rename_all = "kebab-case")]
enum AppEvent {
    #[event(topic = "")]
    Empty(u8),
    #[event(topic = "__ping")]
    Reserved(u8),
    #[event(topic = "session:status")]
    Separator(u8),
    #[event(topic = "session status*")]
    Charset(u8),
    Übung(u8),
    __,
}

fn main() {
    // The constants of a map with mistakes exist: there is no second error here.
    let _ = (AppEvent::EMPTY, AppEvent::RESERVED, AppEvent::ÜBUNG);
    let _ = pubsub::PubSub::<AppEvent>::default().subscribe(pubsub::All);
}
