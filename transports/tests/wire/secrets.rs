//! Errors say what is wrong and show nothing of the payload, however they are printed.

use std::error::Error;

use pubsub_transports::Header;
use pubsub_transports::codec::{Codec, DecodeError, EncodeError};
use serde::{Deserialize, Serialize, Serializer};

use crate::{decode, each_codec};

each_codec! { a_payload_of_another_type_is_not_quoted a_payload_that_fails_to_encode_is_not_quoted }

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "nothing of it is ever read: it does not decode")]
enum Kind {
    One(u64, u64, u64),
}

fn assert_silent(error: &(dyn Error + 'static)) {
    for printed in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!printed.contains("hunter2"), "{printed}");
    }
    assert!(error.source().is_none());
}

fn a_payload_of_another_type_is_not_quoted(codec: impl Codec) {
    let mut raw = Vec::new();
    codec.encode_payload("login", &"hunter2", &mut raw).unwrap();
    for error in [decode::<Kind>(&codec, &raw).map(drop), decode::<u8>(&codec, &raw).map(drop)] {
        let error = error.unwrap_err();
        assert_silent(&error);
        let DecodeError::Payload { topic, reason } = error else { panic!("{error:?}") };
        assert_eq!(topic, "topic");
        assert!(!reason.reveal().is_empty());
    }
}

struct Failing;

impl Serialize for Failing {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("hunter2 is too short"))
    }
}

fn a_payload_that_fails_to_encode_is_not_quoted(codec: impl Codec) {
    let mut out = b"kept".to_vec();
    let whole = codec.encode(&Header::new("login", "ada"), &("x", Failing), &mut out).unwrap_err();
    let alone = codec.encode_payload("login", &("x", Failing), &mut out).unwrap_err();
    assert_eq!(out, b"kept");
    for error in [whole, alone] {
        assert_silent(&error);
        assert!(matches!(error, EncodeError::Payload { topic, .. } if topic == "login"));
    }
}
