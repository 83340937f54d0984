//! Clients that do what they should not: each thing has its exact reaction, and the neighbours notice nothing.

use std::net::SocketAddr;
use std::time::Duration;

use pubsub::Hub;
use pubsub::websocket::{HistoryConfig, HubConfig, OutboxConfig, Overflow};
use pubsub_tests::client::Client;
use pubsub_tests::raw::{HANDSHAKE, Heard, frame, malformed, subscribe};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{App, address, hasty_hub, hub, hub_with, in_time, next, spoke, until};

#[tokio::test]
async fn malformed_frames() {
    let hub = hub().await;
    let bus = spoke(address(&hub)).await;
    let mut numbers = bus.subscribe(App::NUMBER).await.expect("subscribed");
    for (number, (what, bytes, code)) in malformed().into_iter().enumerate() {
        let mut raw = Client::to(address(&hub)).await;
        raw.bytes(&bytes).await;
        assert_eq!(raw.closed().await, code, "{what}");
        bus.publish(App::NUMBER, "a", number as u64).await.expect("published");
        assert_eq!(next(&mut numbers).await.payload, number as u64, "the neighbour after {what}");
    }
    until("leave", || hub.connections().len() == 1).await;
}

#[tokio::test]
async fn binary_in_text() {
    let hub = hub().await;
    let mut raw = Client::to(address(&hub)).await;
    raw.send(Message::binary(&br#"{"type":"__ping","id":"1","payload":{}}"#[..])).await;
    assert_eq!(raw.closed().await, 4501);
}

#[tokio::test]
async fn oversized_frame() {
    let hub = hub_with(HubConfig { max_frame: 1024, ..HubConfig::default() }).await;
    let text = |bytes: usize| format!(r#"{{"type":"number","id":"a","payload":{:0>1$}}}"#, 7, bytes - 37);
    let mut raw = Client::to(address(&hub)).await;
    // In one frame that says so at once, and in fragments that are each small enough.
    raw.say(&"x".repeat(1025)).await;
    assert_eq!(raw.closed().await, 1009);
    let mut raw = Client::to(address(&hub)).await;
    for first in std::iter::once(0x01).chain(std::iter::repeat_n(0x00, 20)) {
        raw.bytes(&frame(first, &[b' '; 100])).await;
    }
    assert_eq!(raw.closed().await, 1009);
    let mut raw = Client::to(address(&hub)).await;
    raw.say(&text(1024)).await;
    let answer = raw.text().await;
    assert!(answer.contains("__error") && answer.contains("bad_request"), "{answer}");
}

/// A hub hands on what it need not understand; whoever does is told that it cannot.
#[tokio::test]
async fn nested_beyond_reason() {
    let hub = hub().await;
    let bus = spoke(address(&hub)).await;
    let mut numbers = bus.subscribe(App::NUMBER).await.expect("subscribed");
    let mut errors = bus.errors();
    let mut raw = Client::to(address(&hub)).await;
    let (open, close) = ("[".repeat(20_000), "]".repeat(20_000));
    raw.say(&format!(r#"{{"type":"number","id":"a","payload":{open}{close}}}"#)).await;
    raw.say(&format!(r#"{{"type":"__subscribe","id":"1","payload":{open}{close}}}"#)).await;
    assert_eq!(kinds(&raw.texts(1).await), ["bad_request"]);
    raw.say(r#"{"type":"number","id":"a","payload":7}"#).await;
    assert_eq!(next(&mut numbers).await.payload, 7);
    let error = in_time("error", errors.next()).await.expect("it goes on");
    assert!(matches!(error, pubsub::BusError::Undecodable(_)), "{error}");
}

#[tokio::test]
async fn too_many_errors() {
    let hub = hub().await;
    let mut raw = Client::to(address(&hub)).await;
    for _ in 0..16 {
        raw.say("no").await;
    }
    assert_eq!(raw.until_pong().await.len(), 16);
    // What was understood forgives what was not.
    for _ in 0..17 {
        raw.say("no").await;
    }
    assert_eq!(raw.closed().await, 4509);
}

#[tokio::test]
async fn stale_handshake() {
    let hub = hub_with(hasty_hub()).await;
    let mut silent = Client::to(address(&hub)).await;
    let mut wrong = Client::to(address(&hub)).await;
    wrong.say("no").await;
    assert_eq!(silent.closed().await, 4502);
    assert_eq!(wrong.closed().await, 4502);
    // One that does not even become a WebSocket.
    let mut half = tokio::net::TcpStream::connect(address(&hub)).await.expect("a connection");
    half.write_all(b"GET / HTTP/1.1\r\nHost: h").await.expect("written");
    let mut rest = Vec::new();
    in_time("end", half.read_to_end(&mut rest)).await.expect("an end");
    assert!(hub.connections().is_empty());
}

/// Each byte comes in time, and the last of them never.
#[tokio::test]
async fn slow_loris() {
    let hub = hub_with(patient_hub()).await;
    let bus = spoke(address(&hub)).await;
    let mut numbers = bus.subscribe(App::NUMBER).await.expect("subscribed");
    let head = format!("GET / HTTP/1.1\r\nHost: hub\r\nX-Slow: {}", "x".repeat(4096));
    let text = frame(0x81, &[b' '; 4096]);
    for (what, at_once, dripped, says) in
        [("a head", "", head.as_bytes(), ""), ("a first frame", HANDSHAKE, &text, "\"code\":4502")]
    {
        let slow = tokio::net::TcpStream::connect(address(&hub)).await.expect("a connection");
        let (mut answer, mut slow) = slow.into_split();
        slow.write_all(at_once.as_bytes()).await.expect("written");
        let dripping = async {
            for byte in dripped {
                if slow.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            panic!("all of {what} was taken");
        };
        let mut said = Vec::new();
        let listening = async {
            // It is reset, for what it sends is not read any more.
            while let Ok(1..) = answer.read_buf(&mut said).await {}
        };
        in_time("end", futures::future::join(dripping, listening)).await;
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(says) && said.is_empty() == says.is_empty(), "{what}: {said}");
        until("leave", || hub.connections().len() == 1).await;
        bus.publish(App::NUMBER, "a", 1).await.expect("published");
        assert_eq!(next(&mut numbers).await.payload, 1, "the neighbour after {what}");
    }
}

#[tokio::test]
async fn limits() {
    let hub =
        hub_with(HubConfig { max_topics: 3, max_types: 4, max_connections: 2, ..HubConfig::default() }).await;
    let (mut one, mut two) = (Client::to(address(&hub)).await, Client::to(address(&hub)).await);
    for topic in ["a", "b", "c:1", "c:2"] {
        one.say(&subscribe(topic)).await;
    }
    assert_eq!(kinds(&one.texts(4).await), ["__subscribed", "__subscribed", "__subscribed", "limit"]);
    for topic in ["a", "d", "e"] {
        two.say(&subscribe(topic)).await;
    }
    assert_eq!(kinds(&two.texts(3).await), ["__subscribed", "__subscribed", "limit"]);
    let mut three = Client::to(address(&hub)).await;
    assert_eq!(three.closed().await, 4504);
    let long = format!("a:{}", "x".repeat(255));
    two.say(&subscribe(&long)).await;
    assert_eq!(kinds(&two.texts(1).await), ["bad_request"]);
}

#[tokio::test]
async fn ten_thousand_subscribes() {
    let hub = hub().await;
    let bus = spoke(address(&hub)).await;
    let mut numbers = bus.subscribe(App::NUMBER.id("neighbour")).await.expect("subscribed");
    let mut raw = Client::to(address(&hub)).await;
    let (mut granted, mut refused) = (0, 0);
    for number in 0..10_000 {
        raw.say(&subscribe(&format!("number:{number}"))).await;
        match &kinds(&[raw.text().await])[..] {
            [kind] if kind == "__subscribed" => granted += 1,
            [kind] if kind == "limit" => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((granted, refused, hub.subscriptions()), (128, 9_872, 129));
    bus.publish(App::NUMBER, "neighbour", 1).await.expect("published");
    assert_eq!(next(&mut numbers).await.payload, 1);
    drop(raw);
    until("leave", || hub.subscriptions() == 1).await;
}

/// Who reads nothing answers no ping either: that is for others to find out.
fn patient_hub() -> HubConfig {
    HubConfig { ping_every: Duration::from_secs(60), ..hasty_hub() }
}

/// A hub whose queues hold little, and a client that follows everything and reads nothing.
async fn stalled(overflow: Overflow) -> (Hub, Client) {
    let outbox = OutboxConfig { bytes: 64 * 1024, hard_bytes: 128 * 1024, ..OutboxConfig::default() };
    let history = HistoryConfig { events: 16, ..HistoryConfig::default() };
    let hub = hub_with(HubConfig { outbox, overflow, history, ..patient_hub() }).await;
    let mut raw = Client::to(address(&hub)).await;
    raw.say(&subscribe("session.status")).await;
    assert_eq!(kinds(&[raw.text().await]), ["__subscribed"]);
    (hub, raw)
}

/// Publishes until the condition holds, with a neighbour that gets all of it.
async fn flood(address: SocketAddr, until: impl Fn() -> bool) -> u64 {
    let bus = spoke(address).await;
    let mut all = bus.subscribe(App::SESSION_STATUS).await.expect("subscribed");
    let big = "x".repeat(16 * 1024);
    let mut count = 0;
    while !until() {
        bus.publish(App::SESSION_STATUS, "a", crate::harness::status(&big)).await.expect("published");
        let event = next(&mut all).await;
        assert_eq!(event.missed, 0, "the neighbour lost something");
        count += 1;
        assert!(count < 100_000, "what is waited for does not come");
    }
    count
}

#[tokio::test]
async fn slow_consumer() {
    let (hub, mut raw) = stalled(Overflow::Disconnect).await;
    let slow = hub.connections().pop().expect("it is there");
    let seen = std::sync::atomic::AtomicUsize::new(0);
    flood(address(&hub), || {
        seen.fetch_max(slow.queued_bytes(), std::sync::atomic::Ordering::Relaxed);
        !slow.is_connected()
    })
    .await;
    assert!(seen.into_inner() <= 128 * 1024, "its memory is bounded");
    until("release", || hub.subscriptions() == 0).await;
    assert_eq!(hub.stats().slow_consumers, 1);
    // What its socket had taken comes before the reason.
    assert_eq!(raw.closed().await, 4002);
}

/// Slow is who makes no progress: the queue is above its bound, and stays there.
#[tokio::test]
async fn no_progress_is_slow() {
    let outbox = OutboxConfig { bytes: 64 * 1024, hard_bytes: 64 << 20, ..OutboxConfig::default() };
    let hub = hub_with(HubConfig { outbox, overflow: Overflow::Disconnect, ..patient_hub() }).await;
    let mut raw = Client::to(address(&hub)).await;
    raw.say(&subscribe("session.status")).await;
    assert_eq!(kinds(&[raw.text().await]), ["__subscribed"]);
    let slow = hub.connections().pop().expect("it is there");
    flood(address(&hub), || slow.queued_bytes() > 2 * 64 * 1024).await;
    until("the end of its time", || !slow.is_connected()).await;
    assert_eq!(raw.closed().await, 4002);
}

#[tokio::test]
async fn lag_is_a_typed_gap_and_the_loop_goes_on() {
    let (hub, mut raw) = stalled(Overflow::DropOldest).await;
    let slow = hub.connections().pop().expect("it is there");
    let full = || slow.queued_bytes() > 32 * 1024;
    let mut count = flood(address(&hub), full).await;
    let bus = spoke(address(&hub)).await;
    for _ in 0..20 {
        bus.publish(App::SESSION_STATUS, "a", crate::harness::status(&"y".repeat(16 * 1024)))
            .await
            .expect("published");
        count += 1;
    }
    assert!(slow.queued_bytes() <= 64 * 1024 + 1024, "its memory is bounded");
    let (mut got, mut missed) = (0, 0);
    while got + missed < count {
        let Heard::Text(text) = raw.hear().await else { panic!("it ended") };
        if text.starts_with(r#"{"type":"__gap""#) {
            let gap: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(gap["payload"]["reason"], "overflow");
            assert_eq!(gap["payload"]["topic"], "session.status");
            missed += gap["payload"]["missed"].as_u64().expect("a count");
        } else {
            got += 1;
        }
    }
    assert!(missed > 0 && got + missed == count, "{got} came, {missed} were missed, of {count}");
    bus.publish(App::SESSION_STATUS, "a", crate::harness::status("next")).await.expect("published");
    assert!(raw.text().await.contains("next"));
}

/// The types of messages; the code where one is an error.
fn kinds(messages: &[String]) -> Vec<String> {
    let kind = |text: &String| {
        let message: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let of = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        if message["type"] == "__error" { of(&message["payload"]["code"]) } else { of(&message["type"]) }
    };
    messages.iter().map(kind).collect()
}
