//! Reading an envelope. The payload stays JSON, and a member of the wrong kind is told apart from wrong JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::codec::envelope::{Envelope, Member, Slot};

pub(super) fn envelope(text: &str) -> serde_json::Result<Envelope<Value<'_>>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let envelope = deserializer.deserialize_map(EnvelopeVisitor)?;
    deserializer.end()?;
    Ok(envelope)
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
                Some(slot) if slot.is_payload() => {
                    let raw: &RawValue = map.next_value()?;
                    envelope.set(slot, Value::Payload(raw.get().as_bytes()));
                }
                Some(slot) if slot.is_trace() => {
                    let raw: &RawValue = map.next_value()?;
                    envelope.set(slot, lenient(raw.get()));
                }
                Some(slot) => envelope.set(slot, map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(envelope)
    }
}

/// A text, or whatever else is JSON: what is wrong with it is no reason to refuse the message.
fn lenient(raw: &str) -> Value<'_> {
    serde_json::from_str(raw).unwrap_or(Value::Other)
}

/// The member with this name, if it is a known one.
struct Name(Option<Slot>);

impl<'m> Deserialize<'m> for Name {
    fn deserialize<D: Deserializer<'m>>(deserializer: D) -> Result<Self, D::Error> {
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

/// The value of a known member.
pub(super) enum Value<'m> {
    Payload(&'m [u8]),
    Text(Cow<'m, str>),
    Number(u64),
    Null,
    /// Of a kind that no member is.
    Other,
}

impl<'m> Member<'m> for Value<'m> {
    fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn text(self) -> Option<Cow<'m, str>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn number(self) -> Option<u64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    fn payload(self) -> Option<&'m [u8]> {
        if let Self::Payload(raw) = self { Some(raw) } else { None }
    }
}

impl<'m> Deserialize<'m> for Value<'m> {
    fn deserialize<D: Deserializer<'m>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'m> Visitor<'m> for ValueVisitor {
    type Value = Value<'m>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'m str) -> Result<Value<'m>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'m>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'m>, E> {
        Ok(Value::Number(number))
    }

    fn visit_unit<E>(self) -> Result<Value<'m>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value<'m>, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value<'m>, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'m>, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'m>>(self, mut seq: A) -> Result<Value<'m>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'m>>(self, mut map: A) -> Result<Value<'m>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

/// Where the error is, in bytes: the library says line and column, both from 1.
pub(super) fn place(text: &str, error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    (lines.map(str::len).sum::<usize>() + error.column()).min(text.len())
}

/// How deep this JSON nests. Brackets in strings are none.
pub(super) fn depth(json: &[u8]) -> usize {
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
