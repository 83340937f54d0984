//! What the processes say to each other. All have the same event map: they are one program.

use pubsub::prelude::*;

use crate::feed::Quake;

#[derive(Clone, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum QuakeEvent {
    /// A seismic network, which is the id, reported a quake.
    QuakeReported(Quake),
    /// A spoke, which is the id, follows what it wants to.
    SpokeFollows,
    /// A spoke, which is the id, has all quakes of a half that it wants.
    HalfSeen,
}
