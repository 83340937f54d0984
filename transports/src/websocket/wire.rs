//! Control messages: all that a hub and its clients say to each other besides events.
//!
//! Each is an envelope as an event is, with a type that begins with `__`. Its `id` is the correlation id that the
//! sender of a command chose; the answer has the same. The correlation id of an event is the text of its event id.
//!
//! Members that a reader does not know are passed over, where the codec has names. JSON leaves out a member that is
//! absent; binary codecs write it as absent.

mod payload;
mod text;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::payload::millis;
pub use self::payload::{
    Ack, Code, Connect, Connected, Disconnect, Failure, Gap, Published, Since, Subscribe, Subscribed, TextId,
    Token, Unsubscribe, Unsubscribed,
};
use self::payload::{Empty, SubscribeMany};
pub use self::text::{GapReason, OnGap};
use crate::codec::{Codec, DecodeError, EncodeError};
use crate::codec_error::shortened;
use crate::{Address, Header};

/// The version of the protocol that this crate speaks: what `__connect` says.
pub const PROTOCOL: u32 = 1;

/// The id that stands for the name of who is authenticated on a connection.
pub const SELF_ID: &str = "@self";

/// What a client asks of a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `__connect`: who comes, and what it speaks.
    Connect(Connect),
    /// `__subscribe`: one address or several, each answered by itself.
    Subscribe(Vec<Subscribe>),
    /// `__unsubscribe`.
    Unsubscribe(Unsubscribe),
    /// `__ack`: everything up to an offset was handled.
    Ack(Ack),
    /// `__ping`, for clients that cannot send ping frames.
    Ping,
}

/// What a hub says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// `__connected`: the answer to `__connect`.
    Connected(Connected),
    /// `__subscribed`: the subscription lives.
    Subscribed(Subscribed),
    /// `__unsubscribed`: nothing more comes of it.
    Unsubscribed(Unsubscribed),
    /// `__published`: an event was accepted.
    Published(Published),
    /// `__pong`: the answer to `__ping`.
    Pong,
    /// `__error`: a command or an event was refused.
    Error(Failure),
    /// `__gap`: events of a subscription were lost, and it goes on.
    Gap(Gap),
    /// `__disconnect`: the close frame follows.
    Disconnect(Disconnect),
}

impl Command {
    /// Its message.
    ///
    /// # Errors
    /// If it is larger than the codec allows.
    pub fn encode(&self, codec: &impl Codec, id: &str) -> Result<Bytes, EncodeError> {
        match self {
            Self::Connect(payload) => encode(codec, "__connect", id, payload),
            Self::Subscribe(payloads) => match payloads.as_slice() {
                [one] => encode(codec, "__subscribe", id, &SubscribeMany::one(one)),
                many => encode(codec, "__subscribe", id, &SubscribeMany::many(many)),
            },
            Self::Unsubscribe(payload) => encode(codec, "__unsubscribe", id, payload),
            Self::Ack(payload) => encode(codec, "__ack", id, payload),
            Self::Ping => encode(codec, "__ping", id, &Empty {}),
        }
    }

    /// The command of a message that was [split](Codec::split).
    ///
    /// # Errors
    /// If there is no command of this type, or the payload is not that of the command.
    pub fn decode(codec: &impl Codec, header: &Header, payload: &[u8]) -> Result<Self, ControlError> {
        Ok(match header.topic() {
            "__connect" => Self::Connect(decode(codec, header, payload)?),
            "__subscribe" => Self::Subscribe(decode::<SubscribeMany>(codec, header, payload)?.into_topics()?),
            "__unsubscribe" => Self::Unsubscribe(decode(codec, header, payload)?),
            "__ack" => Self::Ack(decode(codec, header, payload)?),
            "__ping" => Self::Ping,
            other => return Err(ControlError::Unknown { name: shortened(other) }),
        })
    }
}

impl Reply {
    /// Its message.
    ///
    /// # Errors
    /// If it is larger than the codec allows.
    pub fn encode(&self, codec: &impl Codec, id: &str) -> Result<Bytes, EncodeError> {
        match self {
            Self::Connected(payload) => encode(codec, "__connected", id, payload),
            Self::Subscribed(payload) => encode(codec, "__subscribed", id, payload),
            Self::Unsubscribed(payload) => encode(codec, "__unsubscribed", id, payload),
            Self::Published(payload) => encode(codec, "__published", id, payload),
            Self::Pong => encode(codec, "__pong", id, &Empty {}),
            Self::Error(payload) => encode(codec, "__error", id, payload),
            Self::Gap(payload) => encode(codec, "__gap", id, payload),
            Self::Disconnect(payload) => encode(codec, "__disconnect", id, payload),
        }
    }

    /// The reply of a message that was [split](Codec::split).
    ///
    /// # Errors
    /// If there is no reply of this type, or the payload is not that of the reply.
    pub fn decode(codec: &impl Codec, header: &Header, payload: &[u8]) -> Result<Self, ControlError> {
        Ok(match header.topic() {
            "__connected" => Self::Connected(decode(codec, header, payload)?),
            "__subscribed" => Self::Subscribed(decode(codec, header, payload)?),
            "__unsubscribed" => Self::Unsubscribed(decode(codec, header, payload)?),
            "__published" => Self::Published(decode(codec, header, payload)?),
            "__pong" => Self::Pong,
            "__error" => Self::Error(decode(codec, header, payload)?),
            "__gap" => Self::Gap(decode(codec, header, payload)?),
            "__disconnect" => Self::Disconnect(decode(codec, header, payload)?),
            other => return Err(ControlError::Unknown { name: shortened(other) }),
        })
    }
}

fn encode<P: Serialize>(codec: &impl Codec, name: &str, id: &str, payload: &P) -> Result<Bytes, EncodeError> {
    let mut out = Vec::new();
    codec.encode(&Header::new(name, id), payload, &mut out)?;
    Ok(out.into())
}

fn decode<P: DeserializeOwned>(
    codec: &impl Codec,
    header: &Header,
    payload: &[u8],
) -> Result<P, ControlError> {
    Ok(codec.decode(header.topic(), payload, std::marker::PhantomData::<P>)?)
}

/// Why a message is no control message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlError {
    /// There is none of this name, or it is not for this side to send.
    Unknown {
        /// The name, or its beginning.
        name: String,
    },
    /// The payload is not that of the message.
    Payload(DecodeError),
    /// `__subscribe` names no address, or both one and several.
    Topics,
}

impl std::fmt::Display for ControlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown { name } => write!(f, "there is no control message {name:?} from this side"),
            Self::Payload(error) => error.fmt(f),
            Self::Topics => f.write_str("`__subscribe` needs either `topic` or `topics`"),
        }
    }
}

impl std::error::Error for ControlError {}

impl From<DecodeError> for ControlError {
    fn from(error: DecodeError) -> Self {
        Self::Payload(error)
    }
}

/// A codec whose type is not named: what a hub with several of them holds.
pub(crate) trait Speaks: Send + Sync {
    fn name(&self) -> &'static str;
    fn is_text(&self) -> bool;
    fn split<'m>(&self, message: &'m [u8]) -> Result<(Header, &'m [u8]), DecodeError>;
    fn join(&self, header: &Header, payload: &[u8]) -> Result<Bytes, EncodeError>;
    fn command(&self, header: &Header, payload: &[u8]) -> Result<Command, ControlError>;
    fn reply(&self, header: &Header, payload: &[u8]) -> Result<Reply, ControlError>;
    fn encode_command(&self, id: &str, command: &Command) -> Result<Bytes, EncodeError>;
    fn encode_reply(&self, id: &str, reply: &Reply) -> Result<Bytes, EncodeError>;
}

impl<C: Codec> Speaks for C {
    fn name(&self) -> &'static str {
        Codec::name(self)
    }

    fn is_text(&self) -> bool {
        Codec::is_text(self)
    }

    fn split<'m>(&self, message: &'m [u8]) -> Result<(Header, &'m [u8]), DecodeError> {
        Codec::split(self, message)
    }

    fn join(&self, header: &Header, payload: &[u8]) -> Result<Bytes, EncodeError> {
        let mut out = Vec::with_capacity(payload.len() + header.topic().len() + header.id().len() + 128);
        Codec::join(self, header, payload, &mut out)?;
        Ok(out.into())
    }

    fn command(&self, header: &Header, payload: &[u8]) -> Result<Command, ControlError> {
        Command::decode(self, header, payload)
    }

    fn reply(&self, header: &Header, payload: &[u8]) -> Result<Reply, ControlError> {
        Reply::decode(self, header, payload)
    }

    fn encode_command(&self, id: &str, command: &Command) -> Result<Bytes, EncodeError> {
        command.encode(self, id)
    }

    fn encode_reply(&self, id: &str, reply: &Reply) -> Result<Bytes, EncodeError> {
        reply.encode(self, id)
    }
}

/// One complete WebSocket message.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message. That it is UTF-8 was checked by who read it, or is by the codec.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    pub(crate) fn new(bytes: Bytes, is_text: bool) -> Self {
        if is_text { Self::Text(bytes) } else { Self::Binary(bytes) }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        let (Self::Text(bytes) | Self::Binary(bytes)) = self;
        bytes
    }
}

/// Prints how long it is, never what it says.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if matches!(self, Self::Text(_)) { "Text" } else { "Binary" };
        write!(f, "{kind}({} bytes)", self.bytes().len())
    }
}

/// The address with its `@self` replaced; `None` where there is nobody whose name could replace it.
pub(crate) fn resolve(address: Address, identity: Option<&str>) -> Option<Address> {
    match address.id() {
        Some(SELF_ID) => Address::new(address.topic(), identity?).ok(),
        _ => Some(address),
    }
}
