//! What is described is what can be sent: a payload that borrows cannot.
use pubsub::prelude::*;

#[derive(EventMap)]
enum AppEvent {
    Borrowed(&'static str),
    Text(String),
}

fn main() {
    let _ = pubsub::schema::json_schema::<AppEvent>();
}
