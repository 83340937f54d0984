//! JSON: what the ancestors' clients speak, and what a hub speaks unless asked otherwise.

mod read;
#[cfg(test)]
mod tests;
mod written;

use serde::Serialize;
use serde::de::DeserializeSeed;
use serde_json::Deserializer;

use self::read::{depth, envelope};
use super::{
    Codec, DecodeError, EncodeError, MAX_DEPTH, MAX_MESSAGE, append, append_message, check_size, trace,
};
use crate::Header;
use crate::carried::Carried;

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
        P: Serialize + ?Sized,
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
        append_message(out, self.max_message, header, |carried, out| {
            open(header, carried, out);
            out.extend_from_slice(payload);
            out.push(b'}');
            Ok(())
        })
    }

    fn split<'m>(&self, message: &'m [u8]) -> Result<(Header, &'m [u8]), DecodeError> {
        check_size(message, self.max_message)?;
        let text =
            str::from_utf8(message).map_err(|error| DecodeError::Syntax { at: error.valid_up_to() })?;
        match written::split(text) {
            Some(split) => Ok(split),
            None => {
                envelope(text).map_err(|error| DecodeError::Syntax { at: read::place(text, &error) })?.split()
            }
        }
    }

    fn encode<P>(&self, header: &Header, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
    where
        P: Serialize + ?Sized,
    {
        append_message(out, self.max_message, header, |carried, out| {
            open(header, carried, out);
            write_payload(header.topic(), payload, out)?;
            out.push(b'}');
            Ok(())
        })
    }
}

fn write_payload<P>(topic: &str, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
where
    P: Serialize + ?Sized,
{
    serde_json::to_writer(out, payload).map_err(|error| EncodeError::payload(topic, error))
}

/// Everything before the payload.
fn open(header: &Header, carried: &Carried, out: &mut Vec<u8>) {
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
    trace::write_json(carried, out);
    out.extend_from_slice(br#","payload":"#);
}

pub(super) fn text(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    serde_json::to_writer(out, value).expect("text can be written to memory");
}

fn number(name: &str, value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    serde_json::to_writer(out, &value).expect("a number can be written to memory");
}
