//! JSON: what the ancestors' clients speak, and what a hub speaks unless asked otherwise.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::envelope::{Envelope, Member, Slot};
use super::{Codec, DecodeError, EncodeError, MAX_DEPTH, MAX_MESSAGE, append, check_size};
use crate::Header;

/// Messages as JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)), one object each, without white space.
///
/// ```
/// use pubsub_transports::Header;
/// use pubsub_transports::codec::{Codec, Json};
///
/// let mut message = Vec::new();
/// let status = std::collections::BTreeMap::from([("state", "busy")]);
/// Json::default().encode(&Header::new("session.status", "project-1"), &status, &mut message)?;
/// assert_eq!(message, br#"{"type":"session.status","id":"project-1","payload":{"state":"busy"}}"#);
/// # Ok::<(), pubsub_transports::codec::EncodeError>(())
/// ```
///
/// # What JSON cannot say
/// A float that is NaN or infinite is written as `null`, as in JavaScript; where a float is asked for, `null` is a
/// [`DecodeError::Payload`], and `Option<f64>` reads `None`. The keys of a map are text, numbers or booleans: others
/// are an [`EncodeError::Payload`]. Bytes are an array of numbers. JavaScript reads integers exactly up to 2⁵³ - 1.
///
/// A text with a lone surrogate (`"\ud800"`) is no text of Rust: it is refused where it is the type, the id or the
/// epoch, and where it is decoded as text; a payload that is only relayed keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json {
    max_message: usize,
}

impl Json {
    /// With another bound on the bytes of a message than [`MAX_MESSAGE`].
    #[must_use]
    pub fn with_max_message(max_message: usize) -> Self {
        Self { max_message }
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::with_max_message(MAX_MESSAGE)
    }
}

impl Codec for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn is_text(&self) -> bool {
        true
    }

    fn is_self_describing(&self) -> bool {
        true
    }

    fn encode_payload<P>(&self, topic: &str, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
    where
        P: serde::Serialize + ?Sized,
    {
        append(out, self.max_message, |out| write_payload(topic, payload, out))
    }

    fn decode<'m, S>(&self, topic: &str, payload: &'m [u8], seed: S) -> Result<S::Value, DecodeError>
    where
        S: DeserializeSeed<'m>,
    {
        check_size(payload, self.max_message)?;
        let mut deserializer = Deserializer::from_slice(payload);
        let value = seed.deserialize(&mut deserializer);
        value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
            // The library names this error by its text only. What was split is JSON, where no other error of syntax
            // goes with such a depth.
            if error.is_syntax() && depth(payload) > MAX_DEPTH {
                return DecodeError::TooDeep { limit: MAX_DEPTH };
            }
            DecodeError::payload(topic, error)
        })
    }

    fn join(&self, header: &Header, payload: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        append(out, self.max_message, |out| {
            open(header, out);
            out.extend_from_slice(payload);
            out.push(b'}');
            Ok(())
        })
    }

    fn split<'m>(&self, message: &'m [u8]) -> Result<(Header, &'m [u8]), DecodeError> {
        check_size(message, self.max_message)?;
        let text =
            str::from_utf8(message).map_err(|error| DecodeError::Syntax { at: error.valid_up_to() })?;
        let mut deserializer = Deserializer::from_str(text);
        let envelope = deserializer.deserialize_map(EnvelopeVisitor);
        let envelope = envelope.and_then(|envelope| deserializer.end().map(|()| envelope));
        envelope.map_err(|error| DecodeError::Syntax { at: place(text, &error) })?.split()
    }

    fn encode<P>(&self, header: &Header, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
    where
        P: serde::Serialize + ?Sized,
    {
        append(out, self.max_message, |out| {
            open(header, out);
            write_payload(header.topic(), payload, out)?;
            out.push(b'}');
            Ok(())
        })
    }
}

fn write_payload<P>(topic: &str, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
where
    P: serde::Serialize + ?Sized,
{
    serde_json::to_writer(out, payload).map_err(|error| EncodeError::payload(topic, error))
}

/// Everything before the payload.
fn open(header: &Header, out: &mut Vec<u8>) {
    text(r#"{"type":"#, header.topic(), out);
    text(r#","id":"#, header.id(), out);
    if let Some(event_id) = header.event_id() {
        text(r#","eventId":"#, &event_id.to_string(), out);
    }
    if let Some(position) = header.position() {
        number(r#","offset":"#, position.offset(), out);
        if let Some(after) = position.after() {
            number(r#","after":"#, after, out);
        }
        if let Some(epoch) = position.epoch() {
            text(r#","epoch":"#, epoch, out);
        }
    }
    out.extend_from_slice(br#","payload":"#);
}

fn text(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    serde_json::to_writer(out, value).expect("text can be written to memory");
}

fn number(name: &str, value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    serde_json::to_writer(out, &value).expect("a number can be written to memory");
}

/// The JSON of one member.
#[derive(Clone, Copy)]
struct Value<'m>(&'m RawValue);

impl<'m> Member<'m> for Value<'m> {
    fn is_null(self) -> bool {
        self.0.get() == "null"
    }

    fn text(self) -> Option<Cow<'m, str>> {
        string(self.0.get())
    }

    fn number(self) -> Option<u64> {
        self.0.get().parse().ok()
    }

    fn raw(self) -> &'m [u8] {
        self.0.get().as_bytes()
    }
}

/// The text that this JSON is; without a copy if nothing in it is escaped.
fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

struct EnvelopeVisitor;

impl<'m> Visitor<'m> for EnvelopeVisitor {
    type Value = Envelope<Value<'m>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an envelope")
    }

    fn visit_map<A: MapAccess<'m>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(Name(slot)) = map.next_key()? {
            match slot {
                Some(slot) => envelope.set(slot, Value(map.next_value()?)),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(envelope)
    }
}

/// The member with this name, if it is a known one.
struct Name(Option<Slot>);

impl<'m> Deserialize<'m> for Name {
    fn deserialize<D: serde::Deserializer<'m>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(Slot::named(name)))
            }
        }

        deserializer.deserialize_identifier(NameVisitor)
    }
}

/// Where the error is, in bytes: the library says line and column, both from 1.
fn place(text: &str, error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    (lines.map(str::len).sum::<usize>() + error.column()).min(text.len())
}

/// How deep this JSON nests. Brackets in strings are none.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
