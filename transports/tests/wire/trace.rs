//! The trace context in envelopes: there and back, and never in the way of an event.

use pubsub_transports::codec::{Codec, DecodeError};
use pubsub_transports::trace::TraceContext;
use pubsub_transports::{Header, Position};

use crate::each_codec;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn context() -> TraceContext {
    TraceContext::parse(PARENT, None).unwrap()
}

fn contexts() -> [TraceContext; 3] {
    let longest = format!("a={}", "\"".repeat(TraceContext::MAX_STATE - 2));
    let not_sampled =
        TraceContext::parse(&PARENT.replace("-01", "-00"), Some("vendor=a\\b, other=1")).unwrap();
    [context(), not_sampled, context().with_state(&longest)]
}

fn headers() -> Vec<Header> {
    let id = "0191e0a5-3c4e-7b2a-9f00-5d6e7f809102".parse().unwrap();
    let plain = Header::new("session.status", "project-1");
    let position = || Position::new(1 << 32);
    vec![
        plain.clone(),
        plain.clone().with_event_id(id),
        plain.clone().with_position(position().with_after(41)),
        plain.with_event_id(id).with_position(position().with_epoch("b81f")),
    ]
}

fn join(codec: &impl Codec, header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    codec.join(header, payload, &mut out).unwrap();
    out
}

/// Each that is told to write it.
macro_rules! tracing_codecs {
    ($($function:ident)*) => {$(
        mod $function {
            #[cfg(feature = "json")]
            #[test]
            fn json() {
                super::$function(pubsub_transports::codec::Json::default());
            }

            #[cfg(feature = "messagepack")]
            #[test]
            fn messagepack() {
                super::$function(pubsub_transports::codec::MessagePack::default());
            }

            #[cfg(feature = "postcard")]
            #[test]
            fn postcard() {
                super::$function(pubsub_transports::codec::Postcard::default().traced());
            }
        }
    )*};
}

tracing_codecs! { what_is_written_is_read every_cut_of_a_message_is_read_or_refused }
each_codec! { without_a_context_not_a_byte_is_other }

fn what_is_written_is_read(codec: impl Codec) {
    for header in headers() {
        for context in contexts() {
            let header = header.clone().with_trace_context(context);
            let mut payload = Vec::new();
            codec.encode_payload("topic", &"hello", &mut payload).unwrap();
            let message = join(&codec, &header, &payload);
            assert_eq!(codec.split(&message).unwrap(), (header.clone(), &*payload));
            let mut whole = Vec::new();
            codec.encode(&header, "hello", &mut whole).unwrap();
            assert_eq!(whole, message);
        }
    }
}

fn without_a_context_not_a_byte_is_other(codec: impl Codec) {
    let mut payload = Vec::new();
    codec.encode_payload("topic", &7_u64, &mut payload).unwrap();
    for header in headers() {
        let message = join(&codec, &header, &payload);
        assert!(!String::from_utf8_lossy(&message).contains("trace"), "{message:?}");
        assert_eq!(codec.split(&message).unwrap().0, header);
    }
}

/// No panic, whatever is missing.
fn every_cut_of_a_message_is_read_or_refused(codec: impl Codec) {
    for header in headers() {
        let header = header.with_trace_context(context().with_state("a=1"));
        let mut payload = Vec::new();
        codec.encode_payload("topic", "hello", &mut payload).unwrap();
        let message = join(&codec, &header, &payload);
        for cut in 0..message.len() {
            if let Ok((read, rest)) = codec.split(&message[..cut]) {
                assert_eq!(read, header, "only the payload is short");
                assert!(rest.len() < payload.len());
            }
        }
    }
}

#[cfg(feature = "json")]
mod json {
    use pubsub_transports::codec::{EncodeError, Json};

    use super::*;

    fn split(more: &str) -> Result<Header, DecodeError> {
        let message = format!(r#"{{{more},"type":"a","id":"1","payload":1}}"#);
        Json::default().split(message.as_bytes()).map(|(header, _)| header)
    }

    #[test]
    fn byte_for_byte() {
        let header = Header::new("a", "1").with_trace_context(context().with_state("v=\"1\""));
        let message = String::from_utf8(join(&Json::default(), &header, b"1")).unwrap();
        let traced = format!(r#""traceparent":"{PARENT}","tracestate":"v=\"1\"""#);
        assert_eq!(message, format!(r#"{{"type":"a","id":"1",{traced},"payload":1}}"#));
    }

    #[test]
    fn garbage_is_ignored() {
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        for garbage in [
            "7",
            "-1",
            "1e999",
            "null",
            "true",
            "{}",
            "[1]",
            r#""""#,
            r#""garbage""#,
            r#""\ud800""#,
            &deep,
            r#"{"traceparent":1,"traceparent":2}"#,
        ] {
            let header = split(&format!(r#""traceparent":{garbage}"#)).unwrap();
            assert_eq!(header, Header::new("a", "1"), "{garbage}");
            let header = split(&format!(r#""traceparent":"{PARENT}","tracestate":{garbage}"#)).unwrap();
            assert_eq!(header.trace_context(), Some(&context()), "{garbage}");
        }
        // A state alone says nothing.
        assert_eq!(split(r#""tracestate":"a=1""#).unwrap(), Header::new("a", "1"));
        let twice = format!(r#""traceparent":7,"traceparent":"{PARENT}""#);
        assert_eq!(split(&twice).unwrap().trace_context(), Some(&context()), "as JavaScript reads it");
        // What is no JSON is none all the same.
        assert!(matches!(split(r#""traceparent":nonsense"#), Err(DecodeError::Syntax { .. })));
    }

    #[test]
    fn a_context_never_costs_an_event() {
        let header = Header::new("a", "1");
        let plain = join(&Json::default(), &header, b"1");
        let traced = header.clone().with_trace_context(context());
        let codec = Json::with_max_message(plain.len());
        assert_eq!(join(&codec, &traced, b"1"), plain);
        let mut out = Vec::new();
        codec.encode(&traced, &1, &mut out).unwrap();
        assert_eq!(out, plain);
        let limit = plain.len();
        let too_large = Err(EncodeError::TooLarge { size: limit + 1, limit });
        assert_eq!(codec.join(&traced, b"12", &mut Vec::new()), too_large);
    }
}

#[cfg(feature = "messagepack")]
#[test]
fn garbage_in_messagepack_is_ignored() {
    use pubsub_transports::codec::MessagePack;
    let values: [&[u8]; 6] = [b"\xc0", b"\x07", b"\x90", b"\xa1x", b"\xa2\xff\xfe", b"\xc4\x01x"];
    for garbage in values {
        let message = [b"\x84\xabtraceparent", garbage, b"\xa4type\xa1a\xa2id\xa11\xa7payload\x01"].concat();
        let (header, _) = MessagePack::default().split(&message).unwrap();
        assert_eq!(header, Header::new("a", "1"), "{garbage:?}");
    }
}

#[cfg(feature = "postcard")]
mod postcard {
    use pubsub_transports::codec::Postcard;

    use super::*;

    #[test]
    fn byte_for_byte() {
        let header = Header::new("a", "1").with_trace_context(context().with_state("v=1"));
        let message = join(&Postcard::default().traced(), &header, b"\x01");
        let ids = (context().trace_id(), context().span_id());
        let expected = [b"\x01a\x011\0\0\0\x02", &ids.0[..], &ids.1, b"\x01\x03v=1", b"\x01"].concat();
        assert_eq!(message, expected);
    }

    /// What cannot be added without harm is not, unless it was asked for.
    #[test]
    fn a_reader_of_before_is_sent_what_it_reads() {
        for header in headers() {
            let traced = header.clone().with_trace_context(context());
            assert_eq!(
                join(&Postcard::default(), &traced, b"\x01"),
                join(&Postcard::default(), &header, b"\x01")
            );
        }
    }

    #[test]
    fn each_reads_both() {
        for header in headers() {
            let header = header.with_trace_context(context());
            let message = join(&Postcard::default().traced(), &header, b"\x01");
            assert_eq!(Postcard::default().split(&message).unwrap(), (header, &b"\x01"[..]));
        }
    }

    #[test]
    fn garbage_is_ignored() {
        let ids_of_zero = [b"\x01a\x011\0\0\0\x02", &[0; 25][..], b"\0\x01"].concat();
        let no_text = [b"\x01a\x011\0\0\0\x02", &[1; 25][..], b"\x02\xff\xfe\x01"].concat();
        let (header, rest) = Postcard::default().split(&ids_of_zero).unwrap();
        assert_eq!((header, rest), (Header::new("a", "1"), &b"\x01"[..]));
        let (header, rest) = Postcard::default().split(&no_text).unwrap();
        assert_eq!((header.trace_context().unwrap().tracestate(), rest), (None, &b"\x01"[..]));
        for mark in 4..=u8::MAX {
            let message = [b"\x01a\x011\0\0\0", &[mark][..], &[1; 40]].concat();
            let invalid = Err(DecodeError::Invalid { member: "epoch" });
            assert_eq!(Postcard::default().split(&message).map(drop), invalid);
        }
    }
}
