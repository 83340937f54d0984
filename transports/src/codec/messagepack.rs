//! MessagePack: as JSON for who reads it, in fewer bytes.

mod value;

use rmp::encode::{write_map_len, write_str, write_uint};
use rmp_serde::{Deserializer, Serializer};
use serde::Serialize;
use serde::de::DeserializeSeed;

use self::value::Value;
use super::envelope::{Envelope, Slot, name};
use super::{Codec, DecodeError, EncodeError, MAX_MESSAGE, append, append_message, check_size, trace};
use crate::Header;
use crate::carried::Carried;

/// Messages as [MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md), each a map whose keys are text.
///
/// JavaScript reads an object of the same shape as from JSON: the event id is text, and structs in payloads are maps by
/// the names of their fields. Numbers keep their width and floats NaN and infinity. Types that look at
/// `is_human_readable` take their compact form in payloads, as an [`EventId`](crate::EventId) does with 16 bytes.
///
/// A payload that is only relayed is measured, not read: texts in it may be no UTF-8.
///
/// ```
/// use pubsub_transports::Header;
/// use pubsub_transports::codec::{Codec, MessagePack};
///
/// let mut message = Vec::new();
/// MessagePack::default().encode(&Header::new("door", "front"), &true, &mut message)?;
/// assert_eq!(message, b"\x83\xa4type\xa4door\xa2id\xa5front\xa7payload\xc3");
/// # Ok::<(), pubsub_transports::codec::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagePack {
    max_message: usize,
}

impl MessagePack {
    /// With another bound on the bytes of a message than [`MAX_MESSAGE`].
    #[must_use]
    pub fn with_max_message(max_message: usize) -> Self {
        Self { max_message }
    }
}

impl Default for MessagePack {
    fn default() -> Self {
        Self::with_max_message(MAX_MESSAGE)
    }
}

impl Codec for MessagePack {
    fn name(&self) -> &'static str {
        "msgpack"
    }

    fn is_text(&self) -> bool {
        false
    }

    fn is_self_describing(&self) -> bool {
        true
    }

    fn encode_payload<P>(&self, topic: &str, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
    where
        P: Serialize + ?Sized,
    {
        append(out, self.max_message, |out| write_payload(topic, payload, out))
    }

    fn decode<'m, S>(&self, topic: &str, payload: &'m [u8], seed: S) -> Result<S::Value, DecodeError>
    where
        S: DeserializeSeed<'m>,
    {
        check_size(payload, self.max_message)?;
        // Also bounds how deep the library recurs.
        let (_, rest) = Value::take(payload, payload.len())?;
        if !rest.is_empty() {
            return Err(DecodeError::payload(topic, format_args!("{} bytes follow the payload", rest.len())));
        }
        let mut deserializer = Deserializer::from_read_ref(payload);
        seed.deserialize(&mut deserializer).map_err(|error| DecodeError::payload(topic, error))
    }

    fn join(&self, header: &Header, payload: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        append_message(out, self.max_message, header, |carried, out| {
            open(header, carried, out);
            out.extend_from_slice(payload);
            Ok(())
        })
    }

    fn split<'m>(&self, message: &'m [u8]) -> Result<(Header, &'m [u8]), DecodeError> {
        check_size(message, self.max_message)?;
        let (members, mut rest) = value::map(message)?;
        let mut envelope = Envelope::default();
        for _ in 0..members {
            let (key, after) = Value::take(rest, message.len())?;
            let (value, after) = Value::take(after, message.len())?;
            rest = after;
            if let Some(slot) = key.str().and_then(Slot::named) {
                envelope.set(slot, value);
            }
        }
        match rest.len() {
            0 => envelope.split(),
            left => Err(DecodeError::Syntax { at: message.len() - left }),
        }
    }

    fn encode<P>(&self, header: &Header, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
    where
        P: Serialize + ?Sized,
    {
        append_message(out, self.max_message, header, |carried, out| {
            open(header, carried, out);
            write_payload(header.topic(), payload, out)
        })
    }
}

fn write_payload<P>(topic: &str, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
where
    P: Serialize + ?Sized,
{
    let written = payload.serialize(&mut Serializer::new(out).with_struct_map());
    written.map_err(|error| EncodeError::payload(topic, error))
}

/// Everything before the payload.
fn open(header: &Header, carried: &Carried, out: &mut Vec<u8>) {
    let position = header.position();
    let (after, epoch) =
        (position.and_then(crate::Position::after), position.and_then(crate::Position::epoch));
    let optional = [header.event_id().is_some(), position.is_some(), after.is_some(), epoch.is_some()];
    let members = 3 + optional.into_iter().map(u32::from).sum::<u32>() + trace::members(carried);
    write_map_len(out, members).expect(MEMORY);
    text(name::TYPE, header.topic(), out);
    text(name::ID, header.id(), out);
    if let Some(event_id) = header.event_id() {
        text(name::EVENT_ID, &event_id.to_string(), out);
    }
    if let Some(position) = position {
        number(name::OFFSET, position.offset(), out);
    }
    if let Some(after) = after {
        number(name::AFTER, after, out);
    }
    if let Some(epoch) = epoch {
        text(name::EPOCH, epoch, out);
    }
    trace::write_messagepack(carried, out);
    write_str(out, name::PAYLOAD).expect(MEMORY);
}

const MEMORY: &str = "memory takes what is written to it";

pub(super) fn text(name: &str, value: &str, out: &mut Vec<u8>) {
    write_str(out, name).expect(MEMORY);
    write_str(out, value).expect(MEMORY);
}

fn number(name: &str, value: u64, out: &mut Vec<u8>) {
    write_str(out, name).expect(MEMORY);
    write_uint(out, value).expect(MEMORY);
}
