//! What happens to a connection, and to the events that it carries.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::{Address, DecodeError, Rejection};

/// Events that were lost on their way, before the next one that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Gap {
    /// Why.
    pub reason: GapReason,
    /// How many; `None` where nobody can know.
    pub missed: Option<u64>,
}

impl Gap {
    /// A gap of `missed` events.
    #[must_use]
    pub fn new(reason: GapReason, missed: Option<u64>) -> Self {
        Self { reason, missed }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.missed {
            Some(missed) => write!(f, "{missed} events were lost: {}", self.reason),
            None => write!(f, "an unknown number of events may be lost: {}", self.reason),
        }
    }
}

/// Why events were lost on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapReason {
    /// The connection was lost, and nobody keeps what was published meanwhile.
    Disconnected,
    /// More came than a bounded queue on the way could hold.
    Overflow,
    /// The history began anew, as after a restart without persistence.
    Epoch,
    /// The history does not reach back so far.
    Evicted,
    /// More was missed than is sent again.
    TooMany,
    /// The address moved to another server.
    Moved,
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "the connection was lost",
            Self::Overflow => "a queue on the way was full",
            Self::Epoch => "the history began anew",
            Self::Evicted => "the history does not reach back so far",
            Self::TooMany => "more was missed than is sent again",
            Self::Moved => "the address moved to another server",
        })
    }
}

/// How a transport stands with the other side.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Events flow. In one process this is always so.
    Connected,
    /// Events come in, but none go out: what publishes has a connection of its own, which was lost and is tried for again
    /// and again.
    ReceiveOnly {
        /// Tries so far, since it was lost.
        attempt: u32,
        /// Why the last one failed, or the connection was lost.
        error: ConnectError,
    },
    /// The connection was lost, and is tried for again and again.
    Reconnecting {
        /// Tries so far, since it was lost.
        attempt: u32,
        /// Why the last one failed, or the connection was lost.
        error: ConnectError,
    },
    /// It was closed, by us or for good.
    Closed {
        /// Why, if not by us.
        error: Option<ConnectError>,
    },
}

impl ConnectionState {
    /// Whether events flow, in and out.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Connected)
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected"),
            Self::ReceiveOnly { attempt, error } => {
                write!(f, "receiving, and reconnecting to publish, {attempt} tries so far: {error}")
            }
            Self::Reconnecting { attempt, error } => {
                write!(f, "reconnecting, {attempt} tries so far: {error}")
            }
            Self::Closed { error: None } => f.write_str("closed"),
            Self::Closed { error: Some(error) } => write!(f, "closed: {error}"),
        }
    }
}

/// Why there is no connection.
///
/// It names hosts, never users, passwords or tokens. What an application's own function for tokens fails with is its own text, and
/// a source.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address of the other side is none.
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// There is nobody, or the connection broke.
    Unreachable {
        /// Where was tried.
        address: String,
        /// What the system said, or the application's function for tokens.
        source: Arc<std::io::Error>,
    },
    /// No answer came in time.
    TimedOut {
        /// What was waited for.
        during: &'static str,
    },
    /// The other side refuses who we say that we are.
    Unauthenticated {
        /// What it said.
        message: String,
    },
    /// The other side refuses us for another reason.
    Refused(Rejection),
    /// The other side does not speak the protocol.
    Protocol {
        /// What showed it.
        reason: String,
    },
}

impl ConnectError {
    /// Whether trying again may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::Refused(rejection) => rejection.is_retryable(),
            Self::Url { .. } | Self::Unauthenticated { .. } | Self::Protocol { .. } => false,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { reason } => write!(f, "not an address to connect to: {reason}"),
            Self::Unreachable { address, .. } => write!(f, "no connection to {address}"),
            Self::TimedOut { during } => write!(f, "no answer in time to {during}"),
            Self::Unauthenticated { message } => write!(f, "not authenticated: {message}"),
            Self::Refused(rejection) => rejection.fmt(f),
            Self::Protocol { reason } => write!(f, "the other side speaks another protocol: {reason}"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable { source, .. } => Some(&**source),
            _ => None,
        }
    }
}

/// Something that came and is no event. It was passed over; what comes after it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undecodable {
    /// Where it came, if that is an address.
    pub address: Option<Address>,
    /// What is wrong with it.
    pub error: DecodeError,
}

impl Undecodable {
    /// Something that came to `address`.
    #[must_use]
    pub fn new(address: Option<Address>, error: DecodeError) -> Self {
        Self { address, error }
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) => write!(f, "what came to `{address}` is no event of it: {}", self.error),
            None => write!(f, "what came is no event: {}", self.error),
        }
    }
}

impl Error for Undecodable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
