//! Postcard: the bytes of its header, and types that would read on for ever.

use pubsub_transports::codec::{Codec, DecodeError, Postcard};
use pubsub_transports::{EventId, Header, Position};
use serde::Deserialize;

use crate::decode;

#[test]
fn every_optional_member_is_written_and_the_payload_last() {
    let header = Header::new("a", "ü")
        .with_event_id(EventId::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f))
        .with_position(Position::new(300).with_after(7).with_epoch("e"));
    let mut message = Vec::new();
    Postcard::default().encode(&header, &-1_i32, &mut message).unwrap();
    let expected = [
        &b"\x01a"[..],
        b"\x02\xc3\xbc",
        b"\x01\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
        b"\x01\xac\x02",
        b"\x01\x07",
        b"\x01\x01e",
        b"\x01",
    ];
    assert_eq!(message, expected.concat());
}

#[test]
fn a_broken_header_says_which_member() {
    for (message, member) in [
        (&b""[..], "type"),
        (b"\x05abc", "type"),
        (b"\x01\xff", "type"),
        (b"\x01a", "id"),
        (b"\x01a\x01b", "eventId"),
        (b"\x01a\x01b\x02", "eventId"),
        (b"\x01a\x01b\x01\0\0\0", "eventId"),
        (b"\x01a\x01b\0", "offset"),
        (b"\x01a\x01b\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "offset"),
        (b"\x01a\x01b\0\0", "after"),
        (b"\x01a\x01b\0\0\0", "epoch"),
        (b"\x01a\x01b\0\0\0\x01\xff\xff\xff\xff\x0f", "epoch"),
    ] {
        assert_eq!(Postcard::default().split(message), Err(DecodeError::Invalid { member }), "{message:?}");
    }
    let alone = Err(DecodeError::Missing { member: "offset" });
    assert_eq!(Postcard::default().split(b"\x01a\x01b\0\0\x01\x05\0").map(drop), alone);
    assert_eq!(Postcard::default().split(b"\x01a\x01b\0\0\0\x01\x01e").map(drop), alone);
}

#[test]
fn the_payload_is_all_that_follows() {
    let (header, raw) = Postcard::default().split(b"\x01a\x01b\0\0\0\0").unwrap();
    assert_eq!((header, raw), (Header::new("a", "b"), &b""[..]));
    assert_eq!(decode::<()>(&Postcard::default(), raw), Ok(()));
    assert!(matches!(decode::<u8>(&Postcard::default(), b"\x01\x02"), Err(DecodeError::Payload { .. })));
    assert!(matches!(decode::<u8>(&Postcard::default(), b""), Err(DecodeError::Payload { .. })));
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only how it is read matters")]
enum Chain {
    End,
    Enum(Box<Self>),
    Struct { next: Box<Self> },
    Tuple(u8, Box<Self>),
    Option(Option<Box<Self>>),
    Map(std::collections::BTreeMap<u8, Self>),
}

#[test]
fn recursive_types_go_so_deep_and_no_deeper() {
    // One step of each kind of chain, repeated for as long as a message may be.
    for step in [&b"\x01"[..], b"\x02", b"\x03\x00", b"\x04\x01", b"\x05\x01\x00"] {
        let raw: Vec<u8> = step.iter().copied().cycle().take(60_000).collect();
        let too_deep = Err(DecodeError::TooDeep { limit: 127 });
        assert_eq!(decode::<Chain>(&Postcard::default(), &raw).map(drop), too_deep, "{step:?}");
        let short = [step.repeat(20), vec![0]].concat();
        assert!(decode::<Chain>(&Postcard::default(), &short).is_ok(), "{step:?}");
    }
}

#[test]
fn elements_without_bytes_are_counted() {
    let units = |count: usize| {
        let raw = ::postcard::to_stdvec(&count).unwrap();
        decode::<Vec<()>>(&Postcard::with_max_message(1000), &raw)
    };
    assert_eq!(units(999).unwrap().len(), 999);
    assert_eq!(units(1000).unwrap().len(), 1000);
    assert!(matches!(units(1001), Err(DecodeError::Payload { .. })));
    assert!(matches!(units(usize::MAX), Err(DecodeError::Payload { .. })));
}
