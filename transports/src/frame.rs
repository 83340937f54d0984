//! Frames: an event as transports move it, without knowing what it says.

mod position;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;

pub use self::position::ParsePositionError;
use crate::carried::Carried;
use crate::{Address, AddressError, EventId};

/// How the type of a control message begins; no topic does.
pub(crate) const CONTROL: &str = "__";

/// All that a message says but its payload.
///
/// A header is what was written on the wire, unchecked: its type may be no topic, or a control message. Ask
/// [`is_control`](Self::is_control), then [`address`](Self::address).
///
/// ```
/// use pubsub_transports::{EventId, Header, Position};
///
/// let header = Header::new("session.status", "project-1")
///     .with_event_id(EventId::now_v7())
///     .with_position(Position::new(7).with_after(5).with_epoch("b81f"));
/// assert!(!header.is_control());
/// assert_eq!(header.address()?.to_string(), "session.status:project-1");
/// # Ok::<(), pubsub_transports::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    topic: CompactString,
    id: CompactString,
    event_id: Option<EventId>,
    /// Boxed: most events have none, and a header is moved often.
    position: Option<Box<Position>>,
    carried: Carried,
}

impl Header {
    /// The header of an event, or of a control message whose correlation id is `id`.
    #[must_use]
    pub fn new(topic: &str, id: &str) -> Self {
        Self {
            topic: topic.into(),
            id: id.into(),
            event_id: None,
            position: None,
            carried: Carried::default(),
        }
    }

    /// With this event id.
    #[must_use]
    pub fn with_event_id(self, event_id: EventId) -> Self {
        Self { event_id: Some(event_id), ..self }
    }

    /// With this position.
    #[must_use]
    pub fn with_position(self, position: Position) -> Self {
        Self { position: Some(Box::new(position)), ..self }
    }

    /// The type: a topic, or the name of a control message.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The id that scopes the topic.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The event id, if one was given.
    #[must_use]
    pub fn event_id(&self) -> Option<EventId> {
        self.event_id
    }

    /// Where the event stands in the history of its type, if there is one.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.position.as_deref()
    }

    /// What it carries for tracing, whether the feature is on or not.
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub fn carried(&self) -> &Carried {
        &self.carried
    }

    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub fn with_carried(mut self, carried: Carried) -> Self {
        self.carried = carried;
        self
    }

    /// Whether this is a control message, and never an event: its type begins with `__`.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.topic.starts_with(CONTROL)
    }

    /// The address that the event was published to.
    ///
    /// # Errors
    /// If the type is no topic, that of a control message included, or both are too long.
    pub fn address(&self) -> Result<Address, AddressError> {
        Address::new(&self.topic, &self.id)
    }
}

/// Where an event stands in the history of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    offset: u64,
    after: Option<u64>,
    epoch: Option<CompactString>,
}

impl Position {
    /// The event with this number. Offsets of a type begin anywhere and rise by one with each of its events.
    #[must_use]
    pub fn new(offset: u64) -> Self {
        Self { offset, after: None, epoch: None }
    }

    /// With the offset of the event that was delivered to this address before.
    #[must_use]
    pub fn with_after(self, after: u64) -> Self {
        Self { after: Some(after), ..self }
    }

    /// With the epoch of the history.
    #[must_use]
    pub fn with_epoch(self, epoch: &str) -> Self {
        Self { epoch: Some(epoch.into()), ..self }
    }

    /// The event's number among those of its type.
    ///
    /// JavaScript reads it exactly up to 2⁵³ - 1.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The offset of the event delivered to this address before. Whoever saw another one last has missed events.
    #[must_use]
    pub fn after(&self) -> Option<u64> {
        self.after
    }

    /// The history that the offset belongs to: another epoch is another history, which says nothing about this one.
    #[must_use]
    pub fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }
}

/// What an event says, as a transport carries it. A clone shares it.
#[derive(Clone)]
pub enum Body {
    /// The payload as a codec encoded it, without its envelope: what `Codec::join` takes
    /// and `Codec::split` gives.
    Bytes(Bytes),
    /// A typed value that stays in the process.
    Shared(Arc<dyn Any + Send + Sync>),
}

/// Prints how long it is, never what it says.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Shared(_) => f.write_str("Shared(..)"),
        }
    }
}

/// One event on its way.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What it says of itself.
    pub header: Header,
    /// What it carries.
    pub body: Body,
}
