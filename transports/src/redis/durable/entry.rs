//! What an entry of a stream says: an event, or something that is none.

use super::cursor::Marker;
use crate::codec::Codec;
use crate::redis::resp::{Entry, EntryId};
use crate::{Address, Body, DecodeError, Frame, Position, Undecodable};

/// The field with the id of the topic.
pub(in crate::redis) const ID: &[u8] = b"id";
/// The field with the envelope.
pub(in crate::redis) const EVENT: &[u8] = b"event";

/// What begins an epoch, if the entry does.
pub(super) fn marker(entry: &Entry) -> Option<Marker<'_>> {
    if entry.id.offset != 0 {
        return None;
    }
    let run = entry.get(b"run")?;
    let prev = entry.get(b"prev").and_then(EntryId::read).unwrap_or_default();
    Some(Marker { run, prev })
}

/// The event in an entry.
///
/// # Errors
/// If there is none, or one that belongs elsewhere. The payload is not looked at.
pub(super) fn frame(
    codec: &dyn Codec,
    topic: &str,
    entry: &Entry,
    position: Position,
) -> Result<Frame, Undecodable> {
    let id = entry.get(ID).and_then(|id| std::str::from_utf8(id).ok());
    let address = || match id {
        Some(id) => Address::new(topic, id).ok(),
        None => Address::whole(topic).ok(),
    };
    let undecodable = |error| Undecodable::new(address(), error);
    let Some(message) = entry.get(EVENT) else {
        return Err(undecodable(DecodeError::Missing { member: "event" }));
    };
    let (header, payload) = codec.split(message).map_err(undecodable)?;
    if header.topic() != topic {
        let error = header.address().map_or_else(Into::into, |_| DecodeError::Elsewhere { member: "type" });
        return Err(undecodable(error));
    }
    if entry.get(ID).is_some_and(|id| id != header.id().as_bytes()) {
        return Err(undecodable(DecodeError::Elsewhere { member: "id" }));
    }
    header.address().map_err(|error| undecodable(error.into()))?;
    let body = Body::Bytes(entry.share(payload));
    Ok(Frame { header: header.with_position(position), body })
}
