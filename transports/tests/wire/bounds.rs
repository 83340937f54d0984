//! Every bound, just below it, at it, and just above it.

use pubsub_transports::Header;
use pubsub_transports::codec::{Codec, DecodeError, EncodeError, MAX_DEPTH, MAX_MESSAGE};
use serde::{Deserialize, Serialize};

use crate::{decode, each_codec};

each_codec! { a_message_has_at_most_64_kib a_payload_nests_at_most_127_deep }

fn a_message_has_at_most_64_kib(codec: impl Codec) {
    let header = Header::new("topic", "id");
    let encode = |len| {
        let mut message = b"kept".to_vec();
        let result = codec.encode(&header, &"x".repeat(len), &mut message);
        assert!(message.starts_with(b"kept"));
        assert_eq!(result.is_err(), message.len() == 4, "nothing is left of what failed");
        result.map(|()| message.split_off(4))
    };
    // All lengths around the bound take as many bytes for the length itself.
    let around = encode(60_000).unwrap().len() - 60_000;
    let most = MAX_MESSAGE - around;
    for len in [most - 1, most] {
        let message = encode(len).unwrap();
        assert_eq!(message.len(), len + around);
        let (_, raw) = codec.split(&message).unwrap();
        assert_eq!(decode::<String>(&codec, raw).unwrap().len(), len);
        let mut joined = Vec::new();
        codec.join(&header, raw, &mut joined).unwrap();
    }
    let (size, limit) = (MAX_MESSAGE + 1, MAX_MESSAGE);
    assert_eq!(encode(most + 1), Err(EncodeError::TooLarge { size, limit }));
    let message = encode(most).unwrap();
    let (_, raw) = codec.split(&message).unwrap();
    let mut joined = b"kept".to_vec();
    let longer = Header::new("topic", "id2");
    assert_eq!(codec.join(&longer, raw, &mut joined), Err(EncodeError::TooLarge { size, limit }));
    assert_eq!(joined, b"kept");

    let too_large = Err(DecodeError::TooLarge { size, limit });
    assert_eq!(codec.split(&vec![b' '; size]).map(drop), too_large);
    assert_eq!(decode::<String>(&codec, &vec![b' '; size]).map(drop), too_large);
    let payload = "x".repeat(MAX_MESSAGE + 1);
    assert!(matches!(
        codec.encode_payload("topic", &payload, &mut joined),
        Err(EncodeError::TooLarge { .. })
    ));
    assert_eq!(joined, b"kept");
}

/// Lists in lists, which every codec counts as one level each.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Nest(Vec<Self>);

impl Nest {
    fn levels(levels: usize) -> Self {
        (1..levels).fold(Self(Vec::new()), |inside, _| Self(vec![inside]))
    }

    fn count(&self) -> usize {
        1 + self.0.first().map_or(0, Self::count)
    }
}

fn a_payload_nests_at_most_127_deep(codec: impl Codec) {
    let encode = |levels| {
        let mut raw = Vec::new();
        codec.encode_payload("topic", &Nest::levels(levels), &mut raw).unwrap();
        raw
    };
    assert_eq!(MAX_DEPTH, 127);
    for levels in [1, MAX_DEPTH - 1, MAX_DEPTH] {
        assert_eq!(decode::<Nest>(&codec, &encode(levels)).unwrap().count(), levels);
    }
    let too_deep = DecodeError::TooDeep { limit: MAX_DEPTH };
    for levels in [MAX_DEPTH + 1, 2 * MAX_DEPTH, 1000] {
        assert_eq!(decode::<Nest>(&codec, &encode(levels)).map(drop), Err(too_deep.clone()), "{levels}");
    }
}

#[cfg(feature = "json")]
#[test]
fn other_bounds_of_json() {
    other_bounds(pubsub_transports::codec::Json::with_max_message);
}

#[cfg(feature = "messagepack")]
#[test]
fn other_bounds_of_messagepack() {
    other_bounds(pubsub_transports::codec::MessagePack::with_max_message);
}

#[cfg(feature = "postcard")]
#[test]
fn other_bounds_of_postcard() {
    other_bounds(pubsub_transports::codec::Postcard::with_max_message);
}

fn other_bounds<C: Codec>(with: fn(usize) -> C) {
    let (header, mut message) = (Header::new("a", "b"), Vec::new());
    with(1 << 20).encode(&header, &"x".repeat(100_000), &mut message).unwrap();
    let len = message.len();
    for (bound, fits) in [(len - 1, false), (len, true), (len + 1, true)] {
        assert_eq!(with(bound).split(&message).is_ok(), fits);
        assert_eq!(with(bound).encode(&header, &"x".repeat(100_000), &mut Vec::new()).is_ok(), fits);
    }
}
