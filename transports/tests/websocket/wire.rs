//! Control messages: their bytes, what is passed over, and what is refused.
//!
//! After a change of what is written: `UPDATE_GOLDEN=1 cargo test --all-features --test websocket`.

use std::path::Path;
use std::{env, fs};

use pubsub_transports::codec::{Codec, DecodeError, Json};
use pubsub_transports::websocket::CloseCode;
use pubsub_transports::websocket::wire::{
    Ack, Code, Command, Connect, Connected, ControlError, Disconnect, Failure, Gap, GapReason, OnGap,
    Published, Reply, Since, Subscribe, Subscribed, TextId, Token, Unsubscribe, Unsubscribed,
};
use pubsub_transports::{ErrorCode, EventId, Rejection};

const EVENT_ID: &str = "0191e0a5-3c4e-7b2a-9f00-5d6e7f809102";

fn plain(topic: &str) -> Subscribe {
    Subscribe::new(topic)
}

fn commands() -> Vec<(&'static str, Command)> {
    let since = Some(Since { epoch: "b81f".to_owned(), offset: 7 });
    let recover = Subscribe { since, on_gap: Some(OnGap::Reject), ..plain("session.status:project-1") };
    vec![
        ("connect", Command::Connect(Connect { protocol: 1, token: None, features: None, map_hash: None })),
        (
            "connect_full",
            Command::Connect(Connect {
                protocol: 1,
                token: Some(Token("secret".to_owned())),
                features: Some(vec!["batch".to_owned()]),
                map_hash: Some("9f86d081".to_owned()),
            }),
        ),
        ("subscribe", Command::Subscribe(vec![plain("session.status")])),
        ("subscribe_since", Command::Subscribe(vec![recover.clone()])),
        ("subscribe_many", Command::Subscribe(vec![recover, plain("chat:ü \"q\"")])),
        ("unsubscribe", Command::Unsubscribe(Unsubscribe { topic: "session.status".to_owned() })),
        ("ack", Command::Ack(Ack { topic: "session.status".to_owned(), offset: 7, window: Some(16) })),
        ("ping", Command::Ping),
    ]
}

fn replies() -> Vec<(&'static str, Reply)> {
    let subscribed = Subscribed {
        topic: "session.status".to_owned(),
        epoch: "b81f".to_owned(),
        offset: 9,
        recovered: true,
        replay: 2,
        gap: None,
        missed: None,
    };
    let gap = (Some(GapReason::Evicted), Some(2));
    let rejection = Rejection::new(ErrorCode::Denied, "not yours");
    let slow_down = Rejection::new(ErrorCode::RateLimited, "10 a second")
        .with_retry_after(std::time::Duration::from_millis(1500));
    vec![
        (
            "connected",
            Reply::Connected(Connected {
                session: "b81f-0-0".to_owned(),
                identity: Some("ada".to_owned()),
                ping_ms: 25_000,
                max_frame: 65_536,
                max_topics: 128,
                epoch: Some("77aa".to_owned()),
                expires_ms: Some(3_600_000),
            }),
        ),
        ("subscribed", Reply::Subscribed(subscribed.clone())),
        (
            "subscribed_gap",
            Reply::Subscribed(Subscribed {
                recovered: false,
                replay: 0,
                gap: gap.0,
                missed: gap.1,
                ..subscribed
            }),
        ),
        (
            "unsubscribed",
            Reply::Unsubscribed(Unsubscribed { topic: "chat".to_owned(), code: None, reason: None }),
        ),
        (
            "unsubscribed_unasked",
            Reply::Unsubscribed(Unsubscribed {
                topic: "chat".to_owned(),
                code: Some(Code(ErrorCode::Denied)),
                reason: Some("permission withdrawn".to_owned()),
            }),
        ),
        ("published", Reply::Published(Published { event_id: TextId(EVENT_ID.parse().unwrap()), offset: 9 })),
        ("pong", Reply::Pong),
        ("error", Reply::Error(Failure::new(&rejection, Some("chat:ada")))),
        ("error_retry", Reply::Error(Failure::new(&slow_down, None))),
        (
            "gap",
            Reply::Gap(Gap {
                topic: "chat".to_owned(),
                missed: Some(3),
                reason: GapReason::Overflow,
                offset: Some(12),
                epoch: None,
            }),
        ),
        (
            "disconnect",
            Reply::Disconnect(Disconnect::new(
                CloseCode::Shutdown,
                Some(std::time::Duration::from_millis(1234)),
            )),
        ),
    ]
}

fn golden(name: &str, written: &[u8], codec: &impl Codec) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/websocket");
    let path = folder.join(format!("{name}.{}", codec.name()));
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&path, written).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn written_as_in_the_files(codec: impl Codec) {
    for (name, command) in commands() {
        let written = command.encode(&codec, "17").unwrap();
        let golden = golden(name, &written, &codec);
        assert_eq!(written, golden, "{name}: {}", String::from_utf8_lossy(&written));
        let (header, payload) = codec.split(&golden).unwrap();
        assert_eq!(header.id(), "17");
        assert_eq!(Command::decode(&codec, &header, payload).unwrap(), command);
        // What a hub says is not for a client to say, and the other way round.
        let other = Reply::decode(&codec, &header, payload);
        assert!(matches!(other, Err(ControlError::Unknown { .. })), "{other:?}");
    }
    for (name, reply) in replies() {
        let written = reply.encode(&codec, "17").unwrap();
        let golden = golden(name, &written, &codec);
        assert_eq!(written, golden, "{name}: {}", String::from_utf8_lossy(&written));
        let (header, payload) = codec.split(&golden).unwrap();
        assert_eq!(Reply::decode(&codec, &header, payload).unwrap(), reply);
        let other = Command::decode(&codec, &header, payload);
        assert!(matches!(other, Err(ControlError::Unknown { .. })), "{other:?}");
    }
}

mod written_as_in_the_files {
    #[test]
    fn json() {
        super::written_as_in_the_files(super::Json::default());
    }

    #[cfg(feature = "messagepack")]
    #[test]
    fn messagepack() {
        super::written_as_in_the_files(pubsub_transports::codec::MessagePack::default());
    }

    #[cfg(feature = "postcard")]
    #[test]
    fn postcard() {
        super::written_as_in_the_files(pubsub_transports::codec::Postcard::default());
    }
}

fn command(message: &str) -> Result<Command, ControlError> {
    let (header, payload) = Json::default().split(message.as_bytes()).unwrap();
    Command::decode(&Json::default(), &header, payload)
}

#[test]
fn members_of_tomorrow_are_passed_over() {
    let tomorrow = r#"{"later":[1],"payload":{"onGap":null,"priority":{"high":true},"topic":"chat"},
        "id":"1","type":"__subscribe"}"#;
    assert_eq!(command(tomorrow), Ok(Command::Subscribe(vec![plain("chat")])));
    let connect = r#"{"type":"__connect","id":"0","payload":{"protocol":1,"codec":"x"}}"#;
    assert!(matches!(command(connect), Ok(Command::Connect(_))));
}

#[test]
fn words_of_tomorrow_are_kept() {
    let gap = r#"{"type":"__gap","id":"","payload":{"topic":"chat","reason":"eclipse"}}"#;
    let (header, payload) = Json::default().split(gap.as_bytes()).unwrap();
    let Ok(Reply::Gap(gap)) = Reply::decode(&Json::default(), &header, payload) else {
        panic!("{payload:?}")
    };
    assert_eq!(gap.reason, GapReason::Other("eclipse".into()));
    assert_eq!((gap.missed, gap.offset), (None, None));
}

#[test]
fn what_is_malformed_is_a_typed_error() {
    let payload = |topic: &str, payload: &str| {
        command(&format!(r#"{{"type":"{topic}","id":"1","payload":{payload}}}"#)).unwrap_err()
    };
    let is_payload = |error| matches!(error, ControlError::Payload(DecodeError::Payload { .. }));
    assert!(is_payload(payload("__subscribe", "7")));
    assert!(is_payload(payload("__subscribe", r#"{"topic":7}"#)));
    assert!(is_payload(payload("__subscribe", r#"{"topic":"chat","since":{"epoch":"e"}}"#)));
    assert!(is_payload(payload("__subscribe", r#"{"topic":"chat","since":{"epoch":"e","offset":-1}}"#)));
    assert!(is_payload(payload("__subscribe", r#"{"topic":"chat","onGap":"explode"}"#)));
    assert!(is_payload(payload("__connect", r#"{"protocol":"1"}"#)));
    assert!(is_payload(payload("__unsubscribe", "{}")));
    assert!(is_payload(payload("__ack", r#"{"topic":"chat"}"#)));
    assert_eq!(payload("__subscribe", "{}"), ControlError::Topics);
    assert_eq!(payload("__subscribe", r#"{"topics":[]}"#), ControlError::Topics);
    assert_eq!(payload("__subscribe", r#"{"topic":"a","topics":[{"topic":"b"}]}"#), ControlError::Topics);
    assert_eq!(payload("__reboot", "{}"), ControlError::Unknown { name: "__reboot".to_owned() });
}

/// A hub answers with it: it is not as long as a client likes.
#[test]
fn of_a_name_that_nobody_knows_the_beginning_is_told() {
    let long = format!("__{}", "é".repeat(20_000));
    let Err(ControlError::Unknown { name }) =
        command(&format!(r#"{{"type":"{long}","id":"1","payload":{{}}}}"#))
    else {
        panic!("it is known")
    };
    assert!(long.starts_with(&name) && (200..=256).contains(&name.len()), "{} bytes", name.len());
}

#[test]
fn a_token_is_not_printed() {
    let Some((_, connect)) = commands().into_iter().find(|(name, _)| *name == "connect_full") else {
        panic!()
    };
    assert!(!format!("{connect:?}").contains("secret"));
    let wrong = r#"{"type":"__connect","id":"0","payload":{"protocol":1,"token":["secret"]}}"#;
    let error = command(wrong).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("secret"));
}

#[test]
fn close_codes_classify_by_range() {
    for number in 4000..4500 {
        assert!(CloseCode::from(number).comes_back(), "{number}");
    }
    for number in 4500..5000 {
        assert!(!CloseCode::from(number).comes_back(), "{number}");
    }
    for number in [1001, 1006, 1011, 1012, 1013] {
        assert!(CloseCode::from(number).comes_back(), "{number}");
    }
    for number in [1002, 1003, 1007, 1008, 1009] {
        assert!(!CloseCode::from(number).comes_back(), "{number}");
    }
    for code in CloseCode::NAMED {
        assert_eq!(CloseCode::from(code.number()), *code);
    }
    assert_eq!(CloseCode::from(4321), CloseCode::Other(4321));
}

#[test]
fn a_refusal_comes_out_as_it_went_in() {
    let slow_down = Rejection::new(ErrorCode::from("of_tomorrow"), "later")
        .with_retryable(true)
        .with_retry_after(std::time::Duration::from_millis(20));
    assert_eq!(Failure::new(&slow_down, None).rejection(), slow_down);
    assert_eq!(EVENT_ID.parse::<EventId>().unwrap().to_string(), EVENT_ID);
}
