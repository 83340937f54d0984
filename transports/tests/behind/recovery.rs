//! What is the same at each of the hubs: who gets what, at which place, and what a client that moves gets there.

use pubsub_transports::redis::{Redis, Retention};
use pubsub_transports::websocket::{BehindError, Hub, HubConfig, Identity};
use pubsub_transports::{ErrorCode, Rejection};
use serde_json::json;

use super::harness::{Client, Server, hub, hub_with, until, uuid};

#[tokio::test]
async fn what_is_published_at_one_comes_at_all_with_the_same_place() {
    let server = Server::start();
    let (one, other) = (hub(&server).await, hub(&server).await);
    let (mut here, mut there) = (Client::connect(&one).await, Client::connect(&other).await);
    let begin = here.subscribe("chat").await;
    assert_eq!(there.subscribe("chat:lobby").await["epoch"], begin["epoch"]);
    assert_eq!(begin["offset"], 0);

    let mut publisher = Client::connect(&one).await;
    for number in 1..=20 {
        assert_eq!(publisher.publish("chat", "lobby", number, number).await, number);
    }
    for number in 1..=20 {
        assert_eq!(here.event().await, (number, number));
        assert_eq!(there.event().await, (number, number));
    }
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_client_that_moves_gets_what_it_missed() {
    let server = Server::start();
    let (one, other) = (hub(&server).await, hub(&server).await);
    let mut client = Client::connect(&one).await;
    let begin = client.subscribe("chat").await;
    let mut publisher = Client::connect(&one).await;
    publisher.publish("chat", "a", 1, 1).await;
    assert_eq!(client.event().await, (1, 1));
    drop(client);
    for number in 2..=9 {
        publisher.publish("chat", if number % 2 == 0 { "a" } else { "b" }, number, number).await;
    }

    // Nobody followed it there before.
    let mut client = Client::connect(&other).await;
    let answer = client.subscribe_after("chat", &begin["epoch"], 1).await;
    assert_eq!((&answer["recovered"], &answer["replay"]), (&json!(true), &json!(8)), "{answer}");
    for number in 2..=9 {
        assert_eq!(client.event().await, (number, number));
    }
    publisher.publish("chat", "a", 10, 10).await;
    assert_eq!(client.event().await, (10, 10));

    // Somebody did, and with less of the past.
    let mut single = Client::connect(&other).await;
    let answer = single.subscribe_after("chat:a", &begin["epoch"], 0).await;
    assert_eq!((&answer["recovered"], &answer["replay"]), (&json!(true), &json!(6)), "{answer}");
    for number in [1, 2, 4, 6, 8, 10] {
        assert_eq!(single.event().await, (number, number));
    }
    one.close().await;
    other.close().await;
}

/// What comes says what came before it, also where the past was brought later than it.
#[tokio::test]
async fn a_past_that_comes_later_leaves_no_holes() {
    let server = Server::start();
    let (one, other) = (hub(&server).await, hub(&server).await);
    let mut publisher = Client::connect(&one).await;
    for number in 1..=4 {
        publisher.publish("chat", ["a", "b"][number as usize % 2], number, number).await;
    }
    let mut live = Client::connect(&other).await;
    let begin = live.subscribe("chat:a").await;
    assert_eq!(begin["offset"], 4);
    for number in 5..=8 {
        publisher.publish("chat", ["a", "b"][number as usize % 2], number, number).await;
    }
    assert_eq!(live.event().await, (6, 6));
    assert_eq!(live.event().await, (8, 8));
    for (topic, since, expected) in [
        ("chat:a", 2, vec![(4, 2), (6, 4), (8, 6)]),
        ("chat:b", 3, vec![(5, 3), (7, 5)]),
        ("chat:c", 1, vec![]),
    ] {
        let mut client = Client::connect(&other).await;
        let answer = client.subscribe_after(topic, &begin["epoch"], since).await;
        assert_eq!(answer["recovered"], true, "{topic}: {answer}");
        let mut known = since;
        for (offset, after) in expected {
            let event = client.next().await;
            assert_eq!(
                (&event["offset"], &event["after"]),
                (&json!(offset), &json!(after)),
                "{topic}: {event}"
            );
            assert!(after <= known, "{topic}");
            known = offset;
        }
    }
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn history_evicted_says_so() {
    let server = Server::start();
    let config = HubConfig::default();
    let (one, other) = (
        hub_with(&server, Retention::forever(), config.clone(), |it| it).await,
        hub_with(&server, Retention::forever(), config, |it| it).await,
    );
    let mut publisher = Client::connect(&one).await;
    let epoch = publisher.subscribe("chat").await["epoch"].clone();
    publisher.command("__unsubscribe", &json!({"topic": "chat"})).await;
    publisher.answer("__unsubscribed").await;
    for number in 1..=10 {
        publisher.publish("chat", "a", number, number).await;
    }
    assert_eq!(server.cli(&["XTRIM", "{chat}", "MAXLEN", "4"]), "7");
    let mut client = Client::connect(&other).await;
    let answer = client.subscribe_after("chat", &epoch, 2).await;
    assert_eq!((&answer["recovered"], &answer["gap"]), (&json!(false), &json!("evicted")), "{answer}");
    assert_eq!(answer["missed"], 8);
    // What is left of it is there.
    let mut client = Client::connect(&other).await;
    let answer = client.subscribe_after("chat", &epoch, 6).await;
    assert_eq!((&answer["recovered"], &answer["replay"]), (&json!(true), &json!(4)), "{answer}");
    one.close().await;
    other.close().await;
}

/// Of what a client says to know from elsewhere, and nobody has.
#[tokio::test]
async fn a_position_that_never_comes_is_waited_for_in_vain() {
    let server = Server::start();
    let hub = hub_with(&server, Retention::default(), HubConfig::default(), |it| {
        it.guard_timeout(std::time::Duration::from_secs(2))
    })
    .await;
    let mut client = Client::connect(&hub).await;
    let epoch = client.subscribe("chat").await["epoch"].clone();
    let mut liar = Client::connect(&hub).await;
    let answer = liar.subscribe_after("chat", &epoch, 1000).await;
    assert_eq!((&answer["recovered"], &answer["gap"]), (&json!(false), &json!("epoch")), "{answer}");
    // Nobody else waits for that.
    let mut other = Client::connect(&hub).await;
    assert_eq!(other.subscribe_after("chat", &epoch, 0).await["recovered"], true);
    hub.close().await;
}

#[tokio::test]
async fn redis_is_asked_only_for_what_clients_want() {
    let server = Server::start();
    let hub = hub(&server).await;
    let readers = || server.cli(&["CLIENT", "LIST"]).matches("cmd=xread").count();
    assert_eq!(readers(), 0);
    let mut client = Client::connect(&hub).await;
    let mut publisher = Client::connect(&hub).await;
    publisher.publish("other", "a", 1, 1).await;
    assert_eq!(hub.stats().topics.iter().filter(|topic| topic.offset > 0).count(), 0, "nobody asked for it");
    client.subscribe("chat:a").await;
    until("a read", || readers() == 1).await;
    client.command("__unsubscribe", &json!({"topic": "chat:a"})).await;
    client.answer("__unsubscribed").await;
    until("none", || readers() == 0).await;
    // One that leaves without a word.
    client.subscribe("chat").await;
    until("a read", || readers() == 1).await;
    drop(client);
    until("none", || readers() == 0).await;
    hub.close().await;
}

#[tokio::test]
async fn an_event_that_is_sent_again_elsewhere_is_accepted_once() {
    let server = Server::start();
    let (one, other) = (hub(&server).await, hub(&server).await);
    let (mut here, mut there) = (Client::connect(&one).await, Client::connect(&other).await);
    assert_eq!(here.publish("chat", "a", 7, 1).await, 1);
    assert_eq!(there.publish("chat", "a", 7, 1).await, 1);
    // The same event id for another address is another event.
    assert_eq!(there.publish("chat", "b", 7, 2).await, 2);
    assert_eq!(server.cli(&["XLEN", "{chat}"]), "3", "the beginning and two events");
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn event_ids_are_forgotten_by_number() {
    let server = Server::start();
    let mut config = HubConfig::default();
    config.history.ids = 2;
    let hub = hub_with(&server, Retention::default(), config, |it| it).await;
    let mut client = Client::connect(&hub).await;
    for number in 1..=3 {
        client.publish("chat", "a", number, number).await;
    }
    assert_eq!(server.cli(&["HLEN", "{chat}:ids"]), "2");
    assert_eq!(server.cli(&["LLEN", "{chat}:order"]), "2");
    assert_eq!(client.publish("chat", "a", 3, 3).await, 3);
    assert_eq!(client.publish("chat", "a", 1, 1).await, 4);
    hub.close().await;
}

#[tokio::test]
async fn identities_reach_each_other_across_hubs() {
    let server = Server::start();
    let direct = HubConfig { direct: ["inbox".into()].into(), ..HubConfig::default() };
    let open = async || {
        hub_with(&server, Retention::default(), direct.clone(), |it| {
            it.authenticate(|token| async move {
                Identity::new(token.0).map_err(|_| Rejection::new(ErrorCode::Unauthenticated, "no name"))
            })
        })
        .await
    };
    let (one, other) = (open().await, open().await);
    let mut phone = Client::named(&one, "ada").await;
    let mut laptop = Client::named(&other, "ada").await;
    let mut stranger = Client::named(&other, "eve").await;
    phone.subscribe("inbox:@self").await;
    stranger.subscribe("inbox:@self").await;
    laptop.publish("inbox", "@self", 1, 5).await;
    let event = phone.next().await;
    assert_eq!((&event["id"], &event["payload"]), (&json!("ada"), &json!(5)));
    // Neither to another, nor of another.
    stranger.send(&super::harness::event("inbox", "ada", 2, 6)).await;
    let refused = stranger.next().await;
    assert_eq!((&refused["id"], &refused["payload"]["code"]), (&json!(uuid(2)), &json!("denied")));
    stranger.publish("inbox", "@self", 3, 7).await;
    assert_eq!(stranger.event().await, (2, 7), "it got nothing of the other");
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_redis_that_keeps_nothing_is_refused() {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await.expect("a connection");
    assert_eq!(Hub::behind(redis).map(drop), Err(BehindError::NotDurable));
}
