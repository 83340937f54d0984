//! Each bound at the bound, and each mistake with its exact reaction.

use std::time::Duration;

use bytes::Bytes;
use pubsub_transports::websocket::wire::Message;
use pubsub_transports::websocket::{CloseCode, ConnectionId, HubConfig, OutboxConfig, Outgoing, Overflow};
use pubsub_transports::{ErrorCode, Header};

use crate::raw::Raw;

const PING: &str = r#"{"type":"__ping","id":"p","payload":{}}"#;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn malformed_frames() {
    // What is sent, with which id it is answered, and what the answer says.
    let mistakes = [
        ("", "", "byte 0"),
        ("hello", "", "byte 1"),
        ("[]", "", "byte 0"),
        (r#"{"type":"chat","id":"1"}"#, "", "no member `payload`"),
        (r#"{"type":7,"id":"1","payload":1}"#, "", "`type`"),
        (r#"{"type":"chat","id":"1","payload":1}}"#, "", "byte"),
        (r#"{"type":"chat","id":"1","payload":{"#, "", "byte"),
        (r#"{"type":"__subscribe","id":"7","payload":7}"#, "7", "not one of the topic"),
        (r#"{"type":"__subscribe","id":"7","payload":{}}"#, "7", "either `topic` or `topics`"),
        (r#"{"type":"__subscribe","id":"7","payload":{"topic":""}}"#, "7", "needs a type"),
        (r#"{"type":"__subscribe","id":"7","payload":{"topic":"__x"}}"#, "7", "reserved"),
        (r#"{"type":"__unsubscribe","id":"7","payload":{"topic":"a b"}}"#, "7", "cannot contain"),
        (r#"{"type":"__reboot","id":"7","payload":{}}"#, "7", "__reboot"),
        (r#"{"type":"__subscribed","id":"7","payload":{}}"#, "7", "from this side"),
        (r#"{"type":"__connect","id":"7","payload":{"protocol":2}}"#, "7", "version 1"),
        (r#"{"type":"a b","id":"1","payload":1}"#, "", "cannot contain"),
    ];
    for (sent, id, says) in mistakes {
        let mut raw = Raw::new(HubConfig::default());
        let client = raw.open();
        raw.say(client, sent);
        let heard = raw.hear(client);
        assert_eq!(heard.len(), 1, "{sent}: {heard:?}");
        assert!(
            heard[0]
                .starts_with(&format!(r#"{{"type":"__error","id":"{id}","payload":{{"code":"bad_request""#))
        );
        assert!(heard[0].contains(says) && heard[0].contains(r#""retryable":false"#), "{sent}: {}", heard[0]);
        // And the connection is as good as before.
        raw.say(client, PING);
        assert_eq!(raw.hear(client).len(), 1);
    }
}

#[test]
fn an_event_that_is_refused_is_answered_with_its_event_id() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    let id = "0191e0a5-3c4e-7b2a-9f00-5d6e7f809102";
    raw.say(client, &format!(r#"{{"type":"a","id":"@self","eventId":"{id}","payload":1}}"#));
    let heard = raw.hear(client);
    assert!(heard[0].starts_with(&format!(r#"{{"type":"__error","id":"{id}""#)), "{heard:?}");
}

#[test]
fn the_wrong_kind_of_message_ends_the_connection() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    raw.hub.receive(raw.now, client, &Message::Binary(Bytes::from_static(PING.as_bytes())));
    assert_eq!(raw.close_code(client), Some(CloseCode::BadFrame));
}

#[test]
fn too_many_errors() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    for _ in 0..5 {
        (0..16).for_each(|_| raw.say(client, "hello"));
        raw.say(client, PING);
    }
    assert_eq!(raw.close_code(client), None, "what is understood forgives what was not");
    (0..17).for_each(|_| raw.say(client, "hello"));
    assert_eq!(raw.close_code(client), Some(CloseCode::TooManyErrors));
}

#[test]
fn oversized_frame() {
    let mut raw = Raw::new(HubConfig { max_frame: 1000, ..Default::default() });
    let client = raw.open();
    let command = |bytes: usize| {
        let rest = PING.len();
        PING.replace("{}", &format!("{{{}}}", " ".repeat(bytes - rest)))
    };
    raw.say(client, &command(1000));
    assert_eq!(raw.hear(client).len(), 1);
    raw.say(client, &command(1001));
    assert_eq!(raw.close_code(client), Some(CloseCode::TooBig));
    assert!(!CloseCode::TooBig.comes_back());

    // An event that came within the bound, and would leave beyond it.
    let client = raw.open();
    let payload = "x".repeat(950);
    raw.say(client, &format!(r#"{{"type":"a","id":"1","payload":"{payload}"}}"#));
    let heard = raw.hear(client);
    assert!(heard[0].contains(r#""code":"too_large""#), "{heard:?}");
    let published = raw.hub.publish(raw.now, &Header::new("a", "1"), "1".repeat(950).into());
    assert_eq!(*published.unwrap_err().code(), ErrorCode::TooLarge);
}

#[test]
fn limits() {
    let config = HubConfig { max_topics: 3, max_connections: 2, max_types: 5, ..Default::default() };
    let mut raw = Raw::new(config);
    let client = raw.open();
    for topic in ["a", "b:1", "c", "d"] {
        raw.subscribe(client, topic);
    }
    let heard = raw.hear(client);
    assert!(heard[0].contains(r#""code":"limit""#) && heard[0].contains(r#""topic":"d""#), "{heard:?}");
    assert_eq!((heard.len(), raw.hub.routes()), (4, 3));
    raw.say(client, r#"{"type":"__unsubscribe","id":"","payload":{"topic":"a"}}"#);
    raw.subscribe(client, "d");
    assert!(raw.hear(client)[1].starts_with(r#"{"type":"__subscribed""#), "one went, one came");

    raw.open();
    assert_eq!(raw.hub.open(raw.now, 0, None), Err(CloseCode::ConnectionLimit));
    raw.hub.closed(client);
    let client = raw.open();

    // Types that nobody follows and nothing happened on give way; others stay.
    let mut types = |name: &str| raw.hub.publish(raw.now, &Header::new(name, "1"), "1".into());
    (0..5).for_each(|n| assert!(types(&format!("t{n}")).is_ok()));
    assert_eq!(*types("t5").unwrap_err().code(), ErrorCode::Limit);
    raw.subscribe(client, "another");
    assert!(raw.hear(client)[0].contains(r#""code":"limit""#));

    let long = "x".repeat(250);
    raw.subscribe(client, &format!("t0:{}", &long));
    raw.subscribe(client, &format!("t0:{long}xxx"));
    let heard = raw.hear(client);
    assert!(heard[0].contains(r#""code":"bad_request""#), "{heard:?}");
    assert!(heard[1].starts_with(r#"{"type":"__subscribed""#), "{heard:?}");
}

#[test]
fn stale_handshake() {
    let mut raw = Raw::new(HubConfig::default());
    let (silent, babbling, late) = (raw.open(), raw.open(), raw.open());
    assert_eq!(raw.hub.next_timer(), Some(seconds(10)));
    raw.say(babbling, "hello");
    raw.wait(Duration::from_millis(9_999));
    raw.say(late, PING);
    raw.wait(Duration::from_millis(1));
    assert_eq!(raw.close_code(silent), Some(CloseCode::Stale));
    assert_eq!(raw.close_code(babbling), Some(CloseCode::Stale), "that was no command");
    assert_eq!(raw.close_code(late), None);
}

#[test]
fn without_anonymous_clients_one_needs_an_identity() {
    let mut raw = Raw::new(HubConfig { anonymous: false, ..Default::default() });
    let (nobody, ada) = (raw.open(), raw.open_as("ada"));
    raw.say(nobody, PING);
    assert_eq!(raw.close_code(nobody), Some(CloseCode::Unauthenticated));
    raw.say(ada, PING);
    assert_eq!(raw.hear(ada).len(), 1);
}

#[test]
fn no_pong() {
    let mut raw = Raw::new(HubConfig::default());
    let (dead, alive, busy) = (raw.open(), raw.open(), raw.open());
    for client in [dead, alive, busy] {
        raw.say(client, PING);
        raw.hear(client);
    }
    raw.wait(seconds(20));
    raw.say(busy, PING);
    raw.hear(busy);
    raw.wait(Duration::from_millis(4_999));
    assert_eq!(raw.out(dead), []);
    raw.wait(Duration::from_millis(1));
    assert_eq!(raw.out(dead), [Outgoing::Ping]);
    assert_eq!(raw.out(alive), [Outgoing::Ping]);
    assert_eq!(raw.out(busy), [], "it was heard 5 seconds ago");
    raw.wait(Duration::from_millis(9_999));
    raw.hub.pong(raw.now, alive);
    assert!(raw.hub.is_open(dead));
    raw.wait(Duration::from_millis(1));
    assert_eq!(raw.close_code(dead), Some(CloseCode::NoPong));
    assert_eq!(raw.close_code(alive), None);
    raw.wait(seconds(1000));
    assert_eq!(raw.out(alive), [Outgoing::Ping], "a clock that leaps does no harm");
}

/// A client that follows `a` and has read all, and how many bytes an event of it has.
fn follower(outbox: OutboxConfig, overflow: Overflow) -> (Raw, ConnectionId, usize) {
    let mut raw = Raw::new(HubConfig { outbox, overflow, ..Default::default() });
    let client = raw.open();
    raw.subscribe(client, "a");
    raw.hear(client);
    raw.publish("a", "1");
    let event = raw.hub.queued_bytes(client);
    raw.hear(client);
    (raw, client, event)
}

/// Offsets of one digit: the events have one length.
#[test]
fn a_queue_is_full_with_one_event_more_than_fits() {
    let (_, _, event) = follower(OutboxConfig::default(), Overflow::default());
    for overflow in [Overflow::DropOldest, Overflow::LatestPerId] {
        for (bytes, fit) in [(3 * event, 3), (3 * event - 1, 2)] {
            let outbox = OutboxConfig { bytes, ..Default::default() };
            let (mut raw, client, _) = follower(outbox, overflow);
            ["1", "2", "3"].iter().take(fit).for_each(|id| raw.publish("a", id));
            assert_eq!(raw.hub.queued_bytes(client), fit * event);
            assert_eq!(raw.hear(client).len(), fit, "{overflow:?}: nothing is dropped");
            ["1", "2", "3", "4"].iter().take(fit + 1).for_each(|id| raw.publish("a", id));
            let heard = raw.hear(client);
            let is_gap = |text: &&String| text.contains(r#""missed":1,"reason":"overflow""#);
            assert_eq!(heard.iter().filter(is_gap).count(), 1, "{overflow:?}: {heard:?}");
            assert_eq!(heard.len(), 1 + fit, "{overflow:?}: {heard:?}");
        }
    }
    assert_eq!(OutboxConfig::default().bytes, 1 << 20);
}

#[test]
fn a_queue_ends_the_connection_with_one_event_more_than_the_hard_bound() {
    let (_, _, event) = follower(OutboxConfig::default(), Overflow::default());
    for (hard_bytes, fit) in [(3 * event, 3), (3 * event - 1, 2)] {
        let outbox = OutboxConfig { bytes: 0, hard_bytes, ..Default::default() };
        let (mut raw, client, _) = follower(outbox, Overflow::Disconnect);
        (0..fit).for_each(|_| raw.publish("a", "1"));
        assert_eq!((raw.hub.queued_bytes(client), raw.hub.is_open(client)), (fit * event, true));
        raw.publish("a", "1");
        assert_eq!(raw.close_code(client), Some(CloseCode::SlowConsumer));
    }
    assert_eq!(OutboxConfig::default().hard_bytes, 4 << 20);
}

#[test]
fn answers_end_the_connection_with_one_more_than_their_bound() {
    let mut raw = Raw::new(HubConfig::default());
    let client = raw.open();
    raw.say(client, PING);
    let answer = raw.hub.queued_bytes(client);
    for (answer_bytes, fit) in [(3 * answer, 3), (3 * answer - 1, 2)] {
        let outbox = OutboxConfig { answer_bytes, ..Default::default() };
        let mut raw = Raw::new(HubConfig { outbox, ..Default::default() });
        let client = raw.open();
        (0..fit).for_each(|_| raw.say(client, PING));
        assert_eq!((raw.hub.queued_bytes(client), raw.hub.is_open(client)), (fit * answer, true));
        raw.say(client, PING);
        assert_eq!(raw.close_code(client), Some(CloseCode::SlowConsumer));
    }
    assert_eq!(OutboxConfig::default().answer_bytes, 256 << 10);
}

#[test]
fn answers_that_are_not_read_are_bounded() {
    let outbox = OutboxConfig { answer_bytes: 1000, ..Default::default() };
    let mut raw = Raw::new(HubConfig { outbox, ..Default::default() });
    let client = raw.open();
    for _ in 0..1000 {
        raw.say(client, PING);
        assert!(raw.hub.queued_bytes(client) <= 1000 + 100);
    }
    assert_eq!(raw.close_code(client), Some(CloseCode::SlowConsumer));
}

#[test]
fn subscribing_and_leaving_without_reading_is_bounded() {
    let outbox = OutboxConfig { bytes: 1000, hard_bytes: 4000, ..Default::default() };
    let mut raw = Raw::new(HubConfig { outbox, ..Default::default() });
    let client = raw.open();
    for _ in 0..10_000 {
        raw.subscribe(client, "a");
        raw.say(client, r#"{"type":"__unsubscribe","id":"","payload":{"topic":"a"}}"#);
        assert!(raw.hub.queued_bytes(client) <= 4000 + 200);
    }
    assert_eq!(raw.close_code(client), Some(CloseCode::SlowConsumer));
    assert_eq!((raw.hub.routes(), raw.hub.connections()), (0, 0));
}
