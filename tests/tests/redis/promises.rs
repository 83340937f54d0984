//! What holds as long as nothing fails.

use pubsub::prelude::*;
use pubsub::{
    Address, All, BusError, DecodeError, Delivery, ErrorCode, EventId, PublishError, Redis, SubscribeError,
};

use crate::harness::{App, Server, Status, bus, in_time, next};

fn status(state: &str) -> Status {
    Status { state: state.into() }
}

#[tokio::test]
async fn an_event_goes_to_the_other_bus_and_back_to_its_own() {
    let server = Server::start();
    let (here, there) = (bus(&server).await, bus(&server).await);
    let mut own = here.subscribe(App::SESSION_STATUS.id("project-1")).await.expect("subscribed");
    let mut other = there.subscribe(All).await.expect("subscribed");
    let id = EventId::now_v7();
    here.publish(App::SESSION_STATUS, "project-1", status("busy")).event_id(id).await.expect("published");
    here.publish(App::SESSION_STATUS, "project-2", status("lost")).await.expect("published");
    here.publish(App::TEXT, &7, "hello".to_owned()).await.expect("published");
    here.publish(App::SESSION_STATUS, "project-1", status("idle")).await.expect("published");
    let event = next(&mut own).await;
    assert_eq!((&*event.id, event.event_id(), &event.payload), ("project-1", Some(id), &status("busy")));
    assert_eq!(next(&mut own).await.payload, status("idle"));
    let seen = [next(&mut other).await, next(&mut other).await, next(&mut other).await]
        .map(|event| event.payload.clone());
    let expected =
        [App::SessionStatus(status("busy")), App::SessionStatus(status("lost")), App::Text("hello".into())];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_bytes_are_those_of_the_book() {
    let server = Server::start();
    let bus = PubSub::<App>::new(
        Redis::builder().prefix("shop:").connect(server.url()).await.expect("a connection"),
    );
    let mut raw = server.raw();
    raw.send(&[b"SUBSCRIBE", b"shop:session.status:project-1"]);
    raw.expect(b"*3\r\n$9\r\nsubscribe\r\n$29\r\nshop:session.status:project-1\r\n:1\r\n");
    let id = EventId::derive("test", ["1"]);
    bus.publish(App::SESSION_STATUS, "project-1", status("busy")).event_id(id).await.expect("published");
    let message = format!(
        r#"{{"type":"session.status","id":"project-1","eventId":"{id}","payload":{{"state":"busy"}}}}"#
    );
    raw.expect(b"*3\r\n$7\r\nmessage\r\n$29\r\nshop:session.status:project-1\r\n");
    raw.expect(format!("${}\r\n{message}\r\n", message.len()).as_bytes());
}

#[tokio::test]
async fn one_bus_gets_an_event_once_in_each_subscription() {
    let server = Server::start();
    let bus = bus(&server).await;
    let mut one = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    let mut whole = bus.subscribe(App::NUMBER).await.expect("subscribed");
    let mut several = bus.subscribe((App::NUMBER.id("a"), App::TEXT)).await.expect("subscribed");
    for number in 0..100 {
        bus.publish(App::NUMBER, "a", number).await.expect("published");
    }
    for number in 0..100 {
        assert_eq!(next(&mut one).await.payload, number);
        assert_eq!(next(&mut whole).await.payload, number);
        next(&mut several).await;
    }
    assert!(one.is_empty() && whole.is_empty() && several.is_empty());
}

/// R9: however many follow a channel here, the server is asked once, and told once when the last has left.
#[tokio::test]
async fn ten_thousand_subscriptions_are_one_at_the_server() {
    let server = Server::start();
    let bus = bus(&server).await;
    let mut all = Vec::new();
    for _ in 0..10_000 {
        all.push(bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed"));
    }
    bus.publish(App::NUMBER, "a", 7).await.expect("published");
    for subscription in &mut all {
        assert_eq!(next(subscription).await.payload, 7);
    }
    let calls = |command: &str| {
        let stats = server.cli(&["INFO", "commandstats"]);
        let line = stats.lines().find(|line| line.starts_with(&format!("cmdstat_{command}:")));
        line.map(|line| line.split(',').next().unwrap_or_default().to_owned())
    };
    assert_eq!(calls("subscribe").as_deref(), Some("cmdstat_subscribe:calls=1"));
    let last = all.pop();
    drop(all);
    // Answers come in order: whatever was asked for before is done.
    drop(bus.subscribe(App::RESTART.id("x")).await.expect("subscribed"));
    assert!(server.followed().0.contains(&"number:a".to_owned()));
    drop(last);
    drop(bus.subscribe(App::RESTART.id("y")).await.expect("subscribed"));
    assert!(!server.followed().0.contains(&"number:a".to_owned()));
}

#[tokio::test]
async fn what_does_not_fit_is_an_error_beside_the_events() {
    let server = Server::start();
    let bus = bus(&server).await;
    let mut errors = bus.errors();
    let mut numbers = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    for (message, is) in [
        ("not json {", (|error| matches!(error, DecodeError::Syntax { .. })) as fn(&DecodeError) -> bool),
        (r#"{"type":"number","id":"a","payload":"seven"}"#, |error| {
            matches!(error, DecodeError::Payload { .. })
        }),
        (r#"{"type":"number","id":"b","payload":7}"#, |error| matches!(error, DecodeError::Elsewhere { .. })),
        (r#"{"type":"__ping","id":"a","payload":7}"#, |error| matches!(error, DecodeError::Address(_))),
    ] {
        server.cli(&["PUBLISH", "number:a", message]);
        server.cli(&["PUBLISH", "number:a", r#"{"type":"number","id":"a","payload":7}"#]);
        let mut deliveries = numbers.deliveries();
        let Some(Delivery::Undecodable(undecodable)) = in_time("delivery", deliveries.next()).await else {
            panic!("no error for {message}")
        };
        assert!(is(&undecodable.error), "{message}: {undecodable:?}");
        let Some(Delivery::Event(event)) = in_time("delivery", deliveries.next()).await else {
            panic!("no event after {message}")
        };
        assert_eq!(event.payload, 7);
        let error = in_time("error", errors.next()).await.expect("an error");
        assert!(matches!(error, BusError::Undecodable(ref same) if *same == undecodable), "{error:?}");
    }
    assert_eq!(bus.error_count(), 4);
}

#[tokio::test]
async fn what_the_server_does_not_allow_comes_back_typed() {
    let server = Server::with(&["--user", "me", "on", ">pw", "+@all", "resetchannels", "&number:*"]);
    let redis = Redis::builder().credentials("me", "pw").connect(server.url()).await.expect("a connection");
    let bus = PubSub::<App>::new(redis);
    let mut numbers = bus.subscribe(App::NUMBER).await.expect("subscribed");
    let Err(SubscribeError::Rejected(rejection)) = bus.subscribe(App::TEXT).await.map(drop) else {
        panic!("not rejected")
    };
    assert_eq!(rejection.code(), &ErrorCode::Denied);
    let error = bus.publish(App::TEXT, &7, "hello".into()).await.expect_err("rejected");
    assert!(matches!(error, PublishError::Rejected(..)), "{error:?}");
    assert_eq!(error.into_event().into_payload(), "hello");
    bus.publish(App::TEXT, &7, "hello".into()).now().expect("taken");
    let mut errors = bus.errors();
    bus.publish(App::NUMBER, "a", 1).await.expect("published");
    assert_eq!(next(&mut numbers).await.payload, 1);
    loop {
        match in_time("error", errors.next()).await.expect("an error") {
            BusError::NotSent { topic, id, .. } => break assert_eq!((topic.as_str(), &*id), ("text", "7")),
            BusError::SubscriptionRejected { address, .. } => {
                assert_eq!(address, Address::whole("text").expect("one"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn closing_brings_home_what_was_taken_and_leaves_nothing_behind() {
    let server = Server::start();
    let bus = bus(&server).await;
    let mut numbers = bus.subscribe(App::NUMBER).await.expect("subscribed");
    for number in 0..500 {
        bus.publish(App::NUMBER, "a", number).now().expect("taken");
    }
    let reading = async {
        let mut seen = Vec::new();
        while let Some(event) = numbers.next().await {
            seen.push(event.payload);
        }
        seen
    };
    let closing = bus.close();
    let (seen, report) = in_time("end", async { tokio::join!(reading, closing) }).await;
    assert_eq!(seen, (0..500).collect::<Vec<_>>());
    assert_eq!(report.unsent, 0);
    assert_eq!(server.followed(), (vec![], 0));
    assert_eq!(server.cli(&["CLIENT", "LIST"]).lines().count(), 1, "only redis-cli is connected");
}

#[tokio::test]
async fn a_slow_subscriber_loses_its_own_oldest_events_and_knows_how_many() {
    let server = Server::start();
    let bus = bus(&server).await;
    let slow = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    let mut quick = bus.subscribe(App::NUMBER.id("a")).bound(10_000).await.expect("subscribed");
    let publisher = bus.publisher(App::NUMBER, "a");
    for number in 0..5000 {
        publisher.publish(number).await.expect("published");
        assert_eq!(next(&mut quick).await.payload, number);
    }
    let mut slow = slow;
    let first = next(&mut slow).await;
    assert_eq!((first.missed, first.payload), (5000 - 1024, 5000 - 1024));
    assert_eq!(slow.missed(), 5000 - 1024);
}
