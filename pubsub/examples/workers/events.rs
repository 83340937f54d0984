//! What the host and its workers say to each other. The id of a part, and of what was found in it, is the network.

use pubsub::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum Survey {
    /// To be searched, by one of the workers.
    Part(Part),
    /// What was found in a part.
    Found(Vec<Neighbours>),
    /// How many quakes a worker, which is the id, has looked at so far.
    Progress(usize),
}

/// Some quakes of a network, by their places in it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) first: usize,
    pub(crate) end: usize,
}

/// The nearest neighbours of a quake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Neighbours {
    /// Its place in its network.
    pub(crate) place: usize,
    pub(crate) quake: String,
    /// The nearest first, each with its distance in kilometres.
    pub(crate) nearest: Vec<(String, f64)>,
}
