//! What can be wrong with a message.

use std::error::Error;
use std::fmt;

use crate::AddressError;

/// Why a message could not be read. It was not delivered, and nothing else happened.
///
/// Neither `Display` nor `Debug` prints any of the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are more bytes than a message may have.
    TooLarge {
        /// How many there are.
        size: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The payload nests too deep.
    TooDeep {
        /// How deep it may nest.
        limit: usize,
    },
    /// This is no message of the codec.
    Syntax {
        /// The byte where that showed.
        at: usize,
    },
    /// A member is missing that an envelope must have, for itself or beside others that are there.
    Missing {
        /// Its name.
        member: &'static str,
    },
    /// A member of the envelope is there more than once.
    Duplicate {
        /// Its name.
        member: &'static str,
    },
    /// A member of the envelope has a value that it cannot have.
    Invalid {
        /// Its name.
        member: &'static str,
    },
    /// Type and id are not an address.
    Address(AddressError),
    /// A member of the envelope says that the event belongs elsewhere than where it came.
    Elsewhere {
        /// Its name.
        member: &'static str,
    },
    /// The type is that of no event in the map.
    UnknownType {
        /// The type.
        topic: String,
    },
    /// The payload does not fit its type.
    Payload {
        /// The type that the envelope said.
        topic: String,
        /// What does not fit.
        reason: Redacted,
    },
}

impl DecodeError {
    /// [`Payload`](Self::Payload), with what a format's library said.
    #[must_use]
    pub fn payload(topic: &str, reason: impl fmt::Display) -> Self {
        Self::Payload { topic: shortened(topic), reason: Redacted::new(reason) }
    }

    /// [`UnknownType`](Self::UnknownType).
    #[must_use]
    pub fn unknown_type(topic: &str) -> Self {
        Self::UnknownType { topic: shortened(topic) }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { size, limit } => too_large(f, *size, *limit),
            Self::TooDeep { limit } => write!(f, "the payload nests deeper than {limit} levels"),
            Self::Syntax { at } => write!(f, "not a message of the codec, as shows at byte {at}"),
            Self::Missing { member } => write!(f, "the envelope has no member `{member}`"),
            Self::Duplicate { member } => write!(f, "the envelope has the member `{member}` more than once"),
            Self::Invalid { member } => {
                write!(f, "the member `{member}` of the envelope has a value that it cannot have")
            }
            Self::Address(error) => error.fmt(f),
            Self::Elsewhere { member } => {
                write!(f, "the member `{member}` of the envelope is not that of the channel that it came on")
            }
            Self::UnknownType { topic } => write!(f, "the event map has no topic {topic:?}"),
            Self::Payload { topic, .. } => write!(f, "the payload is not one of the topic {topic:?}"),
        }
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            _ => None,
        }
    }
}

impl From<AddressError> for DecodeError {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

/// Why an event could not be written as a message.
///
/// Neither `Display` nor `Debug` prints any of the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// Topic and id are no address on a wire.
    Address(AddressError),
    /// The message would have more bytes than a message may have.
    TooLarge {
        /// How many it would have.
        size: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The payload has no form in this encoding, or its `Serialize` failed.
    Payload {
        /// The topic it belongs to.
        topic: String,
        /// What went wrong.
        reason: Redacted,
    },
}

impl EncodeError {
    /// [`Payload`](Self::Payload), with what a format's library said.
    #[must_use]
    pub fn payload(topic: &str, reason: impl fmt::Display) -> Self {
        Self::Payload { topic: topic.to_owned(), reason: Redacted::new(reason) }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::TooLarge { size, limit } => too_large(f, *size, *limit),
            Self::Payload { topic, .. } => write!(f, "the payload of the topic {topic:?} cannot be encoded"),
        }
    }
}

impl Error for EncodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            _ => None,
        }
    }
}

impl From<AddressError> for EncodeError {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

/// An error is kept, and told to many: it is not as long as a peer likes.
pub(crate) fn shortened(text: &str) -> String {
    let mut end = text.len().min(256);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

fn too_large(f: &mut fmt::Formatter<'_>, size: usize, limit: usize) -> fmt::Result {
    write!(f, "a message has at most {limit} bytes, and this has {size}")
}

/// What a format's library said about a payload. It may quote the payload, so it is not printed unless asked for.
///
/// ```
/// use pubsub_transports::EncodeError;
///
/// let error = EncodeError::payload("login", "\"hunter2\" is too short");
/// assert_eq!(error.to_string(), "the payload of the topic \"login\" cannot be encoded");
/// assert_eq!(format!("{error:?}"), "Payload { topic: \"login\", reason: Redacted(..) }");
/// let EncodeError::Payload { reason, .. } = error else { unreachable!() };
/// assert_eq!(reason.reveal(), "\"hunter2\" is too short");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted(Box<str>);

impl Redacted {
    fn new(text: impl fmt::Display) -> Self {
        Self(shortened(&text.to_string()).into())
    }

    /// The text. Print it only where payloads may be printed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redacted(..)")
    }
}
