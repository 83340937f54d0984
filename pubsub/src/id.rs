//! Ids: what scopes a topic.

use std::borrow::Borrow;
use std::fmt::{self, Display};
use std::ops::Deref;
use std::str::FromStr;

use compact_str::{CompactString, ToCompactString};

/// A type that can be the id of a topic: `str`, or any `Display + FromStr + Clone + Send + Sync + 'static` type.
///
/// An id *is* its text: two ids that display alike are one id, in one process as on a wire. So `Display` should
/// write all that tells two ids apart, and `FromStr` should read it back.
///
/// Implemented for every type that qualifies; there is nothing to write.
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum Chat {
///     #[event(id = u64)] // the room's number
///     Message(String),
/// }
/// let bus = PubSub::<Chat>::default();
/// bus.publish(Chat::MESSAGE, &42, "hello".to_owned()).now()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the id of a topic",
    label = "not usable as a topic id",
    note = "an id is part of the address `topic:id`, so it needs `Display`, `FromStr`, `Clone`, `Send`, `Sync` and `'static`",
    note = "for text leave `id` away: ids are `str` by default"
)]
pub trait TopicId {
    /// What an event keeps of the id: [`IdString`] for `str`, the type itself for every other.
    type Owned: Borrow<Self> + Clone + Display + Send + Sync + 'static;

    /// `known` is the same text, where it is there already.
    #[doc(hidden)]
    fn __to_owned(&self, known: Option<&IdString>) -> Self::Owned;
    /// The same where it is code of users, which is not run with a lock held.
    #[doc(hidden)]
    fn __to_owned_early(&self) -> Option<Self::Owned>;
    /// The text of an id where it is not the id itself. Writing it is code of users, so it is done without a lock, and
    /// once for each event.
    #[doc(hidden)]
    type __Text: Clone + Send + Sync + 'static;
    #[doc(hidden)]
    fn __write(&self) -> Self::__Text;
    #[doc(hidden)]
    fn __text<'a>(&'a self, written: &'a Self::__Text) -> &'a str;
    /// `None` if the text is no id of this type.
    #[doc(hidden)]
    fn __parse(text: &str) -> Option<Self::Owned>;
}

#[diagnostic::do_not_recommend]
impl<T: Display + FromStr + Clone + Send + Sync + 'static> TopicId for T {
    type Owned = T;
    type __Text = IdString;

    fn __to_owned(&self, _: Option<&IdString>) -> T {
        self.clone()
    }

    fn __to_owned_early(&self) -> Option<T> {
        Some(self.clone())
    }

    fn __write(&self) -> IdString {
        IdString(self.to_compact_string())
    }

    fn __text<'a>(&'a self, written: &'a IdString) -> &'a str {
        written
    }

    fn __parse(text: &str) -> Option<T> {
        text.parse().ok()
    }
}

impl TopicId for str {
    type Owned = IdString;
    type __Text = ();

    #[inline]
    fn __to_owned(&self, known: Option<&IdString>) -> IdString {
        known.cloned().unwrap_or_else(|| IdString::from(self))
    }

    #[inline]
    fn __to_owned_early(&self) -> Option<IdString> {
        None
    }

    #[inline]
    fn __write(&self) {}

    #[inline]
    fn __text<'a>(&'a self, (): &'a ()) -> &'a str {
        self
    }

    fn __parse(text: &str) -> Option<IdString> {
        Some(IdString::from(text))
    }
}

/// An owned id of text. Up to 24 bytes are kept inline, without an allocation.
///
/// It derefs to `str` and compares with it.
///
/// ```
/// let id = pubsub::IdString::from("project-1");
/// assert_eq!(id, "project-1");
/// assert!(id.starts_with("project"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdString(CompactString);

impl IdString {
    /// Whether it is this text. Most ids are short: comparing them here costs less than calling a function for it.
    #[inline]
    pub(crate) fn is(&self, text: &str) -> bool {
        let (one, two) = (self.as_str().as_bytes(), text.as_bytes());
        if one.len() != two.len() {
            return false;
        }
        match one.len() {
            8..=16 => {
                // They overlap.
                one.first_chunk::<8>() == two.first_chunk() && one.last_chunk::<8>() == two.last_chunk()
            }
            4..8 => one.first_chunk::<4>() == two.first_chunk() && one.last_chunk::<4>() == two.last_chunk(),
            _ => one == two,
        }
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Deref for IdString {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for IdString {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for IdString {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for IdString {
    #[inline]
    fn from(text: &str) -> Self {
        Self(CompactString::new(text))
    }
}

impl From<String> for IdString {
    fn from(text: String) -> Self {
        Self(CompactString::from(text))
    }
}

impl From<IdString> for String {
    fn from(id: IdString) -> Self {
        id.0.into_string()
    }
}

impl Display for IdString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self.as_str(), f)
    }
}

impl fmt::Debug for IdString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq<str> for IdString {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for IdString {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for IdString {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<IdString> for str {
    fn eq(&self, other: &IdString) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<IdString> for &str {
    fn eq(&self, other: &IdString) -> bool {
        *self == other.as_str()
    }
}
