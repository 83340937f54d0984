//! What a driver does with a codec: a message comes in, and its topic decides what its payload is.

use bytes::Bytes;
use pubsub_transports::codec::{Codec, DecodeError, Json};
use pubsub_transports::{AddressError, Body, Frame, Header};

use crate::decode;

#[derive(Debug, PartialEq)]
enum Event {
    Count(u64),
    Note(String),
}

/// The frame of a message, whose body is a part of the message and not a copy.
fn frame(codec: &dyn Codec, message: &Bytes) -> Result<Frame, DecodeError> {
    let (header, raw) = codec.split(message)?;
    Ok(Frame { body: Body::Bytes(message.slice_ref(raw)), header })
}

/// `None` for a control message.
fn event(frame: &Frame) -> Result<Option<Event>, DecodeError> {
    let Body::Bytes(raw) = &frame.body else { unreachable!() };
    if frame.header.is_control() {
        return Ok(None);
    }
    let address = frame.header.address()?;
    match address.topic() {
        "count" => decode(&Json::default(), raw).map(|count| Some(Event::Count(count))),
        "note" => decode(&Json::default(), raw).map(|note| Some(Event::Note(note))),
        topic => Err(DecodeError::UnknownType { topic: topic.to_owned() }),
    }
}

fn receive(message: &str) -> Result<Option<Event>, DecodeError> {
    event(&frame(&Json::default(), &Bytes::from(message.to_owned()))?)
}

#[test]
fn the_topic_decides_what_the_payload_is() {
    assert_eq!(receive(r#"{"type":"count","id":"a","payload":7}"#), Ok(Some(Event::Count(7))));
    let before_its_type = r#"{"payload":"7","id":"a","type":"note"}"#;
    assert_eq!(receive(before_its_type), Ok(Some(Event::Note("7".to_owned()))));
    assert_eq!(receive(r#"{"type":"__ping","id":"1","payload":{}}"#), Ok(None));
}

#[test]
fn what_is_no_event_is_a_typed_error() {
    let unknown = DecodeError::UnknownType { topic: "other".to_owned() };
    assert_eq!(unknown.to_string(), "the event map has no topic \"other\"");
    assert_eq!(receive(r#"{"type":"other","id":"a","payload":7}"#), Err(unknown));
    let address = DecodeError::Address(AddressError::Empty);
    assert_eq!(receive(r#"{"type":"","id":"a","payload":7}"#), Err(address));
    let long = format!(r#"{{"type":"count","id":"{}","payload":7}}"#, "x".repeat(300));
    assert_eq!(receive(&long), Err(AddressError::TooLong { len: 306 }.into()));
    assert!(matches!(
        receive(r#"{"type":"count","id":"a","payload":"7"}"#),
        Err(DecodeError::Payload { .. })
    ));
    assert_eq!(receive("hello"), Err(DecodeError::Syntax { at: 1 }));
}

#[test]
fn a_payload_is_encoded_once_for_many_messages() {
    let message = Bytes::from_static(br#"{"payload":{ "kept": "as it is" },"id":"@self","type":"note"}"#);
    let Frame { body: Body::Bytes(raw), .. } = frame(&Json::default(), &message).unwrap() else {
        unreachable!()
    };
    assert!(message.as_ptr_range().contains(&raw.as_ptr()));
    for id in ["ada", "bob"] {
        let mut out = Vec::new();
        Json::default().join(&Header::new("note", id), &raw, &mut out).unwrap();
        let expected = format!(r#"{{"type":"note","id":"{id}","payload":{{ "kept": "as it is" }}}}"#);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
