//! What each may do, decided by an application: over real sockets, in its order, and withdrawn again.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::{Action, EventStreamError, HubConfig, Identity, Permission, wire::Token};
use pubsub::{Address, BusError, ErrorCode, Hub, Rejection};
use pubsub_tests::client::Client;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{App, address, in_time, next, status, until};
use crate::identity::{bind, guarded, spoke_of};

fn denied() -> Rejection {
    Rejection::new(ErrorCode::Denied, "not yours")
}

/// Everybody reads numbers, and Ada writes them; session.status is for who it is about.
async fn decide(who: Option<Identity>, wanted: Permission) -> Result<(), Rejection> {
    let name = who.as_ref().map(Identity::name);
    match (wanted.action, wanted.address.topic()) {
        (Action::Subscribe, "number") => Ok(()),
        (Action::Publish, "number") if name == Some("ada") => Ok(()),
        (_, "session.status") if wanted.address.id() == name => Ok(()),
        (_, "other") => {
            // Each address takes another time to decide about.
            let millis = wanted.address.id().map_or(0, |id| 7 * id.len() as u64 % 5);
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok(())
        }
        _ => Err(denied()),
    }
}

async fn hub() -> Hub {
    bind(guarded(HubConfig::default()).authorize(decide)).await
}

#[tokio::test]
async fn what_is_not_allowed_is_denied() {
    let hub = hub().await;
    let (ada, bob) =
        (spoke_of(address(&hub), "token-of-ada").await, spoke_of(address(&hub), "token-of-bob").await);
    let mut read = bob.subscribe(App::NUMBER).await.expect("everybody reads");
    let mut own = bob.subscribe(App::SESSION_STATUS.id_self()).await.expect("it is his");
    let is_denied = |rejection: &Rejection| *rejection == denied();
    for topic in [App::SESSION_STATUS.id("ada"), App::SESSION_STATUS.id("")] {
        let refused = bob.subscribe(topic).await.expect_err("denied");
        assert!(matches!(&refused, SubscribeError::Rejected(why) if is_denied(why)), "{refused}");
    }
    let refused = bob.publish(App::NUMBER, "a", 1).await.expect_err("denied");
    assert!(matches!(&refused, PublishError::Rejected(_, why) if is_denied(why)), "{refused}");
    let refused = ada.publish(App::SESSION_STATUS, "bob", status("forged")).await.expect_err("denied");
    assert!(matches!(&refused, PublishError::Rejected(..)), "{refused}");
    ada.publish(App::NUMBER, "a", 2).await.expect("allowed");
    bob.publish(App::SESSION_STATUS, "@self", status("busy")).await.expect("allowed");
    assert_eq!(next(&mut read).await.payload, 2);
    assert_eq!(next(&mut own).await.payload, status("busy"));
    assert!(read.is_empty() && own.is_empty());
}

/// Events that were sent without waiting keep their order, however long each is decided about.
#[tokio::test]
async fn what_is_asked_about_keeps_its_order() {
    const EVENTS: usize = 60;
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let mut all = own.subscribe(App::OTHER).bound(EVENTS).await.expect("subscribed");
    let mut client = Client::to(address(&hub)).await;
    client.prove("token-of-ada").await;
    for number in 0..EVENTS {
        let id = "x".repeat(number % 7);
        client.say(format!(r#"{{"type":"other","id":"{id}","payload":{number}}}"#)).await;
    }
    client.subscribe("other:last").await;
    for number in 0..EVENTS as u64 {
        assert_eq!(next(&mut all).await.payload, number);
    }
    assert!(client.text().await.contains("__connected"));
    assert!(client.text().await.contains("__subscribed"));
}

/// Who has said all and goes has said all.
#[tokio::test]
async fn what_came_before_the_end_counts() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let mut all = own.subscribe(App::OTHER).await.expect("subscribed");
    let mut client = Client::to(address(&hub)).await;
    client.prove("token-of-ada").await;
    for number in 0..5 {
        client.say(format!(r#"{{"type":"other","id":"{}","payload":{number}}}"#, "y".repeat(number))).await;
    }
    client.send(Message::Close(None)).await;
    for number in 0..5 {
        assert_eq!(next(&mut all).await.payload, number);
    }
    until("nobody", || hub.connections().is_empty()).await;
}

#[tokio::test]
async fn permission_withdrawn() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let bus = spoke_of(address(&hub), "token-of-ada").await;
    let mut errors = bus.errors();
    let mut kept = bus.subscribe(App::NUMBER.id("b")).await.expect("subscribed");
    let mut read = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    own.publish(App::NUMBER, "a", 1).await.expect("published");
    let connection = hub.connections().pop().expect("it is there");
    let address: Address = "number:a".parse().expect("an address");
    assert!(connection.withdraw(&address, "you have left"));
    assert!(!connection.withdraw(&address, "you have left"));
    own.publish(App::NUMBER, "a", 2).await.expect("published");
    own.publish(App::NUMBER, "b", 3).await.expect("published");
    assert_eq!(next(&mut read).await.payload, 1, "what came before is there");
    assert!(in_time("end", read.next()).await.is_none());
    assert_eq!(next(&mut kept).await.payload, 3);
    let Some(BusError::SubscriptionRejected { rejection, .. }) = in_time("error", errors.next()).await else {
        panic!("another error")
    };
    assert_eq!((rejection.code(), rejection.message()), (&ErrorCode::Denied, "you have left"));
}

/// Reading by server-sent events is asked about as everything is.
#[tokio::test]
async fn event_streams_are_authorized() {
    let hub = hub().await;
    let token = |text: &str| Some(Token(text.into()));
    let topics = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    for (names, token, expected) in [
        (&["number"][..], None, 401),
        (&["number"], token("forged"), 401),
        (&["session.status:ada", "session.status"], token("token-of-bob"), 403),
        (&[], token("token-of-bob"), 400),
    ] {
        let refused = hub.event_stream(&topics(names), None, token).await;
        assert_eq!(refused.as_ref().err().map(EventStreamError::status), Some(expected), "{names:?}");
    }
    until("nobody", || hub.connections().is_empty()).await;
    let own = PubSub::<App>::new(hub.transport());
    let asked = topics(&["session.status:@self", "session.status:bob"]);
    let mut stream = hub.event_stream(&asked, None, token("token-of-ada")).await.expect("let in");
    own.publish(App::SESSION_STATUS, "bob", status("secret")).await.expect("published");
    own.publish(App::SESSION_STATUS, "ada", status("seen")).await.expect("published");
    let mut text = String::new();
    while !text.contains("seen") {
        let chunk = in_time("chunk", futures::StreamExt::next(&mut stream)).await.expect("it goes on");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    assert!(text.contains("event: __connected\n") && text.contains(r#""identity":"ada""#), "{text}");
    assert!(text.contains("denied") && !text.contains("secret"), "{text}");
}
