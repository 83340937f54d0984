//! `tail` and `publish` with clients of others: redis-cli, and ioredis. Those of a WebSocket are in `tests/tests/web/javascript`.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Lines, Running, Server, event, publish};

#[test]
fn redis_cli_hears_what_is_published_and_what_it_publishes_is_tailed() {
    let redis = Server::start();
    let mut tail = Running::tail(&[&redis.url(), "--prefix", "app:", "chat"]);
    let mut cli = Command::new("redis-cli")
        .args(["-p", &redis.port.to_string(), "SUBSCRIBE", "app:chat:lobby"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-cli");
    let mut heard = Lines::of(cli.stdout.take().expect("its output"));
    for line in ["subscribe", "app:chat:lobby", "1"] {
        assert_eq!(heard.next(), line);
    }
    publish(&[&redis.url(), "--prefix", "app:", "chat", "lobby", r#"{"text":"ß→🦀"}"#]);
    assert_eq!((heard.next(), heard.next()), ("message".to_owned(), "app:chat:lobby".to_owned()));
    let envelope = heard.next();
    assert_eq!(event(&envelope), ("chat".into(), "lobby".into(), json!({"text": "ß→🦀"})));
    assert_eq!(event(&tail.line()), event(&envelope));
    let other = r#"{"payload":[1, 2],"id":"x:y","extra":0,"type":"chat"}"#;
    redis.cli(&["PUBLISH", "app:chat:x:y", other]);
    assert_eq!(event(&tail.line()), ("chat".into(), "x:y".into(), json!([1, 2])));
    redis.cli(&["PUBLISH", "app:chat:x:y", "not json {"]);
    tail.says("no event");
    redis.kill();
    tail.says("reconnecting");
    redis.restart();
    tail.says("gap");
    redis.cli(&["PUBLISH", "app:chat:x:y", other]);
    tail.line();
    tail.signal("INT");
    assert_eq!(tail.end().code, 0);
    let _ = cli.kill();
    let _ = cli.wait();
}

/// `npm ci` in `transports/tests/redis/node` comes first: `tests/all` does it.
#[test]
#[ignore = "needs node and ioredis"]
fn ioredis_hears_what_is_published_and_what_it_publishes_is_tailed() {
    let redis = Server::start();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../transports/tests/redis/node");
    let mut node = Command::new("node")
        .args(["client.mjs", &redis.port.to_string(), "chat:*"])
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    let mut heard = Lines::of(node.stdout.take().expect("its output"));
    assert_eq!(heard.next(), "ready");
    let mut tail = Running::tail(&[&redis.url(), "chat"]);
    publish(&[&redis.url(), "chat", "lobby", r#"{"text":"ß→🦀"}"#]);
    let message: Value = serde_json::from_str(&heard.next()).expect("JSON");
    assert_eq!(message["channel"], "chat:lobby");
    let envelope = message["message"].as_str().expect("text");
    assert_eq!(event(envelope), ("chat".into(), "lobby".into(), json!({"text": "ß→🦀"})));
    assert_eq!(event(&tail.line()), event(envelope));
    let own = json!({"type": "chat", "id": "x:y", "payload": [1, 2]}).to_string();
    let mut input = node.stdin.take().expect("its input");
    writeln!(input, "{}", json!({"channel": "chat:x:y", "message": own})).expect("written");
    assert_eq!(event(&tail.line()), ("chat".into(), "x:y".into(), json!([1, 2])));
    drop(input);
    assert!(node.wait().expect("it ends").success());
}
