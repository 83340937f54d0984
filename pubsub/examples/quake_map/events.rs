//! What the server tells its visitors: the event map, and what its events carry.

use pubsub::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum QuakeEvent {
    /// The week begins, again or for the first time; the id is the name of the feed.
    ReplayStarted(Replay),
    /// A seismic network, which is the id, reported a quake.
    QuakeReported(Quake),
    /// The week is over; the id is the name of the feed.
    ReplayEnded(Ended),
}

/// A replay of the week.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Replay {
    /// How many times as fast as it happened.
    pub(crate) speed: f64,
    /// When the first and the last quake were, in milliseconds since 1970.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// How many quakes there are in it.
    pub(crate) quakes: usize,
    /// The offset of the last quake before it. Whoever comes in the middle follows the quakes from there, and has them all.
    pub(crate) before: u64,
}

/// The end of a replay.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// Whether there is another one.
    pub(crate) again: bool,
}

/// One seismic event; most are earthquakes. The fields are those of `examples/data/README.md`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Quake {
    pub(crate) id: String,
    pub(crate) net: String,
    pub(crate) time: i64,
    pub(crate) mag: f64,
    pub(crate) place: String,
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    pub(crate) depth_km: f64,
    pub(crate) kind: String,
}

/// A week of quakes, in the order of their times.
pub(crate) fn feed() -> Result<Vec<Quake>, serde_json::Error> {
    include_str!("../data/earthquakes.jsonl").lines().map(serde_json::from_str).collect()
}
