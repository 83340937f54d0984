//! Codecs: how an event becomes the bytes of a message, and a message an event.
//!
//! A message is an envelope around a payload. The envelope says the type, the id, and optionally the event id and the
//! position, in this order on every codec, and with the feature `tracing` a trace context; the payload comes last. Readers of JSON and MessagePack take the members in
//! any order, pass over those that they do not know, and take a member that may be absent for absent where it is null.
//! The payload alone keeps its encoded form when a message is [split](Codec::split), so an event can be relayed by
//! who does not know its type, and encoded once for many receivers.
//!
//! | codec | `name` | frames | reads without the types | event id |
//! |---|---|---|---|---|
//! | [`Json`] | `json` | text | yes | text |
//! | [`MessagePack`] | `msgpack` | binary | yes | text |
//! | [`Postcard`] | `postcard` | binary | no | 16 bytes |
//!
//! # Bounds
//! A message has at most [`MAX_MESSAGE`] bytes, unless the codec was made with another bound. A payload nests at most
//! [`MAX_DEPTH`] deep. Beyond either it is refused, by a typed error, before it is built.
//!
//! # Several messages in one frame
//! Not the business of a codec: it is given one message.

#[cfg(feature = "postcard")]
mod depth;
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
mod envelope;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "messagepack")]
mod messagepack;
#[cfg(feature = "postcard")]
mod postcard;
#[cfg(all(feature = "tracing", any(feature = "json", feature = "messagepack", feature = "postcard")))]
#[path = "codec/traced.rs"]
mod trace;
#[cfg(all(not(feature = "tracing"), any(feature = "json", feature = "messagepack", feature = "postcard")))]
#[path = "codec/untraced.rs"]
mod trace;

use serde::Serialize;
use serde::de::DeserializeSeed;

#[cfg(feature = "json")]
pub use self::json::Json;
#[cfg(feature = "messagepack")]
pub use self::messagepack::MessagePack;
#[cfg(feature = "postcard")]
pub use self::postcard::Postcard;
use crate::Header;
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
use crate::carried::Carried;
pub use crate::codec_error::{DecodeError, EncodeError, Redacted};

/// How many bytes a message may have: 64 KiB, unless a codec was made with another bound.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// How deep a payload may nest, the payload itself being the first level: 127.
///
/// It is as deep as `serde_json` goes by default. JSON and MessagePack count arrays and objects (maps); postcard, which
/// writes neither, counts what takes their place: options, newtypes, sequences, tuples, maps, structs and enums. JSON
/// is measured where it becomes a value, and not where it is only relayed, which needs no depth.
pub const MAX_DEPTH: usize = 127;

/// An encoding of messages. Implement it to speak one that is not here.
///
/// The header and the payload are apart: [`encode_payload`](Self::encode_payload) and [`decode`](Self::decode) know
/// the payload only, [`join`](Self::join) and [`split`](Self::split) the envelope only, and these two can be called on
/// a `dyn Codec`. Types that begin with `__` are control messages and nothing special here.
///
/// What a codec promises, for each header, topic and payload that it encodes without an error:
/// `split(join(header, raw))` is `(header, raw)`, but for a trace context, which a codec may leave out; and decoding what was encoded gives an equal value. Whatever a peer
/// sends, `split` and `decode` return; they do not panic, nor use more memory than in proportion to the message.
///
/// # A codec of one's own
/// This one puts a line before the JSON of this crate.
///
/// ```
/// # #[cfg(feature = "json")] {
/// use pubsub_transports::Header;
/// use pubsub_transports::codec::{Codec, DecodeError, EncodeError, Json};
/// use serde::{Serialize, de::DeserializeSeed};
///
/// /// JSON after a line that says who wrote it.
/// struct Signed(Json);
///
/// const LINE: &[u8] = b"acme/1\n";
///
/// impl Codec for Signed {
///     fn name(&self) -> &'static str { "acme" }
///     fn is_text(&self) -> bool { true }
///     fn is_self_describing(&self) -> bool { true }
///
///     fn encode_payload<P>(&self, topic: &str, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
///     where P: Serialize + ?Sized {
///         self.0.encode_payload(topic, payload, out)
///     }
///     fn decode<'m, S>(&self, topic: &str, payload: &'m [u8], seed: S) -> Result<S::Value, DecodeError>
///     where S: DeserializeSeed<'m> {
///         self.0.decode(topic, payload, seed)
///     }
///     fn join(&self, header: &Header, payload: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
///         let before = out.len();
///         out.extend_from_slice(LINE);
///         self.0.join(header, payload, out).inspect_err(|_| out.truncate(before))
///     }
///     fn split<'m>(&self, message: &'m [u8]) -> Result<(Header, &'m [u8]), DecodeError> {
///         self.0.split(message.strip_prefix(LINE).ok_or(DecodeError::Syntax { at: 0 })?)
///     }
/// }
///
/// let (codec, mut message) = (Signed(Json::default()), Vec::new());
/// codec.encode(&Header::new("chat.message", "lobby"), "hello", &mut message)?;
/// assert_eq!(message, b"acme/1\n{\"type\":\"chat.message\",\"id\":\"lobby\",\"payload\":\"hello\"}");
///
/// let (header, raw) = codec.split(&message)?;
/// let text = codec.decode(header.topic(), raw, std::marker::PhantomData::<String>)?;
/// assert_eq!((header.topic(), text.as_str()), ("chat.message", "hello"));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Codec: Send + Sync + 'static {
    /// Its name, which stands for it in a WebSocket subprotocol: `pubsub.v1.` and this. So it is made of ASCII letters,
    /// digits and `-` (RFC 6455, section 4.1, asks for a token).
    fn name(&self) -> &'static str;

    /// Whether a message is text, in UTF-8. It says which frames carry it on a WebSocket.
    fn is_text(&self) -> bool;

    /// Whether a payload can be read without knowing its type. What is positional cannot: both ends must have the same
    /// event map, or a payload is misread.
    fn is_self_describing(&self) -> bool;

    /// Appends the encoded payload, without an envelope.
    ///
    /// # Errors
    /// If the payload cannot be written in this encoding, or is too large. Then `out` is as before.
    fn encode_payload<P>(&self, topic: &str, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
    where
        P: Serialize + ?Sized,
        Self: Sized;

    /// The value that a payload encodes, built by `seed`.
    ///
    /// # Errors
    /// [`DecodeError::Payload`] if the payload does not fit what the seed asks for, or goes on after it;
    /// [`DecodeError::TooDeep`] if it nests too deep.
    fn decode<'m, S>(&self, topic: &str, payload: &'m [u8], seed: S) -> Result<S::Value, DecodeError>
    where
        S: DeserializeSeed<'m>,
        Self: Sized;

    /// Appends the message of an encoded payload: the payload in an envelope.
    ///
    /// `payload` is what [`encode_payload`](Self::encode_payload) wrote or [`split`](Self::split) found; other bytes
    /// make a message that is none.
    ///
    /// # Errors
    /// If the message is too large. Then `out` is as before.
    fn join(&self, header: &Header, payload: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// The header of a message, and its payload, which stays encoded.
    ///
    /// # Errors
    /// If it is no message of this codec, or one that is too large.
    fn split<'m>(&self, message: &'m [u8]) -> Result<(Header, &'m [u8]), DecodeError>;

    /// Appends a message: the same as [`encode_payload`](Self::encode_payload) and then [`join`](Self::join), for one
    /// copy less where a codec has its own.
    ///
    /// # Errors
    /// Those of the two. Then `out` is as before.
    fn encode<P>(&self, header: &Header, payload: &P, out: &mut Vec<u8>) -> Result<(), EncodeError>
    where
        P: Serialize + ?Sized,
        Self: Sized,
    {
        let mut raw = Vec::new();
        self.encode_payload(header.topic(), payload, &mut raw)?;
        self.join(header, &raw, out)
    }
}

/// Lets `write` append to `out`, at most `limit` bytes; takes everything back on an error.
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
fn append(
    out: &mut Vec<u8>,
    limit: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let before = out.len();
    let size = |out: &Vec<u8>| out.len() - before;
    let result = write(out).and_then(|()| match size(out) {
        size if size > limit => Err(EncodeError::TooLarge { size, limit }),
        _ => Ok(()),
    });
    if result.is_err() {
        out.truncate(before);
    }
    result
}

/// Appends a message, without its trace context where it would be too large with it: to be traced never costs an event.
#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
fn append_message(
    out: &mut Vec<u8>,
    limit: usize,
    header: &Header,
    write: impl Fn(&Carried, &mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    match append(out, limit, |out| write(header.carried(), out)) {
        Err(EncodeError::TooLarge { .. }) if header.carried().is_some() => {
            append(out, limit, |out| write(&Carried::default(), out))
        }
        result => result,
    }
}

#[cfg(any(feature = "json", feature = "messagepack", feature = "postcard"))]
fn check_size(bytes: &[u8], limit: usize) -> Result<(), DecodeError> {
    match bytes.len() {
        size if size > limit => Err(DecodeError::TooLarge { size, limit }),
        _ => Ok(()),
    }
}
