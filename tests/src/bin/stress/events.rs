//! The event map. What shares a hub with other scenarios has a topic of its own, since a history is that of a topic.

use std::ops::Range;

use pubsub::Topic;
use pubsub::prelude::*;

use crate::check::{Mismatch, OrMismatch as _, in_time};

#[derive(Clone, Debug, PartialEq, EventMap)]
#[event_map(rename_all = "snake_case")]
pub(crate) enum App {
    BoundaryEventReplayedOnce(u64),
    ConnectChurn(u64),
    Crowd(u64),
    DerivedIdsKeepPartBoundaries(u64),
    DuplicateSubscribeRace(u64),
    EventWithoutIdNeverDeduplicated(u64),
    FanOut(u64),
    GarbageOnRedisChannel(u64),
    HandlerPanicLosesNoLaterEvent(u64),
    HandlersInOrder(u64),
    RecoverWithZeroEventsSeen(u64),
    RecoveryStorm(u64),
    ShutdownSpreadsReconnects(u64),
    SubscribeIsLiveWhenItReturns(u64),
    UnsubscribeDuringReplayDeliversNothingAfter(String),
    /// For a hub of one's own.
    Number(u64),
    Other(u64),
    Text(String),
}

/// A topic of numbers: each publisher has an id, and counts from 0.
pub(crate) type Numbers = Topic<App, u64>;

/// Publishes these numbers under an id, each when the one before was accepted.
pub(crate) async fn publish(
    bus: &PubSub<App>,
    topic: Numbers,
    id: &str,
    numbers: Range<u64>,
) -> Result<(), Mismatch> {
    for number in numbers {
        in_time("answer", bus.publish(topic, id, number)).await?.or_mismatch("it is accepted")?;
    }
    Ok(())
}
