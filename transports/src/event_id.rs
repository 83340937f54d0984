//! Event ids: what makes an event recognisable when it arrives twice.

mod monotonic;
#[cfg(feature = "serde")]
mod serde;

use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use hmac_sha256::Hash as Sha256;
use uuid::{Builder, Uuid};

/// The id of one event: 128 bits, written as a UUID ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562)).
///
/// Who publishes gives it, or it is [made](Self::now_v7) when the event first leaves the process, or it is
/// [derived](Self::derive) from what the event says. A receiver that has seen an id drops its second appearance; an
/// event without an id is never taken for a duplicate.
///
/// Its text has one form, 36 characters, lower case and hyphenated, so that two texts are equal exactly if the ids are.
/// With the feature `serde` it is that text in human-readable formats (JSON) and 16 bytes in others.
///
/// ```
/// use pubsub_transports::EventId;
///
/// let id: EventId = "0191e0a5-3c4e-7b2a-9f00-5d6e7f809102".parse()?;
/// assert_eq!(id.to_string(), "0191e0a5-3c4e-7b2a-9f00-5d6e7f809102");
/// assert_eq!(EventId::from_bytes(id.to_bytes()), id);
/// # Ok::<(), pubsub_transports::ParseEventIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

/// Comes first in what [`EventId::derive`] hashes, so that no other use of SHA-256 gives the same ids.
const DOMAIN: &[u8] = b"pubsub.event-id.v1";

impl EventId {
    /// A new id: UUIDv7, which begins with the time in milliseconds and goes on with 74 bits: random ones at first,
    /// counted up within the millisecond.
    ///
    /// Within a process each is greater than the one before, also within a millisecond and when the clock is set
    /// back. Between processes ids are ordered as far as the clocks agree.
    ///
    /// # Panics
    /// If the operating system gives no random bytes.
    ///
    /// ```
    /// # use pubsub_transports::EventId;
    /// assert!(EventId::now_v7() < EventId::now_v7());
    /// ```
    #[must_use]
    pub fn now_v7() -> Self {
        Self(monotonic::next())
    }

    /// The id that belongs to these parts: the same parts give the same id, in every process and every language.
    ///
    /// It is a UUIDv8 of the SHA-256 hash over the bytes `pubsub.event-id.v1`, then the namespace, then each part;
    /// namespace and parts each follow their length in bytes, a `u64` in big endian. The first 16 bytes of the hash
    /// are the id, with the upper four bits of byte 6 set to 8 (the version) and the upper two of byte 8 to binary 10
    /// (the variant), as RFC 9562 asks in section 5.8. That leaves 122 bits of the hash: to find two parts lists of
    /// one id takes about 2⁶¹ tries.
    ///
    /// Parts are taken as they are: not trimmed, not normalised, empty ones kept. Their lengths keep them apart, so
    /// `("a", "b:c")` and `("a:b", "c")` differ.
    ///
    /// ```
    /// # use pubsub_transports::EventId;
    /// let id = EventId::derive("orders", ["eu", "4711", "paid"]);
    /// assert_eq!(id.to_string(), "72af5dd4-339e-833d-b56c-10f96fa33478");
    /// assert_ne!(EventId::derive("n", ["a", "b:c"]), EventId::derive("n", ["a:b", "c"]));
    /// ```
    ///
    /// The same in JavaScript, for Node:
    ///
    /// ```js
    /// import { createHash } from "node:crypto";
    ///
    /// function derive(namespace, parts) {
    ///     const hash = createHash("sha256").update("pubsub.event-id.v1");
    ///     for (const part of [namespace, ...parts]) {
    ///         const bytes = Buffer.from(part), length = Buffer.alloc(8);
    ///         length.writeBigUInt64BE(BigInt(bytes.length));
    ///         hash.update(length).update(bytes);
    ///     }
    ///     const id = hash.digest().subarray(0, 16);
    ///     id[6] = (id[6] & 0x0f) | 0x80;
    ///     id[8] = (id[8] & 0x3f) | 0x80;
    ///     return id.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    /// }
    /// ```
    #[must_use]
    pub fn derive(namespace: impl AsRef<[u8]>, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        update(&mut hash, namespace.as_ref());
        for part in parts {
            update(&mut hash, part.as_ref());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self(Builder::from_custom_bytes(id).into_uuid())
    }

    /// The id of these 16 bytes, in the order of its text. Any bytes are an id: its version is not looked at.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes, in the order of the text.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// The id whose text, read as one hexadecimal number, is `number`.
    #[must_use]
    pub const fn from_u128(number: u128) -> Self {
        Self(Uuid::from_u128(number))
    }

    /// The text read as one hexadecimal number.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0.as_u128()
    }
}

/// A part, after its length: without it two lists of parts with the same bytes would be one.
fn update(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part);
}

impl Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = ParseEventIdError;

    fn from_str(text: &str) -> Result<Self, ParseEventIdError> {
        let id = Uuid::try_parse(text).map_err(|_| ParseEventIdError(()))?;
        // Upper case, braces, `urn:uuid:` and digits without hyphens are UUIDs too, but other texts of the same id.
        let canonical = *id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *text;
        if canonical { Ok(Self(id)) } else { Err(ParseEventIdError(())) }
    }
}

/// The text is no [`EventId`]: not a UUID of 36 characters, lower case and hyphenated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseEventIdError(());

impl Display for ParseEventIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an event id is a UUID in lower case with hyphens, such as 0191e0a5-3c4e-7b2a-9f00-5d6e7f809102",
        )
    }
}

impl Error for ParseEventIdError {}
