//! Acknowledged delivery: a client is sent no more than it has said that it can take.

use pubsub_transports::Address;
use pubsub_transports::websocket::{CloseCode, ConnectionId, HistoryConfig, HubConfig, Outgoing, Rate};

use crate::raw::Raw;

fn subscribe(raw: &mut Raw, client: ConnectionId, payload: &str) {
    raw.say(client, &format!(r#"{{"type":"__subscribe","id":"s","payload":{payload}}}"#));
}

fn acknowledge(raw: &mut Raw, client: ConnectionId, payload: &str) {
    raw.say(client, &format!(r#"{{"type":"__ack","id":"","payload":{payload}}}"#));
}

fn epoch(raw: &mut Raw) -> String {
    raw.hub.subscribe_local(&Address::whole("job").unwrap()).unwrap().0
}

fn publish(raw: &mut Raw, count: usize) {
    (0..count).for_each(|_| raw.publish("job", "1"));
}

/// The offsets of the events that came, and everything else as it is.
fn offsets(raw: &mut Raw, client: ConnectionId) -> (Vec<u64>, Vec<String>) {
    let (events, others): (Vec<_>, Vec<_>) =
        raw.hear(client).into_iter().partition(|text| !text.starts_with(r#"{"type":"__"#));
    let offset = |text: &String| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value["offset"].as_u64().unwrap()
    };
    (events.iter().map(offset).collect(), others)
}

fn events(raw: &mut Raw, client: ConnectionId) -> Vec<u64> {
    offsets(raw, client).0
}

#[test]
fn no_more_is_under_way_than_the_window_holds() {
    let mut raw = Raw::new(HubConfig::default());
    let (slow, neighbour) = (raw.open(), raw.open());
    subscribe(&mut raw, slow, r#"{"topic":"job","window":2}"#);
    raw.subscribe(neighbour, "job");
    publish(&mut raw, 5);
    assert_eq!(events(&mut raw, slow), [1, 2]);
    assert_eq!(events(&mut raw, neighbour), [1, 2, 3, 4, 5]);
    assert_eq!(
        (raw.hub.unacknowledged(slow), raw.hub.queued_bytes(slow)),
        (2, 0),
        "what waits is in the history"
    );

    acknowledge(&mut raw, slow, r#"{"topic":"job","offset":1}"#);
    assert_eq!(events(&mut raw, slow), [3]);
    acknowledge(&mut raw, slow, r#"{"topic":"job","offset":3}"#);
    assert_eq!(events(&mut raw, slow), [4, 5], "everything up to there, not it alone");
    acknowledge(&mut raw, slow, r#"{"topic":"job","offset":2}"#);
    publish(&mut raw, 1);
    assert_eq!(events(&mut raw, slow), [0_u64; 0], "what was acknowledged makes no room twice");
    acknowledge(&mut raw, slow, r#"{"topic":"job","offset":5}"#);
    assert_eq!(events(&mut raw, slow), [6]);
    publish(&mut raw, 1);
    assert_eq!(events(&mut raw, slow), [7], "one who has caught up gets what comes");
}

#[test]
fn of_one_id_only_its_events_take_room() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    subscribe(&mut raw, client, r#"{"topic":"job:2","window":2}"#);
    for id in ["1", "2", "1", "1", "2", "2"] {
        raw.publish("job", id);
    }
    assert_eq!(events(&mut raw, client), [2, 5]);
    acknowledge(&mut raw, client, r#"{"topic":"job:2","offset":4}"#);
    assert_eq!(events(&mut raw, client), [6]);
}

#[test]
fn what_was_not_acknowledged_comes_again() {
    let mut raw = Raw::new(HubConfig::default());
    let first = raw.open();
    subscribe(&mut raw, first, r#"{"topic":"job","window":4}"#);
    publish(&mut raw, 6);
    events(&mut raw, first);
    let epoch = epoch(&mut raw);
    acknowledge(&mut raw, first, r#"{"topic":"job","offset":1}"#);
    raw.hub.closed(first);

    let second = raw.open();
    let since = format!(r#"{{"topic":"job","window":4,"since":{{"epoch":"{epoch}","offset":1}}}}"#);
    subscribe(&mut raw, second, &since);
    assert_eq!(events(&mut raw, second), [2, 3, 4, 5], "2 to 4 came before, and were not handled");
}

#[test]
fn what_a_client_still_holds_counts_after_a_reconnect() {
    let mut raw = Raw::new(HubConfig::default());
    let first = raw.open();
    subscribe(&mut raw, first, r#"{"topic":"job","window":3}"#);
    publish(&mut raw, 8);
    events(&mut raw, first);
    let epoch = epoch(&mut raw);
    raw.hub.closed(first);

    let second = raw.open();
    let since = format!(
        r#"{{"topic":"job","window":3,"unacknowledged":2,"since":{{"epoch":"{epoch}","offset":3}}}}"#
    );
    subscribe(&mut raw, second, &since);
    assert_eq!(events(&mut raw, second), [4], "two of the three places are taken");
    acknowledge(&mut raw, second, r#"{"topic":"job","offset":2}"#);
    assert_eq!(events(&mut raw, second), [0_u64; 0], "which of the two that was, nobody knows");
    acknowledge(&mut raw, second, r#"{"topic":"job","offset":3}"#);
    assert_eq!(events(&mut raw, second), [5, 6]);
}

#[test]
fn who_never_acknowledges_is_told_what_the_history_gave_up() {
    let config =
        HubConfig { history: HistoryConfig { events: 3, ..Default::default() }, ..Default::default() };
    let mut raw = Raw::new(config);
    let client = raw.open();
    subscribe(&mut raw, client, r#"{"topic":"job","window":1}"#);
    publish(&mut raw, 1);
    assert_eq!(events(&mut raw, client), [1]);
    publish(&mut raw, 999);
    assert_eq!(events(&mut raw, client), [0_u64; 0]);
    assert_eq!((raw.hub.queued_bytes(client), raw.hub.unacknowledged(client)), (0, 1));
    acknowledge(&mut raw, client, r#"{"topic":"job","offset":1}"#);
    let (came, told) = offsets(&mut raw, client);
    assert_eq!(came, [998]);
    assert!(told[0].contains(r#""missed":996,"reason":"evicted""#), "{told:?}");
}

#[test]
fn a_window_is_changed_and_ended_by_an_acknowledgement() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    raw.subscribe(client, "job");
    publish(&mut raw, 2);
    assert_eq!(events(&mut raw, client), [1, 2]);
    acknowledge(&mut raw, client, r#"{"topic":"job","offset":2,"window":1}"#);
    publish(&mut raw, 4);
    assert_eq!(events(&mut raw, client), [3]);
    acknowledge(&mut raw, client, r#"{"topic":"job","offset":2,"window":2}"#);
    assert_eq!(events(&mut raw, client), [4]);
    acknowledge(&mut raw, client, r#"{"topic":"job","offset":2,"window":0}"#);
    assert_eq!(events(&mut raw, client), [5, 6]);
    publish(&mut raw, 2);
    assert_eq!((events(&mut raw, client), raw.hub.unacknowledged(client)), (vec![7, 8], 0));
}

#[test]
fn a_wider_address_does_not_wait_for_a_narrower_one_that_rests() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    subscribe(&mut raw, client, r#"{"topic":"job:1","window":1}"#);
    assert_eq!(events(&mut raw, client), [0_u64; 0]);
    raw.publish("job", "2");
    subscribe(&mut raw, client, r#"{"topic":"job","window":1}"#);
    publish(&mut raw, 2);
    assert_eq!(events(&mut raw, client), [2]);
}

#[test]
fn a_window_of_nothing_is_refused_and_a_large_one_is_bounded() {
    let config = HubConfig { max_unacknowledged: 3, ..Default::default() };
    let mut raw = Raw::new(config);
    let client = raw.open();
    subscribe(&mut raw, client, r#"{"topic":"job","window":0}"#);
    assert!(offsets(&mut raw, client).1[0].contains(r#""code":"bad_request""#));
    subscribe(&mut raw, client, r#"{"topic":"job","window":4294967295,"unacknowledged":4294967295}"#);
    publish(&mut raw, 9);
    assert_eq!((events(&mut raw, client), raw.hub.unacknowledged(client)), (vec![], 3));
    acknowledge(&mut raw, client, r#"{"topic":"job","offset":0}"#);
    assert_eq!(events(&mut raw, client), [1, 2, 3]);
}

#[test]
fn another_history_begins_with_an_empty_window() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    subscribe(&mut raw, client, r#"{"topic":"job","window":1}"#);
    publish(&mut raw, 2);
    assert_eq!(events(&mut raw, client), [1]);
    raw.hub.forget_history("job");
    publish(&mut raw, 2);
    let (came, told) = offsets(&mut raw, client);
    assert_eq!(came, [1]);
    assert!(told[0].contains(r#""reason":"epoch""#), "{told:?}");
}

#[test]
fn acknowledging_what_is_not_followed_does_nothing() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    for topic in ["job", "job:1", "", ":", "other:@self"] {
        acknowledge(
            &mut raw,
            client,
            &format!(r#"{{"topic":"{topic}","offset":18446744073709551615,"window":1}}"#),
        );
    }
    raw.subscribe(client, "job");
    acknowledge(&mut raw, client, r#"{"topic":"job","offset":18446744073709551615}"#);
    publish(&mut raw, 2);
    let (came, told) = offsets(&mut raw, client);
    assert_eq!((came, told.len()), (vec![1, 2], 1));
}

#[test]
fn what_is_held_of_another_history_takes_no_room_after_a_reconnect() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    subscribe(
        &mut raw,
        client,
        r#"{"topic":"job","window":2,"unacknowledged":2,"since":{"epoch":"of-before","offset":1000}}"#,
    );
    publish(&mut raw, 3);
    let (came, told) = offsets(&mut raw, client);
    assert_eq!(came, [1, 2]);
    assert!(told[0].contains(r#""gap":"epoch""#), "{told:?}");
    acknowledge(&mut raw, client, r#"{"topic":"job","offset":1}"#);
    assert_eq!(events(&mut raw, client), [3]);
}

#[test]
fn an_id_without_room_gives_way_to_its_type_without_an_acknowledgement() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    subscribe(&mut raw, client, r#"{"topic":"job:1","window":1}"#);
    publish(&mut raw, 3);
    assert_eq!(events(&mut raw, client), [1]);
    subscribe(&mut raw, client, r#"{"topic":"job","window":1}"#);
    assert_eq!(events(&mut raw, client), [2, 3], "what the type does not deliver");
    publish(&mut raw, 2);
    assert_eq!(events(&mut raw, client), [4]);
    acknowledge(&mut raw, client, r#"{"topic":"job","offset":4}"#);
    assert_eq!(events(&mut raw, client), [5]);
}

#[test]
fn what_is_held_of_an_id_takes_no_room_under_its_type_nor_after_it() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    raw.subscribe(client, "job");
    publish(&mut raw, 2);
    events(&mut raw, client);
    let epoch = epoch(&mut raw);
    let since = format!(
        r#"{{"topic":"job:1","window":1,"unacknowledged":1,"since":{{"epoch":"{epoch}","offset":2}}}}"#
    );
    subscribe(&mut raw, client, &since);
    raw.hub.forget_history("job");
    raw.say(client, r#"{"type":"__unsubscribe","id":"u","payload":{"topic":"job"}}"#);
    publish(&mut raw, 2);
    assert_eq!(events(&mut raw, client), [1]);
    acknowledge(&mut raw, client, r#"{"topic":"job:1","offset":1}"#);
    assert_eq!(events(&mut raw, client), [2]);
}

#[test]
fn a_window_does_not_let_what_comes_overtake_what_waits() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    raw.subscribe(client, "job");
    publish(&mut raw, 5);
    acknowledge(&mut raw, client, r#"{"topic":"job","offset":0,"window":8}"#);
    publish(&mut raw, 2);
    let mut out = Vec::new();
    while raw.hub.pull(raw.now, client, 1, &mut out) {}
    let text = |out: &Outgoing| match out {
        Outgoing::Message(message) => String::from_utf8_lossy(message.bytes()).into_owned(),
        other => panic!("{other:?}"),
    };
    let place = |offset: u64| {
        let says = format!(r#""offset":{offset},"after""#);
        out.iter().position(|one| text(one).contains(&says)).unwrap_or_else(|| panic!("{offset} never came"))
    };
    assert!((1..7).all(|offset| place(offset) < place(offset + 1)), "{out:?}");
}

#[test]
fn who_acknowledges_is_replayed_all_that_is_kept() {
    let config =
        HubConfig { history: HistoryConfig { replay: 3, ..Default::default() }, ..Default::default() };
    let mut raw = Raw::new(config);
    let client = raw.open();
    publish(&mut raw, 1);
    let epoch = epoch(&mut raw);
    publish(&mut raw, 9);
    let since = format!(r#""since":{{"epoch":"{epoch}","offset":0}}"#);
    subscribe(&mut raw, client, &format!(r#"{{"topic":"job:1",{since}}}"#));
    assert!(offsets(&mut raw, client).1[0].contains("too_many"));
    subscribe(&mut raw, client, &format!(r#"{{"topic":"job","window":100,{since}}}"#));
    assert_eq!(events(&mut raw, client), (1..=10).collect::<Vec<_>>());
}

#[test]
fn acknowledging_what_came_is_never_too_fast() {
    let config = HubConfig { rate: Some(Rate::new(1, 3)), ..Default::default() };
    let mut raw = Raw::new(config);
    let client = raw.open();
    subscribe(&mut raw, client, r#"{"topic":"job","window":1}"#);
    publish(&mut raw, 500);
    for offset in 1..=500 {
        assert_eq!(events(&mut raw, client), [offset]);
        acknowledge(&mut raw, client, &format!(r#"{{"topic":"job","offset":{offset}}}"#));
    }
    // One that makes no room is as any other message.
    for _ in 0..500 {
        acknowledge(&mut raw, client, r#"{"topic":"job","offset":500}"#);
    }
    assert_eq!(raw.close_code(client), Some(CloseCode::RateLimited));
}
