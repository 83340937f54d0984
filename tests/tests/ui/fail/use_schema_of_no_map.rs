//! A payload has a schema of its own, by `schemars`; the messages of a map are described by the map.
#[derive(serde::Serialize, serde::Deserialize)]
struct Message {
    text: String,
}

fn main() {
    let _ = pubsub::schema::json_schema::<Message>();
}
