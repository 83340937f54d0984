//! JSON as other programs write it, and as they should not.

use pubsub_transports::codec::{Codec, DecodeError, EncodeError, Json};
use pubsub_transports::{Header, Position};
use serde_json::{Value, json};

use crate::decode;

fn split(message: &str) -> Result<(Header, &[u8]), DecodeError> {
    let (header, raw) = Json::default().split(message.as_bytes())?;
    // As in the driver: the payload is JSON of its own.
    assert!(serde_json::from_slice::<&serde_json::value::RawValue>(raw).is_ok());
    Ok((header, raw))
}

#[test]
fn the_envelope_of_the_ancestors_byte_for_byte() {
    let mut message = Vec::new();
    let payload = json!({ "state": "busy" });
    Json::default().encode(&Header::new("session.status", "project-1"), &payload, &mut message).unwrap();
    let expected = r#"{"type":"session.status","id":"project-1","payload":{"state":"busy"}}"#;
    assert_eq!(String::from_utf8(message).unwrap(), expected);
}

#[test]
fn members_in_any_order_and_others_passed_over() {
    let (header, raw) = split(
        " {\"payload\" : {\"type\": \"inner\", \"type\": 2} ,\n\"more\":[1,{\"a\":null}],\"id\":\"\\u0069d\\\"\",
          \"t\\u0079pe\":\"topic\", \"more\": 2, \"offset\":18446744073709551615, \"Type\": 5, \"\": 0}\t",
    )
    .unwrap();
    assert_eq!(header, Header::new("topic", "id\"").with_position(Position::new(u64::MAX)));
    assert_eq!(raw, br#"{"type": "inner", "type": 2}"#);
}

#[test]
fn optional_members_may_be_null() {
    let message =
        r#"{"type":"a","id":"","payload":null,"eventId":null,"offset":null,"after":null,"epoch":null}"#;
    assert_eq!(split(message).unwrap(), (Header::new("a", ""), &b"null"[..]));
}

#[test]
fn what_is_no_envelope_says_why() {
    let missing = |member| DecodeError::Missing { member };
    let duplicate = |member| DecodeError::Duplicate { member };
    let invalid = |member| DecodeError::Invalid { member };
    let with = |more: &str| format!(r#"{{"type":"a","id":"1","payload":1{more}}}"#);
    for (message, error) in [
        ("{}".to_owned(), missing("type")),
        (r#"{"id":"1","payload":1}"#.to_owned(), missing("type")),
        (r#"{"type":"a","payload":1}"#.to_owned(), missing("id")),
        (r#"{"type":"a","id":"1"}"#.to_owned(), missing("payload")),
        (with(r#","type":"a""#), duplicate("type")),
        (with(r#","id":"1""#), duplicate("id")),
        (with(r#","payload":1"#), duplicate("payload")),
        (with(r#","payl\u006fad":1"#), duplicate("payload")),
        (with(r#","offset":null,"offset":null"#), duplicate("offset")),
        (r#"{"type":null,"id":"1","payload":1}"#.to_owned(), invalid("type")),
        (r#"{"type":7,"id":"1","payload":1}"#.to_owned(), invalid("type")),
        (r#"{"type":"a","id":1,"payload":1}"#.to_owned(), invalid("id")),
        (with(r#","eventId":"1""#), invalid("eventId")),
        (with(r#","eventId":"0191E0A5-3C4E-7B2A-9F00-5D6E7F809102""#), invalid("eventId")),
        (with(r#","offset":-1"#), invalid("offset")),
        (with(r#","offset":1.0"#), invalid("offset")),
        (with(r#","offset":"1""#), invalid("offset")),
        (with(r#","offset":18446744073709551616"#), invalid("offset")),
        (with(r#","offset":1,"after":[]"#), invalid("after")),
        (with(r#","offset":1,"epoch":7"#), invalid("epoch")),
        (with(r#","after":1"#), missing("offset")),
        (with(r#","epoch":"e""#), missing("offset")),
    ] {
        assert_eq!(split(&message), Err(error), "{message}");
    }
}

#[test]
fn what_is_no_json_says_where() {
    for (message, at) in [
        (&b""[..], 0),
        (b"null", 4),
        (b"[]", 0),
        (b"{", 1),
        (b"{\"type\":\"a\"", 11),
        (b"{\"type\":}", 9),
        (b"{\n\"type\"\n:}", 11),
        (b"{\"type\":\"\xff\"}", 9),
        (b"{\"x\":\"\xc3\x28\"}", 6),
        (b"{\"type\":\"a\",\"id\":\"1\",\"payload\":NaN}", 32),
        (b"{\"type\":\"a\",\"id\":\"1\",\"payload\":1,}", 34),
        (b"{\"type\":\"a\",\"id\":\"1\",\"payload\":1}{}", 34),
        (b"{\"type\":\"a\",\"id\":\"1\",\"payload\":\"\n\"}", 32),
        (b"\xef\xbb\xbf{}", 1),
        (br#"{"type":"\ud800","id":"1","payload":1}"#, 16),
    ] {
        let shown = String::from_utf8_lossy(message);
        assert_eq!(Json::default().split(message).map(drop), Err(DecodeError::Syntax { at }), "{shown}");
    }
}

#[test]
fn deep_payloads_are_relayed_and_not_decoded() {
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let message = format!(r#"{{"x":{deep},"type":"a","id":"1","payload":1}}"#);
    assert!(split(&message).is_ok(), "a member that is not known");
    let message = format!(r#"{{"type":"a","id":"1","payload":{deep}}}"#);
    let (_, raw) = split(&message).unwrap();
    assert_eq!(raw, deep.as_bytes());
    let too_deep = DecodeError::TooDeep { limit: 127 };
    assert_eq!(decode::<Value>(&Json::default(), raw), Err(too_deep));
    // Brackets in a text are no levels: this one is refused for what is wrong with it.
    let text = format!("[\"\\\"{}\", 1e999]", "[".repeat(200));
    assert!(matches!(decode::<Value>(&Json::default(), text.as_bytes()), Err(DecodeError::Payload { .. })));
}

#[test]
fn what_json_cannot_say() {
    let mut out = Vec::new();
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        out.clear();
        Json::default().encode_payload("topic", &float, &mut out).unwrap();
        assert_eq!(out, b"null");
    }
    assert!(matches!(decode::<f64>(&Json::default(), b"null"), Err(DecodeError::Payload { .. })));
    assert_eq!(decode::<Option<f64>>(&Json::default(), b"null"), Ok(None));
    let map = std::collections::BTreeMap::from([((1, 2), 3)]);
    let refused = Json::default().encode_payload("topic", &map, &mut out);
    assert!(matches!(refused, Err(EncodeError::Payload { .. })));
    assert!(matches!(decode::<String>(&Json::default(), br#""\ud800""#), Err(DecodeError::Payload { .. })));
    assert!(matches!(decode::<u8>(&Json::default(), b"1 2"), Err(DecodeError::Payload { .. })));
}
