//! Beginning in the past: where, and what comes of it.

use crate::{Frame, Gap, Position, Undecodable};

/// Where a subscription begins in the history of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// With what is published from now on.
    Now,
    /// With the oldest event that is kept. What is kept no more is no gap.
    Beginning,
    /// With the event after this one. What is kept no more is a gap.
    After(Position),
}

/// What a replay brings.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Past {
    /// An event.
    Event(Frame),
    /// Events that are not kept any more, before the next.
    Gap(Gap),
    /// Something that is no event.
    Undecodable(Undecodable),
}
