//! Found where the map is described, not where it is declared.
use pubsub::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Message {
    text: String,
}

#[derive(EventMap)]
enum AppEvent {
    Text(String),
    Message(Message),
    Pair(u8, Message),
}

fn main() {
    let _ = pubsub::schema::json_schema::<AppEvent>();
    let _ = pubsub::schema::AsyncApi::new("App", "1.0.0").of::<AppEvent>();
}
