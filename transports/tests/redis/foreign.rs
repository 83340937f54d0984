//! What others publish: envelopes of any client, and garbage.

use pubsub_transports::codec::MAX_MESSAGE;
use pubsub_transports::{AddressError, DecodeError, Undecodable};

use crate::harness::{Peer, Said, Server, address, envelope};

fn errors(peer: &Peer) -> Vec<Undecodable> {
    let error = |said| match said {
        Said::Undecodable(undecodable) => Some(undecodable),
        _ => None,
    };
    peer.heard.all().into_iter().filter_map(error).collect()
}

#[tokio::test]
async fn redis_cli_publishes_and_subscribes() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    peer.subscribe(&["session.status:project-1"]).await;
    let event = r#"{"type":"session.status","id":"project-1","payload":{"state":"busy"}}"#;
    assert_eq!(server.cli(&["PUBLISH", "session.status:project-1", event]), "1");
    // In any order, with members that we do not know.
    let other = r#"{"payload": {"state":"idle"}, "extra": [1], "id":"project-1","type":"session.status"}"#;
    assert_eq!(server.cli(&["PUBLISH", "session.status:project-1", other]), "1");
    peer.heard.events(2).await;
    assert_eq!(
        peer.heard.payloads("session.status:project-1"),
        [r#"{"state":"busy"}"#, r#"{"state":"idle"}"#]
    );

    let mut raw = server.raw();
    raw.send(&[b"SUBSCRIBE", b"session.status:project-1"]);
    raw.expect(b"*3\r\n$9\r\nsubscribe\r\n$24\r\nsession.status:project-1\r\n:1\r\n");
    peer.publish("session.status", "project-1", r#"{"state":"busy"}"#).await;
    raw.expect(b"*3\r\n$7\r\nmessage\r\n$24\r\nsession.status:project-1\r\n");
    raw.expect(format!("${}\r\n{event}\r\n", event.len()).as_bytes());
}

#[tokio::test]
async fn garbage_on_redis_channel() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    peer.subscribe(&["a:1", "b"]).await;
    let huge = envelope("a", "1", &format!("\"{}\"", "x".repeat(2 << 20)));
    let large = envelope("a", "1", &format!("\"{}\"", "x".repeat(MAX_MESSAGE)));
    let cases: Vec<(&str, String, DecodeError)> = vec![
        ("a:1", "not json {".into(), DecodeError::Syntax { at: 0 }),
        ("a:1", String::new(), DecodeError::Syntax { at: 0 }),
        ("a:1", "[]".into(), DecodeError::Syntax { at: 0 }),
        ("a:1", r#"{"type":"a","id":"1"}"#.into(), DecodeError::Missing { member: "payload" }),
        ("a:1", envelope("a", "2", "1"), DecodeError::Elsewhere { member: "id" }),
        ("a:1", envelope("b", "1", "1"), DecodeError::Elsewhere { member: "type" }),
        ("a:1", envelope("__subscribe", "1", "1"), AddressError::Reserved.into()),
        ("a:1", large, DecodeError::TooLarge { size: 0, limit: MAX_MESSAGE }),
        ("a:1", huge.clone(), DecodeError::TooLarge { size: 0, limit: 1 << 20 }),
        ("b:7", envelope("b", "8", "1"), DecodeError::Elsewhere { member: "id" }),
        ("b:7", huge, DecodeError::TooLarge { size: 0, limit: 1 << 20 }),
    ];
    let mut raw = server.raw();
    for (number, (channel, message, expected)) in cases.iter().enumerate() {
        assert_eq!(raw.publish(channel.as_bytes(), message.as_bytes()), 1);
        // The next good one arrives.
        let (topic, id) = channel.split_once(':').expect("an address");
        raw.publish(channel.as_bytes(), envelope(topic, id, "7").as_bytes());
        peer.heard.events(number + 1).await;
        let errors = errors(&peer);
        assert_eq!(errors.len(), number + 1, "one each");
        let Undecodable { address: at, error, .. } = errors.last().expect("an error");
        assert_eq!(at.as_ref(), Some(&address(channel)));
        match (error, expected) {
            (DecodeError::TooLarge { limit, .. }, DecodeError::TooLarge { limit: expected, .. }) => {
                assert_eq!(limit, expected);
            }
            (DecodeError::Syntax { .. }, DecodeError::Syntax { .. }) => {}
            _ => assert_eq!(error, expected),
        }
    }
    assert_eq!(peer.heard.gaps_so_far(), 0);
}

#[tokio::test]
async fn channels_that_are_no_address() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    peer.subscribe(&["b"]).await;
    let mut raw = server.raw();
    let long = "x".repeat(300);
    raw.publish(b"b:\xff\xfe", envelope("b", "1", "1").as_bytes());
    raw.publish(format!("b:{long}").as_bytes(), envelope("b", &long, "1").as_bytes());
    raw.publish(format!("b:{}", "x".repeat(2 << 20)).as_bytes(), b"1");
    raw.publish(b"b:1", envelope("b", "1", "1").as_bytes());
    peer.heard.events(1).await;
    let errors: Vec<_> = errors(&peer).into_iter().map(|it| (it.address, it.error)).collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert_eq!(errors[0], (None, DecodeError::Elsewhere { member: "id" }));
    assert!(matches!(errors[1], (None, DecodeError::Address(_))), "{errors:?}");
    assert!(matches!(errors[2], (None, DecodeError::TooLarge { .. })), "{errors:?}");
}

#[tokio::test]
async fn a_thousand_random_messages_are_a_thousand_errors_or_events() {
    let server = Server::start();
    let peer = Peer::connect(&server.url()).await;
    peer.subscribe(&["a:1"]).await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut raw = server.raw();
    for _ in 0..1000 {
        let mut message = envelope("a", "1", "{\"x\":[1,2]}").into_bytes();
        for _ in 0..random.usize(1..8) {
            let at = random.usize(..message.len());
            message[at] = random.u8(..);
        }
        message.truncate(random.usize(..=message.len()));
        raw.publish(b"a:1", &message);
    }
    peer.heard
        .count("item each", 1000, |said| matches!(said, Said::Event { .. } | Said::Undecodable(_)))
        .await;
    raw.publish(b"a:1", envelope("a", "1", "\"last\"").as_bytes());
    peer.heard
        .count("end", 1, |said| matches!(said, Said::Event { payload, .. } if payload == "\"last\""))
        .await;
}

/// What a server has acknowledged is acknowledged, whatever it says next.
#[tokio::test]
async fn answers_before_a_goodbye_are_answers() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("redis://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        // The one that publishes comes first, then the one that subscribes.
        let mut connections = Vec::new();
        while connections.len() < 2 {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut hello = [0; 14];
            stream.read_exact(&mut hello).await.expect("a PING");
            stream.write_all(b"+PONG\r\n").await.expect("written");
            connections.push(stream);
        }
        let (mut seen, publishing) = (Vec::new(), &mut connections[0]);
        while seen.windows(7).filter(|word| word == b"PUBLISH").count() < 2 || !seen.ends_with(b"\r\n") {
            assert!(publishing.read_buf(&mut seen).await.expect("bytes") > 0);
        }
        publishing.write_all(b":1\r\n:1\r\n-ERR goodbye\r\n").await.expect("written");
        std::future::pending::<()>().await;
    });
    let peer = Peer::connect(&url).await;
    let sends = ["1", "2"].map(|payload| peer.send("a", "1", payload, pubsub_transports::Patience::Wait));
    for send in sends {
        assert_eq!(send.await, Ok(()));
    }
}

/// `npm ci` in `tests/redis/node` comes first: `tests/all` does it.
#[tokio::test]
#[ignore = "needs node and ioredis"]
async fn ioredis_publishes_and_receives() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let server = Server::start();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/redis/node");
    let mut node = std::process::Command::new("node")
        .args(["client.mjs", &server.port.to_string(), "chat:*"])
        .current_dir(directory)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("node");
    let mut lines = BufReader::new(node.stdout.take().expect("its output")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    assert_eq!(line(), "ready");
    let peer = Peer::connect(&server.url()).await;
    peer.subscribe(&["chat"]).await;
    let mut input = node.stdin.take().expect("its input");
    for (number, id) in crate::delivery::IDS.iter().enumerate() {
        let message = envelope("chat", id, "{\"text\":\"ß→🦀\"}");
        let message = serde_json::to_string(&message).expect("JSON");
        let channel = serde_json::to_string(&format!("chat:{id}")).expect("JSON");
        // Out: what we publish is what it gets.
        peer.publish("chat", id, "{\"text\":\"ß→🦀\"}").await;
        let seen: serde_json::Value = serde_json::from_str(&line()).expect("JSON");
        assert_eq!(seen["channel"], format!("chat:{id}"));
        let event: serde_json::Value =
            serde_json::from_str(seen["message"].as_str().expect("text")).expect("JSON");
        assert_eq!(event, serde_json::json!({"type": "chat", "id": id, "payload": {"text": "ß→🦀"}}));
        // In: what it publishes is what we get.
        writeln!(input, "{{\"channel\":{channel},\"message\":{message}}}").expect("written");
        peer.heard.events(2 * (number + 1)).await;
        assert_eq!(peer.heard.payloads(&format!("chat:{id}")), ["{\"text\":\"ß→🦀\"}"; 2]);
        line();
    }
    drop(input);
    assert!(node.wait().expect("it ends").success());
}
