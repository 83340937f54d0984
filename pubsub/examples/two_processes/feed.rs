//! A week of quakes.

use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Quake {
    pub(crate) net: String,
    pub(crate) mag: f64,
    pub(crate) place: String,
}

/// In the order of their times.
pub(crate) fn feed() -> impl Iterator<Item = Quake> {
    let lines = include_str!("../data/earthquakes.jsonl").lines();
    lines.filter_map(|line| serde_json::from_str(line).ok())
}
