//! The bytes of each codec, kept in files that JavaScript reads and writes too: `tests/golden/golden.mjs`.
//!
//! After a change of what is written: `UPDATE_GOLDEN=1 cargo test --all-features golden`.

use std::path::Path;
use std::{env, fs};

use pubsub_transports::codec::Codec;
use pubsub_transports::{Header, Position};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{decode, each_codec};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Busy,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Status {
    state: State,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    text: String,
    tags: Vec<String>,
    score: f64,
    reply_to: Option<u64>,
    delta: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Subscribe {
    topic: String,
}

each_codec! { written_as_in_the_files }

fn written_as_in_the_files(codec: impl Codec) {
    check(&codec, "status", &Header::new("session.status", "project-1"), &Status { state: State::Busy });
    let header = Header::new("chat.message", "room:7/ü \"q\" \n")
        .with_event_id("0191e0a5-3c4e-7b2a-9f00-5d6e7f809102".parse().unwrap())
        .with_position(Position::new(1 << 32).with_after(41).with_epoch("b81f"));
    let message = Message {
        text: "Grüße, 世界 🦀".to_owned(),
        tags: vec!["a".to_owned(), String::new()],
        score: 1.5,
        reply_to: None,
        delta: -70_000,
    };
    check(&codec, "full", &header, &message);
    check(&codec, "first", &Header::new("counter", "").with_position(Position::new(0)), &255_u8);
    let subscribe = Subscribe { topic: "session.status:project-1".to_owned() };
    check(&codec, "control", &Header::new("__subscribe", "1"), &subscribe);
    check(&codec, "unit", &Header::new("restart", "eu-1"), &());
}

fn check<P>(codec: &impl Codec, case: &str, header: &Header, payload: &P)
where
    P: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let name = format!("{case}.{}", codec.name());
    let mut written = Vec::new();
    codec.encode(header, payload, &mut written).unwrap();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(folder.join(&name), &written).unwrap();
    }
    let golden = fs::read(folder.join(&name)).unwrap();
    assert_eq!(written, golden, "{name}: {}", String::from_utf8_lossy(&written));
    reads(codec, &golden, header, payload);
    // A client in JavaScript writes the members in another order, and more of them. It has no types for postcard.
    if codec.is_self_describing() {
        reads(codec, &fs::read(folder.join("javascript").join(&name)).unwrap(), header, payload);
    }
}

fn reads<P>(codec: &impl Codec, message: &[u8], header: &Header, payload: &P)
where
    P: DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let (split, raw) = codec.split(message).unwrap();
    assert_eq!(&split, header);
    assert_eq!(&decode::<P>(codec, raw).unwrap(), payload);
}
