//! What every codec promises for everything that it can write.

use pubsub_transports::codec::Codec;

use crate::random::{Tree, header, tree};
use crate::{decode, each_codec};

each_codec! { what_is_encoded_decodes encoding_takes_one_way dyn_codecs_relay }

fn what_is_encoded_decodes(codec: impl Codec) {
    let mut random = crate::random(2);
    for _ in 0..10_000 {
        let (header, payload) = (header(&mut random), tree(&mut random, 4));
        let mut message = Vec::new();
        codec.encode(&header, &payload, &mut message).unwrap();
        let (split, raw) = codec.split(&message).unwrap();
        assert_eq!(split, header);
        assert_eq!(decode::<Tree>(&codec, raw).unwrap(), payload);
        assert!(message.as_ptr_range().contains(&raw.as_ptr()), "a part of the message, not a copy");
    }
}

/// The header and the payload are apart: to encode once and join often gives what encoding often gives.
fn encoding_takes_one_way(codec: impl Codec) {
    let mut random = crate::random(3);
    for _ in 0..1000 {
        let (payload, mut raw) = (tree(&mut random, 3), Vec::new());
        codec.encode_payload("topic", &payload, &mut raw).unwrap();
        assert_eq!(decode::<Tree>(&codec, &raw).unwrap(), payload);
        for header in [header(&mut random), header(&mut random)] {
            let (mut encoded, mut joined) = (b"before".to_vec(), b"before".to_vec());
            codec.encode(&header, &payload, &mut encoded).unwrap();
            codec.join(&header, &raw, &mut joined).unwrap();
            assert_eq!(encoded, joined);
            assert_eq!(codec.split(&joined[6..]).unwrap(), (header, &raw[..]));
        }
    }
}

/// Who relays needs neither the map nor the type of the codec.
fn dyn_codecs_relay(codec: impl Codec) {
    let mut random = crate::random(4);
    let (header_in, header_out) = (header(&mut random), header(&mut random));
    let mut message = Vec::new();
    codec.encode(&header_in, &tree(&mut random, 3), &mut message).unwrap();
    let relay: Box<dyn Codec> = Box::new(codec);
    let (_, raw) = relay.split(&message).unwrap();
    let mut relayed = Vec::new();
    relay.join(&header_out, raw, &mut relayed).unwrap();
    assert_eq!(relay.split(&relayed).unwrap(), (header_out, raw));
}
