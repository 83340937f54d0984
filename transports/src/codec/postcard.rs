//! Postcard: the fewest bytes, for two ends that have the same event map.

use std::cell::Cell;

use postcard::Deserializer;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeSeed};

use super::depth::{Bounds, Limited};
use super::envelope::{Optional, name};
use super::{
    Codec, DecodeError, EncodeError, MAX_DEPTH, MAX_MESSAGE, append, append_message, check_size, trace,
};
use crate::carried::Carried;
use crate::{EventId, Header, Position};

/// Messages in the [wire format of postcard](https://postcard.jamesmunns.com/wire-format) 1.
///
/// A message is type, id, event id, offset, after, epoch and payload one after the other, the four in the middle as
/// options: a byte 0, or a byte 1 and the value. Type, id and epoch are strings, the event id is 16 bytes without a
/// length, the two numbers are `u64`. With a trace context the byte before the epoch is 2 instead of 0 or 3 instead of 1, and
/// after the epoch follow the trace id (16 bytes), the span id (8 bytes), a byte 1 if it is sampled, and the `tracestate`, a
/// string that may be empty. There are no names, so nothing can be added, left out or put in another order,
/// and a payload can be read only by who has its type.
///
/// Types that look at what comes cannot be read back (`serde_json::Value`, `#[serde(untagged)]`, `flatten`), nor those
/// that leave out fields (`skip_serializing_if`). A sequence has at most as many elements as a message may have bytes:
/// elements of no bytes, as in `Vec<()>`, would let a few bytes ask for any number of them.
///
/// ```
/// use pubsub_transports::Header;
/// use pubsub_transports::codec::{Codec, Postcard};
///
/// let mut message = Vec::new();
/// Postcard::default().encode(&Header::new("door", "front"), &true, &mut message)?;
/// assert_eq!(message, b"\x04door\x05front\0\0\0\0\x01");
/// # Ok::<(), pubsub_transports::codec::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Postcard {
    max_message: usize,
    #[cfg(feature = "tracing")]
    traced: bool,
}

impl Postcard {
    /// With another bound on the bytes of a message than [`MAX_MESSAGE`].
    #[must_use]
    pub fn with_max_message(max_message: usize) -> Self {
        Self {
            max_message,
            #[cfg(feature = "tracing")]
            traced: false,
        }
    }

    /// Which writes the trace context of events too. Its `name` is `postcard-trace`.
    ///
    /// Nothing can be added to a message of postcard that a reader passes over, so this is for wires whose readers all have
    /// the feature `tracing`; they read both. A hub for spokes of both kinds speaks both codecs, whose payloads are the same:
    ///
    /// ```
    /// use pubsub_transports::codec::Postcard;
    /// # #[cfg(feature = "websocket")] {
    /// use pubsub_transports::websocket::Codecs;
    ///
    /// let codecs = Codecs::one(Postcard::default().traced())
    ///     .and(Postcard::default(), |_, payload, _, _| Ok(payload.to_vec()));
    /// # assert_eq!(codecs.named("postcard-trace"), Some(0));
    /// # }
    /// ```
    #[cfg(feature = "tracing")]
    #[must_use]
    pub fn traced(self) -> Self {
        Self { traced: true, ..self }
    }
}

impl Default for Postcard {
    fn default() -> Self {
        Self::with_max_message(MAX_MESSAGE)
    }
}

impl Codec for Postcard {
    fn name(&self) -> &'static str {
        #[cfg(feature = "tracing")]
        if self.traced {
            return "postcard-trace";
        }
        "postcard"
    }

    fn is_text(&self) -> bool {
        false
    }

    fn is_self_describing(&self) -> bool {
        false
    }

    fn encode_payload<P>(&self, topic: &str, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
    where
        P: Serialize + ?Sized,
    {
        append(out, self.max_message, |out| write(topic, payload, out))
    }

    fn decode<'m, S>(&self, topic: &str, payload: &'m [u8], seed: S) -> Result<S::Value, DecodeError>
    where
        S: DeserializeSeed<'m>,
    {
        check_size(payload, self.max_message)?;
        let (too_deep, elements) = (Cell::new(false), Cell::new(self.max_message));
        // An element takes a byte at least, where it takes memory.
        let claims = Cell::new(payload.len());
        let bounds = Bounds { levels: MAX_DEPTH, too_deep: &too_deep, elements: &elements, claims: &claims };
        let mut deserializer = Deserializer::from_bytes(payload);
        let value = seed.deserialize(Limited { inner: &mut deserializer, bounds });
        if too_deep.get() {
            return Err(DecodeError::TooDeep { limit: MAX_DEPTH });
        }
        let value = value.map_err(|error| DecodeError::payload(topic, error))?;
        match deserializer.finalize() {
            Ok([]) => Ok(value),
            _ => Err(DecodeError::payload(topic, "bytes follow the payload")),
        }
    }

    fn join(&self, header: &Header, payload: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        append_message(out, self.max_message, header, |carried, out| {
            self.open(header, carried, out)?;
            out.extend_from_slice(payload);
            Ok(())
        })
    }

    fn split<'m>(&self, message: &'m [u8]) -> Result<(Header, &'m [u8]), DecodeError> {
        check_size(message, self.max_message)?;
        let mut rest = message;
        let topic: &str = take(&mut rest, name::TYPE)?;
        let id: &str = take(&mut rest, name::ID)?;
        let event_id: Option<[u8; 16]> = take(&mut rest, name::EVENT_ID)?;
        let (offset, after) = (take(&mut rest, name::OFFSET)?, take(&mut rest, name::AFTER)?);
        let (epoch, carried) = trace::take_epoch(&mut rest)?;
        let optional = Optional { event_id: event_id.map(EventId::from_bytes), offset, after, epoch };
        Ok((optional.header(topic, id)?.with_carried(carried), rest))
    }

    fn encode<P>(&self, header: &Header, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
    where
        P: Serialize + ?Sized,
    {
        append_message(out, self.max_message, header, |carried, out| {
            self.open(header, carried, out)?;
            write(header.topic(), payload, out)
        })
    }
}

/// The member that comes next.
pub(super) fn take<'m, T: Deserialize<'m>>(
    rest: &mut &'m [u8],
    member: &'static str,
) -> Result<T, DecodeError> {
    let (value, after) = postcard::take_from_bytes(rest).map_err(|_| DecodeError::Invalid { member })?;
    *rest = after;
    Ok(value)
}

impl Postcard {
    /// Everything before the payload.
    fn open(&self, header: &Header, carried: &Carried, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let position = header.position();
        let epoch = position.and_then(Position::epoch);
        let members = (
            header.topic(),
            header.id(),
            header.event_id().map(EventId::to_bytes),
            position.map(Position::offset),
            position.and_then(Position::after),
        );
        write(header.topic(), &members, out)?;
        trace::write_epoch(self, header.topic(), epoch, carried, out)
    }

    #[cfg(feature = "tracing")]
    pub(super) fn is_traced(&self) -> bool {
        self.traced
    }
}

pub(super) fn write<P>(topic: &str, value: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
where
    P: Serialize + ?Sized,
{
    postcard::serialize_with_flavor(value, Append(out)).map_err(|error| EncodeError::payload(topic, error))
}

/// Writes at the end of what is there. The flavors of the library begin with memory of their own.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
