//! Event maps described for others: as JSON Schema, and as AsyncAPI.
//!
//! Who is not written in Rust has no event map to derive from. What it can read is a document: [`json_schema`] gives
//! a [JSON Schema](https://json-schema.org/draft/2020-12) of every message, and [`AsyncApi`] an
//! [AsyncAPI 3.0](https://www.asyncapi.com/docs/reference/specification/v3.0.0) document with a channel for every topic.
//!
//! ```
//! use pubsub::prelude::*;
//! use pubsub::schema::{AsyncApi, json_schema};
//! # use pubsub::schema::schemars;
//! # use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// What was said.
//! #[derive(Serialize, Deserialize)]
//! # /*
//! #[derive(schemars::JsonSchema)]
//! # */
//! struct Message {
//!     text: String,
//! }
//! # impl JsonSchema for Message {
//! #     fn schema_name() -> std::borrow::Cow<'static, str> { "Message".into() }
//! #     fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
//! #         schemars::json_schema!({ "type": "object" })
//! #     }
//! # }
//!
//! #[derive(EventMap)]
//! #[event_map(rename_all = "dot.case")]
//! enum Chat {
//!     /// Somebody said something.
//!     #[event(id = u64)]
//!     ChatMessage(Message),
//! }
//!
//! let schema = json_schema::<Chat>();
//! assert_eq!(schema["$defs"]["event:chat.message"]["description"], "Somebody said something.");
//!
//! let document = AsyncApi::new("Chat", "1.0.0").of::<Chat>();
//! assert_eq!(document["channels"]["ChatMessage"]["address"], "chat.message:{id}");
//! ```
//!
//! # What is described
//! The messages that the codec JSON writes: an envelope of `type`, `id` and `payload`, with `eventId` and a position where
//! there is one. Payloads are described as serde serialises them. What is written so can be read back, or the map could
//! not be carried by a network at all; so the description serves those who read events and those who send them. A reader
//! may be more lenient than it says: it takes `null` for an absent member of the envelope.
//!
//! Descriptions are the doc comments of the enum, its variants, and the payloads and their fields. A variant that is
//! `#[deprecated]` is a deprecated message.
//!
//! # What is asked of payloads
//! Each is [`JsonSchema`](schemars::JsonSchema) of the crate `schemars` 1, whose derive reads serde's attributes. One
//! that is not is an error where the description is asked for, and nowhere else.

mod async_api;
mod document;
mod envelope;
mod keys;
pub(crate) mod map;
mod server;
mod typescript;

/// The crate that payloads are described by. Depend on it for its derive, which this crate does without.
pub use schemars;

pub use self::async_api::AsyncApi;
pub use self::document::json_schema;
pub use self::server::{Server, ServerUrlError};
pub use self::typescript::typescript;
