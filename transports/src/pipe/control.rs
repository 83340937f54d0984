//! What the two ends say to each other besides events.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PROTOCOL;
use crate::codec::{Codec, DecodeError, EncodeError};
use crate::queue::Leave;
use crate::{Address, AddressError, Frame, Header};

/// A message, read.
#[derive(Debug)]
pub enum Control {
    /// The process is there, and speaks this version. It has room for so many events.
    Connect(u32, usize),
    /// The host has seen it, and has room for so many events.
    Connected(usize),
    /// The process has room for so many events more.
    Room(usize),
    /// The process wants to follow these, under this number.
    Subscribe(u64, Vec<Address>),
    /// It follows all that it asked for under this number.
    Subscribed(u64),
    /// It follows these no more.
    Unsubscribe(Vec<Address>),
    /// Events to this address were lost before the next; how many, if that is known.
    Gap(Address, Option<u64>),
    /// The next event of the process was accepted, or was not. There is room for another.
    Published(Result<(), String>),
    /// The process wants a place in the queue group of this name, which follows these, and at most so many events at once. The
    /// number stands for the place.
    Join(u64, String, u64, Vec<Address>),
    /// There is one, or there is none: a code and why.
    Joined(u64, Result<(), (String, String)>),
    /// The next message is an event for this place.
    Give(u64),
    /// Nothing more is given to this place.
    Over(u64),
    /// The first event that was given to this place and not begun is begun, and the one before is done.
    Begin(u64),
    /// What was begun is done.
    Done(u64),
    /// What was begun is no event that the process can read.
    Reject(u64, String),
    /// The place is given up; what becomes of the event that was begun.
    Leave(u64, Leave),
    /// Nothing at all comes any more.
    End,
    /// A sign of life.
    Ping,
    /// No more events come.
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
            Self::Connect(version, room) => {
                let mut connect = number("room", count(*room));
                connect.insert("protocol".to_owned(), (*version).into());
                encode(codec, "__connect", "0", &connect)
            }
            Self::Connected(room) => encode(codec, "__connected", "0", &number("room", count(*room))),
            Self::Room(events) => encode(codec, "__room", "", &number("room", count(*events))),
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
            Self::Join(place, group, prefetch, all) => {
                let mut join = topics(all);
                let one =
                    |text: &str, value: &str| vec![BTreeMap::from([(text.to_owned(), value.to_owned())])];
                join.insert("group".to_owned(), one("name", group));
                join.insert("prefetch".to_owned(), one("events", &prefetch.to_string()));
                encode(codec, "__join", &place.to_string(), &join)
            }
            Self::Joined(place, Ok(())) => encode(codec, "__joined", &place.to_string(), &nothing),
            Self::Joined(place, Err((code, message))) => {
                let refusal = [("code", code), ("message", message)];
                let refusal: BTreeMap<&str, &String> = refusal.into_iter().collect();
                encode(codec, "__refused", &place.to_string(), &refusal)
            }
            Self::Give(place) => encode(codec, "__give", &place.to_string(), &nothing),
            Self::Over(place) => encode(codec, "__over", &place.to_string(), &nothing),
            Self::Begin(place) => encode(codec, "__begin", &place.to_string(), &nothing),
            Self::Done(place) => encode(codec, "__done", &place.to_string(), &nothing),
            Self::Reject(place, message) => {
                let reason = BTreeMap::from([("message", message)]);
                encode(codec, "__reject", &place.to_string(), &reason)
            }
            Self::Leave(place, how) => {
                let how = match how {
                    Leave::Done => 0,
                    Leave::Unfinished => 1,
                    Leave::NotBegun => 2,
                };
                encode(codec, "__leave", &place.to_string(), &number("how", how))
            }
            Self::End => encode(codec, "__end", "", &nothing),
            Self::Ping => encode(codec, "__ping", "", &nothing),
            Self::Disconnect => encode(codec, "__disconnect", "", &nothing),
            Self::Event(Frame { header, body }) => {
                let mut out = Vec::new();
                if let crate::Body::Bytes(payload) = body {
                    // As much as most headers take.
                    out.reserve_exact(payload.len() + header.topic().len() + header.id().len() + 96);
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
                Self::Connect(u32::try_from(version).unwrap_or(u32::MAX), room(&payload))
            }
            "__connected" => Self::Connected(room(&decode(codec, &header, payload)?)),
            "__room" => Self::Room(room(&decode(codec, &header, payload)?)),
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
            "__join" => {
                let join: Topics = decode(codec, &header, payload)?;
                let one = |text: &str, value: &str| join.get(text)?.first()?.get(value).cloned();
                let group = one("group", "name").unwrap_or_default();
                let prefetch = one("prefetch", "events").and_then(|events| events.parse().ok());
                Self::Join(request, group, prefetch.unwrap_or(1), addresses(&join)?)
            }
            "__joined" => Self::Joined(request, Ok(())),
            "__refused" => {
                let mut refusal: BTreeMap<String, String> = decode(codec, &header, payload)?;
                let mut take = |name: &str| refusal.remove(name).unwrap_or_default();
                Self::Joined(request, Err((take("code"), take("message"))))
            }
            "__give" => Self::Give(request),
            "__over" => Self::Over(request),
            "__begin" => Self::Begin(request),
            "__done" => Self::Done(request),
            "__reject" => {
                let mut reason: BTreeMap<String, String> = decode(codec, &header, payload)?;
                Self::Reject(request, reason.remove("message").unwrap_or_default())
            }
            "__leave" => {
                let how: BTreeMap<String, u64> = decode(codec, &header, payload)?;
                let how = match how.get("how") {
                    Some(0) => Leave::Done,
                    Some(2) => Leave::NotBegun,
                    _ => Leave::Unfinished,
                };
                Self::Leave(request, how)
            }
            "__end" => Self::End,
            "__ping" => Self::Ping,
            "__disconnect" => Self::Disconnect,
            other => return Err(ControlError::Unknown(other.to_owned())),
        })
    }

    /// That this process is there, with room for so many events.
    #[must_use]
    pub fn connect(room: usize) -> Self {
        Self::Connect(PROTOCOL, room)
    }
}

fn count(events: usize) -> u64 {
    u64::try_from(events).unwrap_or(u64::MAX)
}

fn room(payload: &BTreeMap<String, u64>) -> usize {
    payload.get("room").map_or(0, |room| usize::try_from(*room).unwrap_or(usize::MAX))
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
            (Control::connect(256), r#"{"type":"__connect","id":"0","payload":{"protocol":1,"room":256}}"#),
            (Control::Connected(9), r#"{"type":"__connected","id":"0","payload":{"room":9}}"#),
            (Control::Room(128), r#"{"type":"__room","id":"","payload":{"room":128}}"#),
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
            (
                Control::Join(3, "jobs".to_owned(), 2, all.clone()),
                r#"{"type":"__join","id":"3","payload":{"group":[{"name":"jobs"}],"prefetch":[{"events":"2"}],"topics":[{"topic":"a"},{"topic":"b:1:2"}]}}"#,
            ),
            (Control::Joined(3, Ok(())), r#"{"type":"__joined","id":"3","payload":{}}"#),
            (
                Control::Joined(3, Err(("not_found".to_owned(), "no".to_owned()))),
                r#"{"type":"__refused","id":"3","payload":{"code":"not_found","message":"no"}}"#,
            ),
            (Control::Give(3), r#"{"type":"__give","id":"3","payload":{}}"#),
            (Control::Over(3), r#"{"type":"__over","id":"3","payload":{}}"#),
            (Control::Begin(3), r#"{"type":"__begin","id":"3","payload":{}}"#),
            (Control::Done(3), r#"{"type":"__done","id":"3","payload":{}}"#),
            (
                Control::Reject(3, "why".to_owned()),
                r#"{"type":"__reject","id":"3","payload":{"message":"why"}}"#,
            ),
            (Control::Leave(3, Leave::NotBegun), r#"{"type":"__leave","id":"3","payload":{"how":2}}"#),
            (Control::End, r#"{"type":"__end","id":"","payload":{}}"#),
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
