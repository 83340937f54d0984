//! Selectors: what is followed, and what comes.

use std::sync::Arc;

use pubsub::prelude::*;

use crate::harness::{App, Opaque, Some, bus, drain, number, numbers};

fn publish_one_of_each(bus: &PubSub<App>) {
    number(bus, "a", 1);
    bus.publish(App::TEXT, &7, "seven".into()).now().unwrap();
    bus.publish(App::PAIR, "a", (1, 2)).now().unwrap();
    bus.publish(App::RESTART, "b", ()).now().unwrap();
    bus.publish(App::OPAQUE, "", Arc::new(Opaque)).now().unwrap();
    number(bus, "b", 2);
}

#[test]
fn a_topic_follows_every_id_and_one_with_an_id_follows_that() {
    let bus = bus();
    let mut every = bus.subscribe(App::NUMBER).now().unwrap();
    let mut one = bus.subscribe(App::NUMBER.id("b")).now().unwrap();
    publish_one_of_each(&bus);
    assert_eq!(numbers(&mut every), [1, 2]);
    assert_eq!(numbers(&mut one), [2]);
}

#[test]
fn ids_may_hold_anything() {
    for id in ["", ":", "a:b", "*", "?", "[x]", "ü 🦀", "a\0b", &"long".repeat(100)] {
        let bus = bus();
        let mut one = bus.subscribe(App::NUMBER.id(id)).now().unwrap();
        let mut other = bus.subscribe(App::NUMBER.id(&format!("{id}x"))).now().unwrap();
        number(&bus, id, 1);
        assert_eq!(one.try_next().unwrap().id, id);
        assert!(drain(&mut other).is_empty());
    }
}

#[test]
fn an_id_of_another_type_is_scoped_by_its_text() {
    let bus = bus();
    let mut seven = bus.subscribe(App::TEXT.id(&7)).now().unwrap();
    bus.publish(App::TEXT, &77, "no".into()).now().unwrap();
    bus.publish(App::TEXT, &7, "yes".into()).now().unwrap();
    let events = drain(&mut seven);
    assert_eq!((events.len(), events[0].id, &*events[0].payload), (1, 7_u32, "yes"));
}

#[test]
fn all_gives_the_enum() {
    let bus = bus();
    let mut all = bus.subscribe(All).now().unwrap();
    publish_one_of_each(&bus);
    let events: Vec<_> =
        drain(&mut all).into_iter().map(|e| (e.topic, e.id.to_string(), e.into_payload())).collect();
    let expected = [
        ("number", "a", App::Number(1)),
        ("text", "7", App::Text("seven".into())),
        ("pair", "a", App::Pair(1, 2)),
        ("restart", "b", App::Restart),
        ("opaque", "", App::Opaque(Arc::new(Opaque))),
        ("number", "b", App::Number(2)),
    ];
    assert_eq!(events, expected.map(|(topic, id, payload)| (topic, id.to_owned(), payload)));
}

#[test]
fn a_subset_gives_its_own_enum() {
    let bus = bus();
    let mut some = bus.subscribe(Some::ALL).now().unwrap();
    publish_one_of_each(&bus);
    let payloads: Vec<Some> = drain(&mut some).into_iter().map(Event::into_payload).collect();
    assert_eq!(payloads, [Some::Number(1), Some::Pair(1, 2), Some::Restart, Some::Number(2)]);
}

#[test]
fn a_list_gives_events_of_its_type() {
    let bus = bus();
    let ids = vec![App::NUMBER.id("b"), App::NUMBER.id("c")];
    let mut list = bus.subscribe(ids).now().unwrap();
    publish_one_of_each(&bus);
    number(&bus, "c", 3);
    assert_eq!(numbers(&mut list), [2, 3]);
}

#[test]
fn a_tuple_gives_the_enum() {
    let bus = bus();
    let mut some = bus.subscribe((App::TEXT.id(&7), App::RESTART)).now().unwrap();
    publish_one_of_each(&bus);
    let payloads: Vec<App> = drain(&mut some).into_iter().map(Event::into_payload).collect();
    assert_eq!(payloads, [App::Text("seven".into()), App::Restart]);
}

#[test]
fn however_selectors_overlap_an_event_comes_once() {
    let bus = bus();
    let mut overlapping =
        bus.subscribe((App::NUMBER.id("a"), App::NUMBER, App::NUMBER.id("a"), All)).now().unwrap();
    let mut twice = bus.subscribe([App::NUMBER.id("a"), App::NUMBER.id("a")]).now().unwrap();
    number(&bus, "a", 1);
    assert_eq!((drain(&mut overlapping).len(), drain(&mut twice).len()), (1, 1));
}

#[test]
fn an_empty_list_is_refused() {
    let none: [pubsub::TopicWithId<App, u64>; 0] = [];
    let error = bus().subscribe(none).now().unwrap_err();
    assert_eq!(error, SubscribeError::NoTopic);
}

#[test]
fn has_subscribers_tells_whether_somebody_follows_some_of_it() {
    let bus = bus();
    assert!(!bus.has_subscribers(All));
    let desk = bus.subscribe(App::NUMBER.id("desk")).now().unwrap();
    assert!(bus.has_subscribers(All));
    assert!(bus.has_subscribers(App::NUMBER));
    assert!(bus.has_subscribers(App::NUMBER.id("desk")));
    assert!(bus.has_subscribers(Some::ALL));
    assert!(!bus.has_subscribers(App::NUMBER.id("shelf")));
    assert!(!bus.has_subscribers((App::TEXT, App::RESTART)));
    drop(desk);
    assert!(!bus.has_subscribers(All));
}

#[test]
fn two_buses_share_nothing() {
    let (one, two) = (bus(), bus());
    let mut subscription = one.subscribe(App::NUMBER).now().unwrap();
    number(&two, "a", 1);
    assert!(numbers(&mut subscription).is_empty());
}
