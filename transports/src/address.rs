//! Addresses: what is subscribed to, as a wire names it.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;

/// What a subscription follows on a wire: a type with one id, or the type with every id.
///
/// Its text is `type` or `type:id`, split at the first `:`. A type never contains one; an id may contain anything, and
/// be empty. The type follows the grammar of topics: ASCII letters, digits, `.`, `-`, `_` and `/`, not empty, and no
/// `__` at its start, which is reserved for control messages. The text has at most [`MAX_LEN`](Self::MAX_LEN) bytes.
///
/// ```
/// use pubsub_transports::Address;
///
/// let address: Address = "session.status:project:1".parse()?;
/// assert_eq!((address.topic(), address.id()), ("session.status", Some("project:1")));
/// assert_eq!(Address::whole("session.status")?.to_string(), "session.status");
/// # Ok::<(), pubsub_transports::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    topic: CompactString,
    id: Option<CompactString>,
}

impl Address {
    /// How many bytes the text of an address may have.
    pub const MAX_LEN: usize = 255;

    /// The type `topic` with the one id `id`.
    ///
    /// # Errors
    /// If the topic breaks the grammar, or both with the `:` are longer than [`MAX_LEN`](Self::MAX_LEN).
    pub fn new(topic: &str, id: &str) -> Result<Self, AddressError> {
        check(topic, topic.len() + 1 + id.len())?;
        Ok(Self { topic: topic.into(), id: Some(id.into()) })
    }

    /// The type `topic` with every id.
    ///
    /// # Errors
    /// If the topic breaks the grammar or is longer than [`MAX_LEN`](Self::MAX_LEN).
    pub fn whole(topic: &str) -> Result<Self, AddressError> {
        check(topic, topic.len())?;
        Ok(Self { topic: topic.into(), id: None })
    }

    /// The type.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The id; `None` for every id.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether an event of this type and id goes to this address.
    #[must_use]
    pub fn matches(&self, topic: &str, id: &str) -> bool {
        self.topic == topic && self.id.as_ref().is_none_or(|own| own == id)
    }
}

/// `len` is that of the whole text. It is looked at first: what is too long is not read.
fn check(topic: &str, len: usize) -> Result<(), AddressError> {
    if len > Address::MAX_LEN {
        return Err(AddressError::TooLong { len });
    }
    if topic.is_empty() {
        return Err(AddressError::Empty);
    }
    if topic.starts_with(crate::frame::CONTROL) {
        return Err(AddressError::Reserved);
    }
    let allowed = |character: char| character.is_ascii_alphanumeric() || ".-_/".contains(character);
    match topic.char_indices().find(|&(_, character)| !allowed(character)) {
        Some((at, character)) => Err(AddressError::Character { character, at }),
        None => Ok(()),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "{}:{id}", self.topic),
            None => f.write_str(&self.topic),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once(':') {
            Some((topic, id)) => Self::new(topic, id),
            None => Self::whole(text),
        }
    }
}

/// Why a text is no [`Address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// There is no type.
    Empty,
    /// The type begins with `__`.
    Reserved,
    /// The type has a character that the grammar of topics does not.
    Character {
        /// The first such character.
        character: char,
        /// Its place in the type, in bytes.
        at: usize,
    },
    /// The text has more than [`Address::MAX_LEN`] bytes.
    TooLong {
        /// How many it has.
        len: usize,
    },
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an address needs a type"),
            Self::Reserved => f.write_str("a type that begins with `__` is reserved for control messages"),
            Self::Character { character, at } => write!(
                f,
                "a type cannot contain {character:?}, as at byte {at}: it has ASCII letters, digits and `. - _ /`"
            ),
            Self::TooLong { len } => {
                write!(f, "an address has at most {} bytes, and this has {len}", Address::MAX_LEN)
            }
        }
    }
}

impl Error for AddressError {}
