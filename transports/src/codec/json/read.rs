//! Reading an envelope, whose members stay JSON until it is known which of them are there.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::codec::envelope::{Envelope, Member, Slot};

pub(super) fn envelope(text: &str) -> serde_json::Result<Envelope<Value<'_>>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let envelope = deserializer.deserialize_map(EnvelopeVisitor)?;
    deserializer.end()?;
    Ok(envelope)
}

/// The JSON of one member.
#[derive(Clone, Copy)]
pub(super) struct Value<'m>(&'m RawValue);

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
