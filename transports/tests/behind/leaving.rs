//! What is refused after it was live, who leaves before it is, and what one client's past costs the others.

use std::time::Duration;

use pubsub_transports::redis::Retention;
use pubsub_transports::websocket::{HistoryConfig, Hub, HubConfig};
use serde_json::{Value, json};

use super::bus::Bus;
use super::harness::recorder::Said;
use super::harness::{Client, DEADLINE, Server, event, hub, hub_with, in_time, until};

/// Whether somebody waits for entries: the last that one who waits for nothing has said is a PING.
fn reads(server: &Server) -> bool {
    server.cli(&["CLIENT", "LIST"]).contains("cmd=xread")
}

#[tokio::test]
async fn what_is_refused_after_it_was_live_is_told_to_all_who_followed_it() {
    let server = Server::start();
    let hub = hub(&server).await;
    let bus = Bus::of(&hub);
    bus.subscribe("chat").await;
    bus.subscribe("chat:b").await;
    let mut client = Client::connect(&hub).await;
    // The first is absorbed by the second.
    client.subscribe("chat:a").await;
    client.subscribe("chat").await;
    client.publish("chat", "a", 1, 1).await;
    assert_eq!(client.event().await, (1, 1));
    server.cli(&["SET", "{chat}", "no stream"]);
    let mut withdrawn: Vec<String> = Vec::new();
    for _ in 0..2 {
        let told = client.answer("__unsubscribed").await;
        assert_eq!(told["code"], json!("internal"), "{told}");
        withdrawn.push(told["topic"].as_str().expect("text").to_owned());
    }
    withdrawn.sort();
    assert_eq!(withdrawn, ["chat", "chat:a"]);
    for address in ["chat", "chat:b"] {
        let is_refused = |said: &Said| matches!(said, Said::Refused(refused, _) if refused == address);
        bus.heard.count("refusal", 1, is_refused).await;
    }
    // Who asks again is answered.
    server.cli(&["DEL", "{chat}"]);
    client.subscribe("chat").await;
    bus.subscribe("chat").await;
    client.publish("chat", "a", 2, 2).await;
    assert_eq!(client.event().await, (1, 2));
    bus.heard.events(2).await;
    hub.close().await;
}

#[tokio::test]
async fn who_leaves_while_redis_is_asked_leaves_nothing_behind() {
    let server = Server::start();
    let hub = hub(&server).await;
    server.signal("STOP");
    let mut leaving = Client::connect(&hub).await;
    leaving.command("__subscribe", &json!({"topic": "chat"})).await;
    let bus = Bus::of(&hub);
    bus.ask("other");
    until("it is asked for", || hub.stats().topics.len() == 2).await;
    drop((leaving, bus));
    until("nobody", || hub.connections().is_empty()).await;
    server.signal("CONT");
    // What comes after it is answered, since Redis is asked for one after the other.
    let mut client = Client::connect(&hub).await;
    client.subscribe("last").await;
    client.publish("last", "a", 1, 1).await;
    assert_eq!(client.event().await, (1, 1));
    client.command("__unsubscribe", &json!({"topic": "last"})).await;
    client.answer("__unsubscribed").await;
    until("nothing is read", || !reads(&server)).await;
    hub.close().await;
}

#[tokio::test]
async fn what_one_client_has_missed_holds_up_no_other() {
    let server = Server::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let config = HubConfig {
        history: HistoryConfig { events: 10, ..HistoryConfig::default() },
        ..HubConfig::default()
    };
    // Nobody who waits for that would be answered in this test.
    let hub =
        hub_with(&server, Retention::default(), config.clone(), |it| it.guard_timeout(2 * DEADLINE)).await;
    let mut client = Client::connect(&hub).await;
    let epoch = client.subscribe("chat").await["epoch"].clone();
    for number in 1..=30 {
        client.publish("chat", "a", number, number).await;
    }
    server.kill();
    let mut behind = Client::connect(&hub).await;
    behind.command("__subscribe", &json!({"topic": "chat", "since": {"epoch": epoch, "offset": 1}})).await;
    // It waits for Redis; those who need nothing of it do not.
    let mut other = Client::connect(&hub).await;
    let answer = other.subscribe("chat").await;
    assert_eq!(answer["offset"], 30);
    let mut near = Client::connect(&hub).await;
    let answer = near.subscribe_after("chat", &epoch, 28).await;
    assert_eq!((&answer["recovered"], &answer["replay"]), (&json!(true), &json!(2)), "{answer}");
    server.restart();
    hub.close().await;
}

/// What is answered where Redis was fast enough.
async fn subscribed(hub: &Hub, since: Option<(&Value, u64)>) -> (Client, Value) {
    let since = since.map(|(epoch, offset)| json!({"epoch": epoch, "offset": offset}));
    let subscribing = async {
        loop {
            let mut client = Client::connect(hub).await;
            client.command("__subscribe", &json!({"topic": "chat", "since": since})).await;
            let mut answer = client.next().await;
            if answer["type"] == "__subscribed" {
                return (client, answer["payload"].take());
            }
        }
    };
    in_time("subscription", subscribing).await
}

#[tokio::test]
async fn what_cannot_be_had_in_time_is_a_gap_and_had_again_later() {
    let server = Server::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let history = HistoryConfig { events: 100, ..HistoryConfig::default() };
    let config = HubConfig { history, ..HubConfig::default() };
    let set = |it: pubsub_transports::websocket::HubBuilder| it.guard_timeout(Duration::from_secs(2));
    let one = hub_with(&server, Retention::default(), config.clone(), |it| it).await;
    let mut publisher = Client::connect(&one).await;
    let epoch = publisher.subscribe("chat").await["epoch"].clone();
    for number in 1..=20 {
        publisher.publish("chat", "a", number, number).await;
    }
    // This one has nothing of what was before.
    let other = hub_with(&server, Retention::default(), config, set).await;
    let _live = subscribed(&other, None).await;
    server.signal("STOP");
    let mut late = Client::connect(&other).await;
    let answer = late.subscribe_after("chat", &epoch, 5).await;
    assert_eq!((&answer["recovered"], &answer["gap"]), (&json!(false), &json!("evicted")), "{answer}");
    server.signal("CONT");
    // The answer comes late, and then it is there.
    let recovered = async {
        loop {
            let (_client, answer) = subscribed(&other, Some((&epoch, 5))).await;
            if answer["recovered"] == json!(true) {
                return answer;
            }
        }
    };
    assert_eq!(in_time("recovery", recovered).await["replay"], 15);
    one.close().await;
    other.close().await;
}

/// It is told at once, and counted: not with the next event.
#[tokio::test]
async fn what_nobody_can_read_is_a_gap_and_counted() {
    let server = Server::start();
    let small = HubConfig { max_frame: 2048, ..HubConfig::default() };
    let large = hub(&server).await;
    let hub = hub_with(&server, Retention::forever(), small, |it| it).await;
    let mut client = Client::connect(&hub).await;
    let epoch = client.subscribe("chat").await["epoch"].clone();
    server.cli(&["XADD", "{chat}", "*", "id", "a", "event", "garbage"]);
    let gap = client.answer("__gap").await;
    assert_eq!((&gap["missed"], &gap["offset"], &gap["reason"]), (&json!(1), &json!(1), &json!("evicted")));
    // One that another hub could give its clients.
    let mut publisher = Client::connect(&large).await;
    let mut message = event("chat", "a", 2, 2);
    message["payload"] = json!("x".repeat(4096));
    publisher.send(&message).await;
    publisher.answer("__published").await;
    assert_eq!(client.answer("__gap").await["offset"], 2);
    until("it is counted", || hub.stats().undecodable == 2).await;
    // Who has seen that one there has missed nothing here.
    let mut moved = Client::connect(&hub).await;
    let answer = moved.subscribe_after("chat", &epoch, 2).await;
    assert_eq!(answer["recovered"], true, "{answer}");
    large.close().await;
    hub.close().await;
}
