//! `pubsub hub`, alone and several behind one Redis, with `tail` and `publish` at them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{DEADLINE, Hub, Lines, Running, Server, event, publish};

#[test]
fn an_event_goes_from_publish_through_a_hub_to_tail_to_the_letter() {
    let mut hub = Hub::start(&[]);
    let mut tail = Running::tail(&[&hub.url(), "chat:lobby", "session.status"]);
    // Members in their order, a number that no float holds, and one twice.
    let payload = r#"{"z":12345678901234567890123,"a":1e400,"z":[]}"#;
    publish(&[&hub.url(), "chat", "elsewhere", "1"]);
    publish(&[&hub.url(), "chat", "lobby", payload]);
    publish(&[&hub.url(), "session.status", "", "{\n \"state\": \"busy\"\r\n}"]);
    let line = tail.line();
    assert!(line.contains(&format!(r#""payload":{payload}"#)), "{line}");
    let (topic, id, payload) = event(&tail.line());
    assert_eq!((&*topic, &*id, payload), ("session.status", "", json!({"state": "busy"})));
    let ended = hub.terminate();
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
    // It goes on until it is interrupted.
    tail.says("reconnecting");
    tail.signal("INT");
    let ended = tail.end();
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 2));
}

#[test]
fn a_payload_comes_from_stdin_and_an_event_that_is_known_comes_once() {
    let hub = Hub::start(&[]);
    let mut tail = Running::tail(&["--count", "2", &hub.url(), "chat"]);
    for payload in ["1", "2", "3"] {
        let id = "00000000-0000-4000-8000-00000000000".to_owned() + if payload == "3" { "2" } else { "1" };
        let arguments = ["publish", &hub.url(), "chat", "a", "-", "--event-id", &id];
        let mut command = crate::harness::pubsub(&arguments);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("it starts");
        child.stdin.take().expect("its input").write_all(payload.as_bytes()).expect("written");
        assert!(child.wait().expect("it ends").success());
    }
    assert_eq!((event(&tail.line()).2, event(&tail.line()).2), (json!(1), json!(3)));
    assert_eq!(tail.end().code, 0, "after as many as it counts");
}

#[test]
fn two_hubs_behind_one_redis_are_one_and_who_was_at_a_killed_one_misses_nothing() {
    let redis = Server::start();
    let behind = ["--redis", &redis.url(), "--prefix", "app:"];
    let (mut here, there) = (Hub::start(&behind), Hub::start(&behind));
    let mut tail = Running::tail(&[&here.url(), "chat"]);
    publish(&[&there.url(), "chat", "a", "1"]);
    assert_eq!(event(&tail.line()), ("chat".into(), "a".into(), json!(1)));
    here.kill();
    tail.says("reconnecting");
    for number in 2..=50 {
        publish(&[&there.url(), "chat", "a", &number.to_string()]);
    }
    here.restart();
    for number in 2..=50 {
        assert_eq!(event(&tail.line()).2, json!(number));
    }
    publish(&[&here.url(), "chat", "a", "51"]);
    assert_eq!(event(&tail.line()).2, json!(51));
    // The same as hubs see it, by Redis itself.
    let mut streams = Running::tail(&[&redis.url(), "--streams", "--prefix", "app:", "chat"]);
    publish(&[&redis.url(), "--streams", "--prefix", "app:", "chat", "b", "52"]);
    for tail in [&mut tail, &mut streams] {
        assert_eq!(event(&tail.line()), ("chat".into(), "b".into(), json!(52)));
    }
    // Channels are something else.
    assert_eq!(redis.cli(&["XLEN", "app:{chat}"]), "53", "with the entry that begins it");
    tail.signal("INT");
    let ended = tail.end();
    assert!(!ended.stderr.contains("gap"), "{}", ended.stderr);
}

/// It has no connection of the hub yet, and is no reason to wait.
#[test]
fn who_has_sent_half_of_a_request_does_not_keep_a_hub_from_ending() {
    let mut hub = Hub::start(&[]);
    let mut half = TcpStream::connect(hub.address()).expect("connected");
    half.write_all(b"GET /ws HT").expect("written");
    let mut tail = Running::tail(&["--count", "1", &hub.url(), "chat"]);
    publish(&[&hub.url(), "chat", "a", "1"]);
    tail.line();
    assert_eq!(hub.terminate().code, 0);
}

/// As fast as a slow network, and never done: neither a byte in time nor a good neighbour lets them stay.
#[test]
fn who_does_not_come_to_the_end_of_a_request_is_let_go() {
    let hub = Hub::start(&["--handshake-seconds", "0.5"]);
    let mut tail = Running::tail(&[&hub.url(), "chat"]);
    let connect = || TcpStream::connect(hub.address()).expect("connected");
    let head = b"GET /ws HTTP/1.1\r\nHost: hub\r\nX-Slow: ";
    let halves: Vec<_> = (0..=head.len())
        .map(|bytes| {
            let mut half = connect();
            half.write_all(&head[..bytes]).expect("written");
            half
        })
        .collect();
    let drips: Vec<_> = (0..8)
        .map(|_| {
            let mut drip = connect();
            std::thread::spawn(move || {
                let deadline = Instant::now() + DEADLINE;
                for byte in head.iter().chain(std::iter::repeat(&b'x')) {
                    if drip.write_all(&[*byte]).is_err() {
                        return;
                    }
                    assert!(Instant::now() < deadline, "it drips on");
                    std::thread::sleep(Duration::from_millis(20));
                }
            })
        })
        .collect();
    for mut half in halves {
        half.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        // Some are told why.
        let ended = half.read_to_end(&mut Vec::new());
        assert!(!matches!(&ended, Err(error) if error.kind() == ErrorKind::WouldBlock), "it stays");
    }
    for drip in drips {
        drip.join().expect("it was let go");
    }
    // One who came before them, and one after.
    publish(&[&hub.url(), "chat", "a", "1"]);
    assert_eq!(event(&tail.line()).2, json!(1));
}

/// A WebSocket and an event stream have asked in time, and stay.
#[test]
fn who_is_let_in_stays_longer_than_one_may_ask() {
    let hub = Hub::start(&["--handshake-seconds", "0.3"]);
    let mut tail = Running::tail(&[&hub.url(), "chat"]);
    let mut reader = TcpStream::connect(hub.address()).expect("connected");
    reader.write_all(b"GET /sse?topic=chat HTTP/1.1\r\nHost: hub\r\n\r\n").expect("written");
    let mut lines = Lines::of(reader);
    lines.until("200 OK");
    // As long as this one, which came last.
    let mut half = TcpStream::connect(hub.address()).expect("connected");
    half.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    assert_eq!(half.read(&mut [0]).expect("an end"), 0);
    publish(&[&hub.url(), "chat", "a", "1"]);
    assert_eq!(event(&tail.line()).2, json!(1));
    lines.until("event: chat");
    tail.signal("INT");
    // Nor has it gone and come back.
    assert_eq!(tail.end().stderr, "pubsub: following\n");
}

#[test]
fn who_hears_that_it_listens_may_end_it() {
    for _ in 0..20 {
        assert_eq!(Hub::start(&[]).terminate().code, 0);
    }
}
