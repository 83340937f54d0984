//! Why an event was not published.

use std::fmt;
use std::time::Duration;

use pubsub_transports::Rejection;

use crate::{EncodeError, Event, TopicId};

/// Why an event was not published. It comes back, and reached nobody, but for [`Ambiguous`](Self::Ambiguous).
#[non_exhaustive]
pub enum PublishError<P, I: TopicId + ?Sized = str> {
    /// A subscription with [backpressure](crate::Overflow::Backpressure) has no room, or the queue of a transport; only from [`Publish::now`](crate::Publish::now), since a publish that is awaited waits.
    Full(Event<P, I>),
    /// The bus is closed.
    Closed(Event<P, I>),
    /// A network transport cannot encode it.
    Encode(Event<P, I>, EncodeError),
    /// There was no connection for as long as the transport waits for one: nothing was written.
    NotSent(Event<P, I>),
    /// It was written, and the connection was lost before an answer came: it may have been accepted or not. Sent again with
    /// the same [event id](crate::Publish::event_id), it can be recognised if it was.
    Ambiguous(Event<P, I>),
    /// The other side refused it.
    Rejected(Event<P, I>, Rejection),
}

impl<P, I: TopicId + ?Sized> PublishError<P, I> {
    /// Whether the same publish may succeed later, and cannot arrive twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Full(_) | Self::NotSent(_) => true,
            Self::Rejected(_, rejection) => rejection.is_retryable(),
            Self::Closed(_) | Self::Encode(..) | Self::Ambiguous(_) => false,
        }
    }

    /// How long the other side asked to wait before the next try; `None` if it did not say.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(_, rejection) => rejection.retry_after(),
            _ => None,
        }
    }

    /// The event that was not published.
    #[must_use]
    pub fn event(&self) -> &Event<P, I> {
        match self {
            Self::Full(event) | Self::Closed(event) | Self::NotSent(event) | Self::Ambiguous(event) => event,
            Self::Encode(event, _) | Self::Rejected(event, _) => event,
        }
    }

    /// The event that was not published, by value.
    #[must_use]
    pub fn into_event(self) -> Event<P, I> {
        match self {
            Self::Full(event) | Self::Closed(event) | Self::NotSent(event) | Self::Ambiguous(event) => event,
            Self::Encode(event, _) | Self::Rejected(event, _) => event,
        }
    }
}

impl<P, I: TopicId + ?Sized> fmt::Debug for PublishError<P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Full(_) => "Full",
            Self::Closed(_) => "Closed",
            Self::Encode(..) => "Encode",
            Self::NotSent(_) => "NotSent",
            Self::Ambiguous(_) => "Ambiguous",
            Self::Rejected(..) => "Rejected",
        };
        f.debug_tuple(name).field(self.event()).finish()
    }
}

impl<P, I: TopicId + ?Sized> fmt::Display for PublishError<P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topic = self.event().topic;
        match self {
            Self::Full(_) => write!(f, "there is no room for `{topic}` now"),
            Self::Closed(_) => write!(f, "`{topic}` cannot be published: the bus is closed"),
            Self::Encode(_, error) => write!(f, "`{topic}` cannot be published: {error}"),
            Self::NotSent(_) => write!(f, "`{topic}` was not published: there is no connection"),
            Self::Ambiguous(_) => {
                write!(f, "`{topic}` may be published or not: the connection was lost before an answer came")
            }
            Self::Rejected(_, rejection) => write!(f, "`{topic}` was not published: {rejection}"),
        }
    }
}

impl<P, I: TopicId + ?Sized> std::error::Error for PublishError<P, I> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encode(_, error) => Some(error),
            Self::Rejected(_, rejection) => Some(rejection),
            _ => None,
        }
    }
}
