//! The event of these benchmarks, and what stands for it on the wire.

use pubsub::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, EventMap)]
pub(crate) enum App {
    Status(Status),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) session: u64,
    pub(crate) state: String,
    pub(crate) progress: f64,
    pub(crate) detail: String,
}

/// What users of a bare client write around it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(rename = "type")]
    pub(crate) topic: &'a str,
    pub(crate) id: &'a str,
    pub(crate) payload: Status,
}

pub(crate) const CHANNEL: &str = "Status:1";

pub(crate) fn status(session: u64) -> Status {
    Status { session, state: "busy".into(), progress: 0.5, detail: "compiling 1, then 16 others".into() }
}

/// 128 bytes.
pub(crate) fn message() -> String {
    let envelope = Envelope { topic: "Status", id: "1", payload: status(1_000_000_000) };
    serde_json::to_string(&envelope).expect("JSON")
}
