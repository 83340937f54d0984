//! What a transport promises, as a value.

/// What a transport promises. The promises of a bus hold within these.
///
/// Every transport keeps the events of one publisher to one address in order.
///
/// ```
/// use pubsub_transports::{Carries, Guarantees, InProcess};
///
/// assert_eq!(InProcess::GUARANTEES.carries, Carries::Shared);
/// assert!(InProcess::GUARANTEES.backpressure);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guarantees {
    /// What order subscribers see.
    pub ordering: Ordering,
    /// How often an event that was accepted arrives.
    pub delivery: Delivery,
    /// How a bus gets the events that it published itself.
    pub own_events: OwnEvents,
    /// What an event is on this transport.
    pub carries: Carries,
    /// Whether a publisher can wait until subscribers have room.
    pub backpressure: bool,
    /// Whether what was published is kept, so that a subscription can begin in the past.
    pub history: bool,
    /// Whether a subscription can say what it has handled, and is sent no more than so many events before.
    pub acknowledgement: bool,
}

/// What order subscribers see, beyond that of one publisher and one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ordering {
    /// No more than that: two subscribers may see the events of two publishers in different orders.
    PerPublisher,
    /// All subscribers see the events of one type in one order.
    PerTopic,
}

/// How often an event that was accepted arrives at a subscriber that keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// Once or not at all: what happens while a connection is down is lost to it.
    AtMostOnce,
    /// Once or more: what may have been lost comes again.
    AtLeastOnce,
    /// Once.
    ExactlyOnce,
}

/// How a bus gets the events that it published itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnEvents {
    /// It delivers them itself.
    Local,
    /// They come back from the other side, in its order.
    Echoed,
}

/// What an event is on a transport: see [`Body`](crate::Body).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Carries {
    /// Bytes: payloads are encoded, so they must be serialisable.
    Bytes,
    /// A value shared within the process: nothing is encoded.
    Shared,
}

impl crate::InProcess {
    /// What the bus promises where events stay in the process.
    pub const GUARANTEES: Guarantees = Guarantees {
        ordering: Ordering::PerTopic,
        delivery: Delivery::ExactlyOnce,
        own_events: OwnEvents::Local,
        carries: Carries::Shared,
        backpressure: true,
        history: false,
        acknowledgement: false,
    };
}
