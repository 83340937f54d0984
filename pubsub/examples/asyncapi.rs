//! Writes an event map down for others: `cargo run --example asyncapi --features schema > asyncapi.json`.
use pubsub::prelude::*;
use pubsub::schema::{AsyncApi, Server};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How somebody is there.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum SessionStatus {
    Online,
    Away,
}

/// What was said.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Message {
    /// In CommonMark.
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
}

/// All that happens in a chat.
#[derive(EventMap)]
#[event_map(rename_all = "dot.case")]
#[allow(dead_code, reason = "it is described, and not used")]
enum Chat {
    /// A session went online or away.
    SessionStatus(SessionStatus),
    /// Somebody said something in a room.
    #[event(topic = "chat.message", id = u64)]
    Message(Message),
    #[deprecated = "sessions tell it of themselves"]
    Restart,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let document = AsyncApi::new("Chat", env!("CARGO_PKG_VERSION"))
        .server("hub", Server::at("wss://chat.example.com/hub")?)
        .server("redis", Server::at("redis://redis.example.com:6379")?.channel_prefix("chat:"))
        .of::<Chat>();
    println!("{document:#}");
    Ok(())
}
