//! What the two ends say to each other besides events.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PROTOCOL;
use crate::codec::{Codec, DecodeError, EncodeError};
use crate::{Address, AddressError, Frame, Header};

/// A message, read.
#[derive(Debug)]
pub enum Control {
    /// The process is there, and speaks this version.
    Connect(u32),
    /// The host has seen it.
    Connected,
    /// The process wants to follow these, under this number.
    Subscribe(u64, Vec<Address>),
    /// It follows all that it asked for under this number.
    Subscribed(u64),
    /// It follows these no more.
    Unsubscribe(Vec<Address>),
    /// Events to this address were lost before the next; how many, if that is known.
    Gap(Address, Option<u64>),
    /// The next event of the process was accepted, or was not.
    Published(Result<(), String>),
    /// A sign of life.
    Ping,
    /// Nothing more comes.
    Disconnect,
    /// No control message, but an event.
    Event(Frame),
}

/// Why a message cannot be understood.
#[derive(Debug)]
pub enum ControlError {
    /// It is none of the codec.
    Message(DecodeError),
    /// There is no such control message.
    Unknown(String),
    /// It names what is no address.
    Address(AddressError),
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(error) => error.fmt(f),
            Self::Unknown(name) => write!(f, "there is no control message {name:?}"),
            Self::Address(error) => error.fmt(f),
        }
    }
}

/// In the shape that a hub's have: `{"topics":[{"topic":".."},..]}`.
type Topics = BTreeMap<String, Vec<BTreeMap<String, String>>>;

fn topics(addresses: &[Address]) -> Topics {
    let topic = |address: &Address| BTreeMap::from([("topic".to_owned(), address.to_string())]);
    BTreeMap::from([("topics".to_owned(), addresses.iter().map(topic).collect())])
}

fn addresses(topics: &Topics) -> Result<Vec<Address>, ControlError> {
    let all = topics.get("topics").into_iter().flatten();
    let named = all.filter_map(|one| one.get("topic"));
    named.map(|topic| topic.parse().map_err(ControlError::Address)).collect()
}

impl Control {
    /// Its message. That of an event is made by the codec.
    ///
    /// # Errors
    /// If it is larger than the codec allows.
    pub fn write(&self, codec: &impl Codec) -> Result<Bytes, EncodeError> {
        let nothing = BTreeMap::<String, u64>::new();
        let number = |name: &str, value: u64| BTreeMap::from([(name.to_owned(), value)]);
        match self {
            Self::Connect(version) => encode(codec, "__connect", "0", &number("protocol", (*version).into())),
            Self::Connected => encode(codec, "__connected", "0", &nothing),
            Self::Subscribe(request, all) => encode(codec, "__subscribe", &request.to_string(), &topics(all)),
            Self::Subscribed(request) => encode(codec, "__subscribed", &request.to_string(), &nothing),
            Self::Unsubscribe(all) => encode(codec, "__unsubscribe", "", &topics(all)),
            Self::Gap(address, missed) => {
                let mut gap = BTreeMap::from([("topic".to_owned(), address.to_string())]);
                gap.extend(missed.map(|missed| ("missed".to_owned(), missed.to_string())));
                encode(codec, "__gap", "", &gap)
            }
            Self::Published(Ok(())) => encode(codec, "__published", "", &nothing),
            Self::Published(Err(message)) => {
                let code = ("code".to_owned(), "bad_request".to_owned());
                let error = BTreeMap::from([code, ("message".to_owned(), message.clone())]);
                encode(codec, "__error", "", &error)
            }
            Self::Ping => encode(codec, "__ping", "", &nothing),
            Self::Disconnect => encode(codec, "__disconnect", "", &nothing),
            Self::Event(Frame { header, body }) => {
                let mut out = Vec::new();
                if let crate::Body::Bytes(payload) = body {
                    codec.join(header, payload, &mut out)?;
                }
                Ok(out.into())
            }
        }
    }

    /// What a message says.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn read(codec: &impl Codec, message: &Bytes) -> Result<Self, ControlError> {
        let (header, payload) = codec.split(message).map_err(ControlError::Message)?;
        if !header.is_control() {
            let body = crate::Body::Bytes(message.slice_ref(payload));
            return Ok(Self::Event(Frame { header, body }));
        }
        let request = header.id().parse().unwrap_or_default();
        Ok(match header.topic() {
            "__connect" => {
                let payload: BTreeMap<String, u64> = decode(codec, &header, payload)?;
                let version = payload.get("protocol").copied().unwrap_or_default();
                Self::Connect(u32::try_from(version).unwrap_or(u32::MAX))
            }
            "__connected" => Self::Connected,
            "__subscribe" => Self::Subscribe(request, addresses(&decode(codec, &header, payload)?)?),
            "__subscribed" => Self::Subscribed(request),
            "__unsubscribe" => Self::Unsubscribe(addresses(&decode(codec, &header, payload)?)?),
            "__gap" => {
                let gap: BTreeMap<String, String> = decode(codec, &header, payload)?;
                let topic = gap.get("topic").map(String::as_str).unwrap_or_default();
                let missed = gap.get("missed").and_then(|missed| missed.parse().ok());
                Self::Gap(topic.parse().map_err(ControlError::Address)?, missed)
            }
            "__published" => Self::Published(Ok(())),
            "__error" => {
                let mut error: BTreeMap<String, String> = decode(codec, &header, payload)?;
                Self::Published(Err(error.remove("message").unwrap_or_default()))
            }
            "__ping" => Self::Ping,
            "__disconnect" => Self::Disconnect,
            other => return Err(ControlError::Unknown(other.to_owned())),
        })
    }

    /// That this process is there.
    #[must_use]
    pub fn connect() -> Self {
        Self::Connect(PROTOCOL)
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
    codec.decode(header.topic(), payload, std::marker::PhantomData::<P>).map_err(ControlError::Message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Json;

    #[test]
    fn what_is_written_is_read() {
        let codec = Json::default();
        let all = vec!["a".parse().unwrap(), "b:1:2".parse().unwrap()];
        for (control, text) in [
            (Control::connect(), r#"{"type":"__connect","id":"0","payload":{"protocol":1}}"#),
            (
                Control::Subscribe(7, all.clone()),
                r#"{"type":"__subscribe","id":"7","payload":{"topics":[{"topic":"a"},{"topic":"b:1:2"}]}}"#,
            ),
            (Control::Subscribed(7), r#"{"type":"__subscribed","id":"7","payload":{}}"#),
            (
                Control::Gap(all[1].clone(), Some(3)),
                r#"{"type":"__gap","id":"","payload":{"missed":"3","topic":"b:1:2"}}"#,
            ),
            (Control::Published(Ok(())), r#"{"type":"__published","id":"","payload":{}}"#),
            (
                Control::Published(Err("no".to_owned())),
                r#"{"type":"__error","id":"","payload":{"code":"bad_request","message":"no"}}"#,
            ),
            (Control::Disconnect, r#"{"type":"__disconnect","id":"","payload":{}}"#),
        ] {
            let message = control.write(&codec).unwrap();
            assert_eq!(message, text);
            assert_eq!(format!("{:?}", Control::read(&codec, &message).unwrap()), format!("{control:?}"));
        }
    }

    #[test]
    fn what_is_none_is_an_error() {
        let codec = Json::default();
        for message in [
            "no",
            r#"{"type":"__dance","id":"","payload":{}}"#,
            r#"{"type":"__subscribe","id":"1","payload":{"topics":[{"topic":""}]}}"#,
            r#"{"type":"__subscribe","id":"1","payload":7}"#,
        ] {
            assert!(Control::read(&codec, &Bytes::from_static(message.as_bytes())).is_err(), "{message}");
        }
    }
}
