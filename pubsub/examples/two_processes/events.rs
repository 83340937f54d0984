//! What the two processes say to each other. Both have the same event map: they are one program.

use pubsub::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum QuakeEvent {
    /// The follower is there; the id is its name.
    FollowerReady,
    /// A seismic network, which is the id, reported a quake.
    QuakeReported(Quake),
    /// That was all; the id is the name of the feed.
    FeedEnded,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Quake {
    pub(crate) net: String,
    pub(crate) mag: f64,
    pub(crate) place: String,
}

/// A week of quakes, in the order of their times.
pub(crate) fn feed() -> impl Iterator<Item = Quake> {
    let lines = include_str!("../data/earthquakes.jsonl").lines();
    lines.filter_map(|line| serde_json::from_str(line).ok())
}
