//! An event id inside a payload: text for people, 16 bytes for machines.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::EventId;

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.to_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(EventIdVisitor)
        } else {
            deserializer.deserialize_bytes(EventIdVisitor)
        }
    }
}

struct EventIdVisitor;

impl Visitor<'_> for EventIdVisitor {
    type Value = EventId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event id: a UUID in lower case, or its 16 bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<EventId, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<EventId, E> {
        let length = |_| E::invalid_length(bytes.len(), &self);
        bytes.try_into().map(EventId::from_bytes).map_err(length)
    }
}
