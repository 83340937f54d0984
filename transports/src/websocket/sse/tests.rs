use super::*;
use crate::codec::{Codec, Json};
use crate::websocket::wire::{Gap, GapReason, Subscribed};
use crate::{Header, Position};

fn stream(topics: &[&str], last: Option<&str>) -> EventStreamText {
    let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
    let mut positions = Positions::new(&topics, Some("ada")).expect("they are addresses");
    if let Some(last) = last {
        positions.go_on_after(last).expect("it is one of these topics");
    }
    EventStreamText::new(positions)
}

fn said(stream: &mut EventStreamText, message: &[u8]) -> String {
    let mut out = Vec::new();
    stream.write(&Json::default(), message, &mut out);
    String::from_utf8(out).expect("it is text")
}

fn subscribed(topic: &str, offset: u64, recovered: bool, replay: u64) -> Vec<u8> {
    let reply = Subscribed {
        topic: topic.into(),
        epoch: "e1".into(),
        offset,
        recovered,
        replay,
        gap: None,
        missed: None,
    };
    Reply::Subscribed(reply).encode(&Json::default(), "").expect("it fits").to_vec()
}

fn event(topic: &str, id: &str, offset: u64, payload: &str) -> Vec<u8> {
    let header = Header::new(topic, id).with_position(Position::new(offset).with_epoch("e1"));
    let mut out = Vec::new();
    Codec::join(&Json::default(), &header, payload.as_bytes(), &mut out).expect("it fits");
    out
}

fn id_of(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("id: ")).expect("every event has an id")
}

#[test]
fn an_event_is_its_type_its_position_and_its_envelope() {
    let mut stream = stream(&["chat:a"], None);
    let first = said(&mut stream, &subscribed("chat:a", 4, false, 0));
    assert!(first.starts_with("event: __subscribed\nid: e1.4\ndata: {\"type\":\"__subscribed\""), "{first}");
    let next = said(&mut stream, &event("chat", "a", 7, "1"));
    assert!(next.starts_with("event: chat\nid: e1.7\ndata: {\"type\":\"chat\",\"id\":\"a\""), "{next}");
    assert!(next.ends_with("}\n\n"), "{next}");
}

#[test]
fn line_breaks_of_a_payload_are_lines_of_data() {
    let mut stream = stream(&["chat"], None);
    let text = said(&mut stream, &event("chat", "a", 1, "{\n\"a\":\r\n1}"));
    let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert!(data.len() > 1 && !text.contains('\r'), "{text}");
    let (header, payload) = Codec::split(&Json::default(), data.join("\n").as_bytes())
        .map(|(header, payload)| (header, String::from_utf8_lossy(payload).into_owned()))
        .expect("it is an envelope still");
    assert_eq!((header.topic(), header.id()), ("chat", "a"));
    assert!(payload.starts_with('{') && payload.ends_with('}'), "{payload}");
}

#[test]
fn every_topic_has_its_place() {
    let mut stream = stream(&["chat:a", "news", "chat:@self"], None);
    assert_eq!(id_of(&said(&mut stream, &subscribed("chat:a", 4, false, 0))), "e1.4 - -");
    assert_eq!(id_of(&said(&mut stream, &subscribed("news", 0, false, 0))), "e1.4 e1.0 -");
    assert_eq!(id_of(&said(&mut stream, &subscribed("chat:@self", 4, false, 0))), "e1.4 e1.0 e1.4");
    assert_eq!(id_of(&said(&mut stream, &event("news", "x", 1, "1"))), "e1.4 e1.1 e1.4");
    assert_eq!(id_of(&said(&mut stream, &event("chat", "ada", 5, "1"))), "e1.4 e1.1 e1.5");
    assert_eq!(id_of(&said(&mut stream, &event("chat", "a", 9, "1"))), "e1.9 e1.1 e1.5");
}

#[test]
fn what_is_replayed_is_not_known_before_it_came() {
    let mut stream = stream(&["chat"], Some("e1.2"));
    assert_eq!(id_of(&said(&mut stream, &subscribed("chat", 9, true, 2))), "e1.2");
    assert_eq!(id_of(&said(&mut stream, &event("chat", "a", 5, "1"))), "e1.5");
}

#[test]
fn a_position_that_cannot_be_recovered_gives_way() {
    let mut stream = stream(&["chat"], Some("e0.2"));
    assert_eq!(id_of(&said(&mut stream, &subscribed("chat", 9, false, 0))), "e1.9");
    let gap = Gap {
        topic: "chat".into(),
        missed: Some(3),
        reason: GapReason::Overflow,
        offset: Some(12),
        epoch: None,
    };
    let gap = Reply::Gap(gap).encode(&Json::default(), "").expect("it fits");
    assert_eq!(id_of(&said(&mut stream, &gap)), "e1.12");
}

#[test]
fn a_last_event_id_is_taken_for_as_many_topics_as_there_are() {
    let topics = ["a".to_owned(), "b:1".to_owned()];
    for (last, taken) in [
        ("e.1 -", true),
        ("- e.with.dots.7", true),
        ("e.1", false),
        ("e.1 e.2 e.3", false),
        ("e1 e2", false),
        ("e.-1 -", false),
        ("e.99999999999999999999 -", false),
        ("", false),
    ] {
        let mut positions = Positions::new(&topics, None).expect("they are addresses");
        assert_eq!(positions.go_on_after(last).is_ok(), taken, "{last:?}");
        if taken {
            assert_eq!(positions.to_string(), last);
        }
    }
}
