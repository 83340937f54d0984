//! What the two processes say to each other. Both have the same event map: they are one program.

use pubsub::prelude::*;

use crate::feed::Quake;

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
