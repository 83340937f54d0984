//! A token that somebody else has: what ends it, and what it does not open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pubsub::prelude::*;
use pubsub::websocket::{CloseCode, HubConfig};
use pubsub::{ConnectError, ConnectionState, ErrorCode, Hub, Rejection};
use pubsub_tests::client::Client;

use crate::harness::{App, address, in_time, next, state, until};
use crate::identity::{bind, guarded, spoke_of, verify};

fn direct() -> HubConfig {
    HubConfig { direct: ["number".into()].into(), ..HubConfig::default() }
}

/// A hub that lets Ada in until her token is withdrawn.
async fn revocable() -> (Hub, Arc<AtomicBool>) {
    let withdrawn = Arc::new(AtomicBool::new(false));
    let is_withdrawn = Arc::clone(&withdrawn);
    let builder = pubsub_tests::hub::builder(direct()).authenticate(move |token| {
        let refused = token.0 == "token-of-ada" && is_withdrawn.load(Ordering::Relaxed);
        async move {
            if refused {
                return Err(Rejection::new(ErrorCode::Unauthenticated, "withdrawn"));
            }
            verify(token).await
        }
    });
    (bind(builder).await, withdrawn)
}

/// Whatever the code says of coming back: the token is asked for again.
#[tokio::test]
async fn a_stolen_token_that_is_withdrawn_opens_nothing() {
    for code in [CloseCode::TryAgain, CloseCode::Unauthenticated] {
        let (hub, withdrawn) = revocable().await;
        let bob = spoke_of(address(&hub), "token-of-bob").await;
        let mut of_bob = bob.subscribe(App::NUMBER.id_self()).await.expect("subscribed");
        let mut stolen = Client::to(address(&hub)).await;
        stolen.prove("token-of-ada").await;
        stolen.text().await;
        let (ada, thief) =
            (spoke_of(address(&hub), "token-of-ada").await, spoke_of(address(&hub), "token-of-ada").await);
        let mut inboxes = [
            ada.subscribe(App::NUMBER.id_self()).await.expect("subscribed"),
            thief.subscribe(App::NUMBER.id_self()).await.expect("nobody can tell them apart"),
        ];

        withdrawn.store(true, Ordering::Relaxed);
        for connection in hub.connections() {
            if connection.identity().is_some_and(|identity| identity.name() == "ada") {
                connection.disconnect(code);
            }
        }
        assert_eq!(stolen.closed().await, code.number());
        for bus in [&ada, &thief] {
            let ended = state(bus, |state| matches!(state, ConnectionState::Closed { .. })).await;
            let error = match ended {
                ConnectionState::Closed { error } => error,
                other => panic!("{other}"),
            };
            assert!(matches!(error, Some(ConnectError::Unauthenticated { .. })), "{error:?}");
        }
        for inbox in &mut inboxes {
            assert!(in_time("end", inbox.next()).await.is_none());
        }
        // Nor in any place that a token can be in.
        let headers = [
            ("authorization", "Bearer token-of-ada"),
            ("sec-websocket-protocol", "pubsub.v1.json, bearer.dG9rZW4tb2YtYWRh"),
        ];
        for header in headers {
            let mut again = Client::with(address(&hub), "/", &[header]).await.expect("let in, to be told");
            assert_eq!(again.closed().await, 4500);
        }
        until("Bob alone", || hub.connections().len() == 1 && hub.subscriptions() == 1).await;
        bob.publish(App::NUMBER, "@self", 1).await.expect("published");
        assert_eq!(next(&mut of_bob).await.payload, 1);
        assert!(matches!(bob.connection_state(), ConnectionState::Connected), "it was not touched");
    }
}

/// Whose token it is, is who it is: by no name of `@self`, and by no event that says it is another's.
#[tokio::test]
async fn a_valid_token_does_not_open_what_is_of_another() {
    let hub = bind(guarded(direct())).await;
    let ada = spoke_of(address(&hub), "token-of-ada").await;
    let mut inbox = ada.subscribe(App::NUMBER.id_self()).await.expect("subscribed");
    let mut thief = Client::to(address(&hub)).await;
    thief.prove("token-of-bob").await;
    thief.text().await;
    for topic in ["number:ada", "number", "number:@ada", "number:@self:ada", "number:Ada"] {
        thief.subscribe(topic).await;
        let said = thief.text().await;
        assert!(said.contains("__error"), "{topic}: {said}");
    }
    thief.say(r#"{"type":"number","id":"ada","payload":1}"#).await;
    let said = thief.text().await;
    assert!(said.contains(r#""code":"denied""#), "{said}");

    thief.subscribe("number:@self").await;
    assert!(thief.text().await.contains("__subscribed"));
    let own = PubSub::<App>::new(hub.transport());
    own.publish(App::NUMBER, "ada", 2).await.expect("published");
    own.publish(App::NUMBER, "bob", 3).await.expect("published");
    thief.say(r#"{"type":"number","id":"@self","payload":4}"#).await;
    for payload in [3, 4] {
        let said = thief.text().await;
        assert!(
            said.contains(r#""id":"bob""#) && said.contains(&format!(r#""payload":{payload}"#)),
            "{said}"
        );
    }
    // Nor does it become another while it is connected.
    thief.prove("token-of-ada").await;
    assert_eq!(thief.closed().await, 4507);
    assert_eq!(next(&mut inbox).await.payload, 2);
    assert!(inbox.is_empty());
}
