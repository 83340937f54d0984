//! MessagePack as other programs write it, and as they should not.

use pubsub_transports::codec::{Codec, DecodeError, MessagePack};
use pubsub_transports::{Header, Position};

use crate::decode;

/// A map of these keys and values, each already encoded.
fn map(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut message = vec![0x80 | u8::try_from(members.len()).unwrap()];
    for (name, value) in members {
        rmp::encode::write_str(&mut message, name).unwrap();
        message.extend_from_slice(value);
    }
    message
}

const TOPIC: (&str, &[u8]) = ("type", b"\xa1a");
const ID: (&str, &[u8]) = ("id", b"\xa11");
const PAYLOAD: (&str, &[u8]) = ("payload", b"\x07");

fn split(message: &[u8]) -> Result<(Header, &[u8]), DecodeError> {
    MessagePack::default().split(message)
}

#[test]
fn members_in_any_order_and_others_passed_over() {
    let message = map(&[
        ("payload", b"\x82\xa4type\xc4\x01x\x01\x92\xc0\xc3"),
        ("more", b"\x93\x81\x01\xc7\x02\x05ab\xcb\0\0\0\0\0\0\0\0\xd4\x01\x02"),
        ID,
        ("offset", b"\xcf\0\0\0\0\0\0\0\x09"),
        ("after", b"\xd0\x05"),
        ("epoch", b"\xd9\x01e"),
        ("eventId", b"\xc0"),
        TOPIC,
    ]);
    let header = Header::new("a", "1").with_position(Position::new(9).with_after(5).with_epoch("e"));
    assert_eq!(split(&message).unwrap(), (header, &message[9..22]));
    assert_eq!(message[9], 0x82);

    // The same three in a map 16 and a map 32, and with a key that is no text.
    for head in [&b"\xde\0\x04"[..], b"\xdf\0\0\0\x04"] {
        let message = [head, b"\x91\x01\x02", &map(&[TOPIC, ID, PAYLOAD])[1..]].concat();
        assert_eq!(split(&message).unwrap(), (Header::new("a", "1"), &b"\x07"[..]));
    }
}

#[test]
fn what_is_no_envelope_says_why() {
    let missing = |member| DecodeError::Missing { member };
    let duplicate = |member| DecodeError::Duplicate { member };
    let invalid = |member| DecodeError::Invalid { member };
    for (members, error) in [
        (vec![], missing("type")),
        (vec![ID, PAYLOAD], missing("type")),
        (vec![TOPIC, PAYLOAD], missing("id")),
        (vec![TOPIC, ID], missing("payload")),
        (vec![TOPIC, ID, PAYLOAD, ID], duplicate("id")),
        (vec![TOPIC, ID, PAYLOAD, PAYLOAD], duplicate("payload")),
        (vec![("type", b"\xc4\x01a"), ID, PAYLOAD], invalid("type")),
        (vec![("type", b"\xa1\xff"), ID, PAYLOAD], invalid("type")),
        (vec![TOPIC, ("id", b"\x01"), PAYLOAD], invalid("id")),
        (vec![TOPIC, ID, PAYLOAD, ("eventId", b"\xa1x")], invalid("eventId")),
        (vec![TOPIC, ID, PAYLOAD, ("offset", b"\xff")], invalid("offset")),
        (vec![TOPIC, ID, PAYLOAD, ("offset", b"\xcb\0\0\0\0\0\0\0\0")], invalid("offset")),
        (vec![TOPIC, ID, PAYLOAD, ("after", b"\x01")], missing("offset")),
    ] {
        assert_eq!(split(&map(&members)), Err(error), "{members:?}");
    }
}

#[test]
fn what_is_no_messagepack_says_where() {
    let whole = map(&[TOPIC, ID, PAYLOAD]);
    let trailing = [&whole[..], b"\0"].concat();
    for (message, at) in [
        (&b""[..], 0),
        (b"\x93\x01\x02\x03", 0),
        (b"\xa1a", 0),
        (b"\x81", 0),
        (b"\x81\xa1a\xc1", 3),
        (b"\x81\xa1a\xa5abc", 3),
        (b"\x81\xa1a\xdd\xff\xff\xff\xff", 3),
        (b"\x81\xa1a\xdf\xff\xff\xff\xff\0\0", 3),
        (b"\x81\xa1a\xc6\xff\xff\xff\xff", 3),
        (b"\x81\xa1a\x92\x01\xd9", 5),
        (&trailing, whole.len()),
    ] {
        assert_eq!(split(message), Err(DecodeError::Syntax { at }), "{message:?}");
    }
    // Cut anywhere, it is none.
    for len in 0..whole.len() {
        assert!(matches!(split(&whole[..len]), Err(DecodeError::Syntax { .. })), "{len}");
    }
}

#[test]
fn every_kind_of_value_is_passed_over() {
    let sized = |head: &[u8], len: usize| [head, &vec![b'x'; len]].concat();
    let values = [
        vec![0x00],
        vec![0x7f],
        vec![0xe0],
        vec![0xc0],
        vec![0xc2],
        vec![0xc3],
        sized(&[0xc4, 200], 200),
        sized(&[0xc5, 1, 0], 256),
        sized(&[0xc6, 0, 0, 1, 0], 256),
        sized(&[0xc7, 3, 1], 3),
        sized(&[0xc8, 0, 3, 1], 3),
        sized(&[0xc9, 0, 0, 0, 3, 1], 3),
        sized(&[0xca], 4),
        sized(&[0xcb], 8),
        sized(&[0xcc], 1),
        sized(&[0xcd], 2),
        sized(&[0xce], 4),
        sized(&[0xcf], 8),
        sized(&[0xd0], 1),
        sized(&[0xd1], 2),
        sized(&[0xd2], 4),
        sized(&[0xd3], 8),
        sized(&[0xd4, 1], 1),
        sized(&[0xd5, 1], 2),
        sized(&[0xd6, 1], 4),
        sized(&[0xd7, 1], 8),
        sized(&[0xd8, 1], 16),
        sized(&[0xd9, 2], 2),
        sized(&[0xda, 0, 2], 2),
        sized(&[0xdb, 0, 0, 0, 2], 2),
        sized(&[0x93], 3),
        sized(&[0xdc, 0, 3], 3),
        sized(&[0xdd, 0, 0, 0, 3], 3),
        sized(&[0x82], 4),
        sized(&[0xde, 0, 2], 4),
        sized(&[0xdf, 0, 0, 0, 2], 4),
        vec![0x90],
        vec![0x80],
        vec![0x92, 0x91, 0x90, 0x81, 0x90, 0x80],
    ];
    for value in values {
        let message = map(&[TOPIC, ("payload", &value), ID]);
        assert_eq!(split(&message).unwrap().1, value);
    }
}

#[test]
fn deep_values_are_refused_without_recursion() {
    let nested = |levels: usize| [vec![0x91; levels - 1], vec![0x90]].concat();
    let too_deep = Err(DecodeError::TooDeep { limit: 127 });
    for (levels, fits) in [(126, true), (127, true), (128, false), (60_000, false)] {
        let value = nested(levels);
        let known = map(&[TOPIC, ID, ("payload", &value)]);
        let unknown = map(&[TOPIC, ID, PAYLOAD, ("more", &value)]);
        for message in [known, unknown] {
            let expected = if fits { Ok(()) } else { too_deep.clone() };
            assert_eq!(split(&message).map(drop), expected, "{levels}");
        }
    }
}

#[test]
fn floats_keep_what_json_loses() {
    let mut raw = Vec::new();
    MessagePack::default().encode_payload("topic", &f64::NAN, &mut raw).unwrap();
    assert!(decode::<f64>(&MessagePack::default(), &raw).unwrap().is_nan());
    raw.push(0xc0);
    assert!(matches!(decode::<f64>(&MessagePack::default(), &raw), Err(DecodeError::Payload { .. })));
}
