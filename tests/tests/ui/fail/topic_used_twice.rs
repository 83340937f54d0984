use pubsub::EventMap;

#[derive(EventMap)]
#[event_map(rename_all = "kebab-case")]
enum AppEvent {
    SessionStatus(u8),
    #[event(topic = "session-status")]
    Status(u8),
    #[event(topic = "session-status")]
    State(u8),
}

fn main() {
    let _ = (AppEvent::SESSION_STATUS, AppEvent::STATUS);
}
