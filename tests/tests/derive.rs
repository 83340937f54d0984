//! What the derives make of an enum, beside what the compiler sees: names, docs, hashes, and the half for the wire.

use futures::executor::block_on;
use pubsub::prelude::*;
use pubsub::{TopicInfo, WireMap};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    text: String,
}

#[derive(Clone, Debug, PartialEq, EventMap)]
#[event_map(rename_all = "dot.case", prefix = "app.")]
enum AppEvent {
    /// A session went online or away.
    ///
    /// ```text
    ///     indented
    /// ```
    SessionStatus(bool),
    #[event(topic = "chat.message", id = u64)]
    Message(Message),
    #[doc = " Where it is."]
    HTTPPosition(u8, Option<Vec<(u8, String)>>),
    Restart,
    #[event(id = &str, constant = LETTER)]
    X(&'static str),
}

#[derive(Debug, Clone, PartialEq, EventSubset)]
#[event_subset(of = AppEvent)]
enum Subset {
    Restart,
    #[event(constant = HTTP_POSITION)]
    Position(u8, Option<Vec<(u8, String)>>),
}

/// The same without the payload that cannot be decoded.
#[derive(Clone, Debug, PartialEq, EventMap)]
enum Wired {
    Flag(bool),
    #[event(id = u64)]
    Message(Message),
    Pair(u8, String),
    Restart,
    Nothing(),
}

fn each<T>(of: fn(&TopicInfo) -> T) -> Vec<T> {
    AppEvent::TOPICS.iter().map(of).collect()
}

#[test]
fn topics_stand_in_the_order_of_the_variants() {
    let names = ["app.session.status", "chat.message", "app.http.position", "app.restart", "app.x"];
    assert_eq!(each(|topic| topic.name), names);
    assert_eq!(each(|topic| topic.variant), ["SessionStatus", "Message", "HTTPPosition", "Restart", "X"]);
    assert_eq!(each(|topic| topic.id), ["str", "u64", "str", "str", "str"]);
    let payloads = ["bool", "Message", "(u8, Option<Vec<(u8, String)>>)", "()", "&'static str"];
    assert_eq!(each(|topic| topic.payload), payloads);
}

#[test]
fn docs_are_carried_over_without_their_markers() {
    let docs = each(|topic| topic.doc);
    assert_eq!(docs[0], "A session went online or away.\n\n```text\n    indented\n```");
    assert_eq!(docs[2], "Where it is.");
    assert_eq!(docs[3], "");
}

#[test]
fn every_topic_is_found_by_its_name_and_nothing_else_is() {
    for (index, topic) in AppEvent::TOPICS.iter().enumerate() {
        assert_eq!(AppEvent::topic_index(topic.name), Some(index));
    }
    for unknown in ["", "app", "app.restart ", "APP.RESTART", "Restart", "zzz"] {
        assert_eq!(AppEvent::topic_index(unknown), None, "{unknown:?}");
    }
}

/// FNV-1a as its authors describe it, of what the hash is documented to cover.
fn fnv_1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let mut hash: u64 = 14_695_981_039_346_656_037;
    for byte in bytes {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(1_099_511_628_211);
    }
    hash
}

#[test]
fn the_hash_covers_name_payload_and_id() {
    for topic in AppEvent::TOPICS {
        let text = format!("{}\0{}\0{}\0", topic.name, topic.payload, topic.id);
        assert_eq!(topic.hash, fnv_1a(text.bytes().filter(|&byte| byte != b' ')), "{topic:?}");
    }
    let mut hashes = each(|topic| topic.hash);
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), AppEvent::TOPICS.len());
}

#[test]
fn constants_name_their_topics() {
    assert_eq!(AppEvent::SESSION_STATUS.name(), "app.session.status");
    assert_eq!(AppEvent::HTTP_POSITION.name(), "app.http.position");
    assert_eq!(AppEvent::LETTER.name(), "app.x");
}

#[test]
fn every_payload_arrives_as_the_enum() {
    let bus = PubSub::<AppEvent>::default();
    let mut all = bus.subscribe(All).now().unwrap();
    let mut subset = bus.subscribe(Subset::ALL).now().unwrap();
    let message = Message { text: "hello".to_owned() };
    bus.publish(AppEvent::SESSION_STATUS, "a", true).now().unwrap();
    bus.publish(AppEvent::MESSAGE, &7, message.clone()).now().unwrap();
    bus.publish(AppEvent::HTTP_POSITION, "a", (1, None)).now().unwrap();
    bus.publish(AppEvent::RESTART, "a", ()).now().unwrap();
    bus.publish(AppEvent::LETTER, "a", "x").now().unwrap();
    drop(bus);
    let mut next = || block_on(all.next()).map(Event::into_payload);
    assert_eq!(next(), Some(AppEvent::SessionStatus(true)));
    assert_eq!(next(), Some(AppEvent::Message(message)));
    assert_eq!(next(), Some(AppEvent::HTTPPosition(1, None)));
    assert_eq!(next(), Some(AppEvent::Restart));
    assert_eq!(next(), Some(AppEvent::X("x")));
    assert_eq!(next(), None);
    let mut next = || block_on(subset.next()).map(Event::into_payload);
    assert_eq!(next(), Some(Subset::Position(1, None)));
    assert_eq!(next(), Some(Subset::Restart));
    assert_eq!(next(), None);
}

/// A payload from JSON into a stored event, and back.
fn through_the_wire(topic: &str, id: &str, payload: &Value) -> Result<Value, String> {
    let index = Wired::topic_index(topic).unwrap();
    let stored = Wired::__deserialize(index, id, payload).map_err(|error| error.to_string())?;
    assert_eq!(stored.topic(), index);
    Wired::__serialize(&stored, serde_json::value::Serializer).map_err(|error| error.to_string())
}

#[test]
fn payloads_have_the_form_that_serde_gives_their_type() {
    let cases = [
        ("Flag", "a", json!(true)),
        ("Message", "7", json!({ "text": "hello" })),
        ("Pair", "a", json!([1, "b"])),
        ("Restart", "a", json!(null)),
        ("Nothing", "a", json!(null)),
    ];
    for (topic, id, payload) in cases {
        assert_eq!(through_the_wire(topic, id, &payload).as_ref(), Ok(&payload), "{topic}");
    }
}

#[test]
fn what_is_decoded_is_what_a_subscriber_of_the_enum_gets() {
    use pubsub::CloneMap;
    let index = Wired::topic_index("Pair").unwrap();
    let stored = Wired::__deserialize(index, "a", &json!([1, "b"])).unwrap();
    assert_eq!(Wired::__from_stored(stored), Wired::Pair(1, "b".to_owned()));
}

#[test]
fn a_wrong_id_or_payload_is_refused() {
    let error = through_the_wire("Message", "seven", &json!({ "text": "hello" })).unwrap_err();
    assert_eq!(error, "\"seven\" is no id of the topic `Message`");
    let error = through_the_wire("Pair", "a", &json!([1])).unwrap_err();
    assert!(error.contains("invalid length 1"), "{error}");
    let error = through_the_wire("Restart", "a", &json!({})).unwrap_err();
    assert!(error.contains("expected unit"), "{error}");
}

#[test]
#[should_panic(expected = "topic 5 is none of this map's")]
fn a_topic_of_another_map_is_no_payload_at_all() {
    let _ = Wired::__deserialize(5, "a", &json!(null));
}
