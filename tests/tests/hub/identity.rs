//! Who is let in, by real tokens over real sockets: each place that a token can be in, and each way that it can be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::{HubBuilder, HubConfig, HubEvent, SpokeConfig, wire::Token};
use pubsub::{ConnectError, ConnectionState, ErrorCode, Hub, Rejection, Spoke};
use pubsub_tests::client::Client;
pub(crate) use pubsub_tests::hub::{guarded, verify};
use pubsub_tests::proxy::Proxy;

use crate::harness::{App, address, connected, in_time, next, quick_hub, quick_spoke, state, until};

pub(crate) async fn bind(builder: HubBuilder) -> Hub {
    builder.bind("127.0.0.1:0").await.expect("a free port")
}

pub(crate) async fn spoke_of(address: std::net::SocketAddr, token: &str) -> PubSub<App> {
    let config = SpokeConfig { token: Some(Token(token.into())), ..quick_spoke() };
    let builder = Spoke::builder().config(config).close_timeout(Duration::from_millis(500));
    PubSub::new(builder.connect(format!("ws://{address}")).await.expect("let in"))
}

fn names(hub: &Hub) -> Vec<Option<String>> {
    let all = hub.connections();
    all.iter().map(|one| one.identity().map(|identity| identity.name().to_owned())).collect()
}

const PING: &str = r#"{"type":"__ping","id":"p","payload":{}}"#;

#[tokio::test]
async fn a_token_is_found_in_each_place() {
    let hub = bind(guarded(HubConfig::default())).await;
    // `dG9rZW4tb2YtYWRh` is `token-of-ada` in base64.
    for headers in [
        &[("authorization", "Bearer token-of-ada")][..],
        &[("sec-websocket-protocol", "pubsub.v1.json, bearer.dG9rZW4tb2YtYWRh")],
    ] {
        let mut client = Client::with(address(&hub), "/", headers).await.expect("let in");
        client.say(PING).await;
        assert!(client.text().await.contains("__pong"), "{headers:?}");
        assert_eq!(names(&hub), [Some("ada".to_owned())]);
        drop(client);
        until("nobody", || hub.connections().is_empty()).await;
    }
    let mut client = Client::to(address(&hub)).await;
    client.prove("token-of-bob").await;
    assert!(client.text().await.contains(r#""identity":"bob""#));
    let bus = spoke_of(address(&hub), "token-of-ada").await;
    assert_eq!(bus.identity().as_deref(), Some("ada"));
    assert_eq!(names(&hub), [Some("bob".to_owned()), Some("ada".to_owned())]);
}

#[tokio::test]
async fn a_wrong_token_is_closed_with_4500() {
    let hub = bind(guarded(HubConfig::default())).await;
    for headers in [
        &[("authorization", "Bearer forged")][..],
        &[("sec-websocket-protocol", "pubsub.v1.json, bearer.Zm9yZ2Vk")],
        &[("sec-websocket-protocol", "pubsub.v1.json, bearer.***")],
    ] {
        let mut client = Client::with(address(&hub), "/", headers).await.expect("let in, to be told");
        assert_eq!(client.closed().await, 4500, "{headers:?}");
    }
    let mut client = Client::to(address(&hub)).await;
    client.prove("forged").await;
    assert!(client.text().await.contains(r#""code":"unauthenticated","message":"no token of ours""#));
    assert_eq!(client.closed().await, 4500);
    // A URL is no place for it, and nobody is let in without one.
    for said in [PING, r#"{"type":"number","id":"a","payload":1}"#] {
        let mut client = Client::with(address(&hub), "/?token=token-of-ada", &[]).await.expect("let in");
        client.say(said).await;
        assert_eq!(client.closed().await, 4500);
    }
    let refused = Spoke::builder().config(quick_spoke()).connect(format!("ws://{}", address(&hub))).await;
    assert!(matches!(refused, Err(ConnectError::Unauthenticated { .. })), "{refused:?}");
    until("nobody", || hub.connections().is_empty()).await;
}

#[tokio::test]
async fn the_anonymous_are_let_in_where_that_was_chosen() {
    let hub = bind(guarded(HubConfig::default()).anonymous(true)).await;
    let bus = crate::harness::spoke(address(&hub)).await;
    assert_eq!(bus.identity(), None);
    let mut one = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    bus.publish(App::NUMBER, "a", 1).await.expect("published");
    assert_eq!(next(&mut one).await.payload, 1);
    let refused = bus.subscribe(App::NUMBER.id_self()).await.expect_err("it is nobody");
    assert!(matches!(refused, SubscribeError::Rejected(rejection) if *rejection.code() == ErrorCode::Denied));
}

#[tokio::test]
async fn self_is_who_one_is() {
    let hub = bind(guarded(HubConfig {
        direct: ["session.status".into(), "number".into()].into(),
        ..HubConfig::default()
    }))
    .await;
    let own = PubSub::<App>::new(hub.transport());
    let (ada, bob) =
        (spoke_of(address(&hub), "token-of-ada").await, spoke_of(address(&hub), "token-of-bob").await);
    let mut inbox = ada.subscribe(App::NUMBER.id_self()).await.expect("subscribed");
    let mut again =
        ada.subscribe((App::NUMBER.id("@self"), App::NUMBER.id("ada"))).await.expect("subscribed");
    let mut of_bob = bob.subscribe(App::NUMBER.id_self()).await.expect("subscribed");
    own.publish(App::NUMBER, "ada", 1).await.expect("published");
    own.publish(App::NUMBER, "bob", 2).await.expect("published");
    ada.publish(App::NUMBER, "@self", 3).await.expect("published");
    for expected in [1, 3] {
        let event = next(&mut inbox).await;
        assert_eq!((&*event.id, event.payload), ("ada", expected));
        assert!(matches!(next(&mut again).await.payload, App::Number(number) if number == expected));
    }
    assert_eq!(next(&mut of_bob).await.payload, 2);
    assert!(inbox.is_empty() && again.is_empty() && of_bob.is_empty());
    // Neither read nor written is what is another's.
    let denied = |rejection: &Rejection| *rejection.code() == ErrorCode::Denied;
    for refused in [bob.subscribe(App::NUMBER.id("ada")).await.err(), bob.subscribe(App::NUMBER).await.err()]
    {
        assert!(matches!(&refused, Some(SubscribeError::Rejected(why)) if denied(why)), "{refused:?}");
    }
    let refused = bob.publish(App::NUMBER, "ada", 4).await.expect_err("denied");
    assert!(matches!(&refused, PublishError::Rejected(_, why) if denied(why)), "{refused}");
}

#[tokio::test]
async fn token_expiry_and_refresh() {
    let hub = bind(guarded(HubConfig::default())).await;
    let mut events = hub.events();
    // Who does nothing is closed, and may come back.
    let mut client = Client::to(address(&hub)).await;
    client.prove("brief-token-of-ada").await;
    assert!(client.text().await.contains(r#""expiresMs":2000"#));
    assert_eq!(client.closed().await, 4005);
    until("nobody", || hub.connections().is_empty()).await;
    while let Some(event) = in_time("event", events.next()).await {
        if matches!(event, HubEvent::Disconnected { .. }) {
            break;
        }
    }
    // A spoke asks for a new token in time, and its connection goes on.
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let builder = Spoke::builder().config(quick_spoke()).token(move || {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, ConnectError>("brief-token-of-ada".to_owned()) }
    });
    let bus: PubSub<App> =
        PubSub::new(builder.connect(format!("ws://{}", address(&hub))).await.expect("let in"));
    let mut inbox = bus.subscribe(App::NUMBER.id_self()).await.expect("subscribed");
    until("three tokens", || asked.load(Ordering::Relaxed) >= 3).await;
    bus.publish(App::NUMBER, "@self", 1).await.expect("published");
    assert_eq!(next(&mut inbox).await.payload, 1);
    let before = hub.connections();
    assert_eq!(before.len(), 1);
    let Some(HubEvent::Connected(first)) = in_time("event", events.next()).await else { panic!("it came") };
    assert_eq!(before, [first], "the first connection is the only one");
}

/// The fixed token of a spoke runs out: it comes back, as long as the hub takes it.
#[tokio::test]
async fn terminal_codes_stop_retryable_resume() {
    let valid = Arc::new(AtomicUsize::new(1));
    let still = Arc::clone(&valid);
    let builder = Hub::builder().close_timeout(Duration::from_millis(500)).authenticate(move |token| {
        let valid = still.load(Ordering::Relaxed) == 1;
        async move {
            if valid {
                verify(token).await
            } else {
                Err(Rejection::new(ErrorCode::Unauthenticated, "withdrawn"))
            }
        }
    });
    let hub = bind(builder).await;
    let bus = spoke_of(address(&hub), "brief-token-of-ada").await;
    let mut inbox = bus.subscribe(App::NUMBER.id_self()).await.expect("subscribed");
    let lost = state(&bus, |state| matches!(state, ConnectionState::Reconnecting { .. })).await;
    assert!(lost.to_string().contains("4005"), "{lost}");
    connected(&bus).await;
    bus.publish(App::NUMBER, "@self", 1).await.expect("published");
    assert_eq!(next(&mut inbox).await.payload, 1);
    valid.store(0, Ordering::Relaxed);
    let ended = state(&bus, |state| matches!(state, ConnectionState::Closed { .. })).await;
    assert!(
        matches!(&ended, ConnectionState::Closed { error: Some(ConnectError::Unauthenticated { .. }) }),
        "{ended}"
    );
    assert!(in_time("end", inbox.next()).await.is_none());
}

/// Its network is gone, and it has come back before the hub could know.
#[tokio::test]
async fn half_open_incumbent_superseded() {
    let config = HubConfig { max_connections_per_identity: 1, ..HubConfig::default() };
    let hub = bind(guarded(config)).await;
    let mut events = hub.events();
    let proxy = Proxy::to(address(&hub)).await;
    let mut incumbent = Client::to(proxy.address).await;
    incumbent.prove("token-of-ada").await;
    incumbent.text().await;
    let Some(HubEvent::Connected(first)) = in_time("event", events.next()).await else { panic!("it came") };
    proxy.change(|weather| weather.stalled = true);
    let bus = spoke_of(address(&hub), "token-of-ada").await;
    let code = in_time("end of the incumbent", async {
        loop {
            if let Some(HubEvent::Disconnected { connection, code }) = events.next().await {
                assert_eq!(connection, first);
                return code;
            }
        }
    })
    .await;
    assert_eq!(code.number(), 4010);
    let mut inbox = bus.subscribe(App::NUMBER.id_self()).await.expect("subscribed");
    bus.publish(App::NUMBER, "@self", 1).await.expect("published");
    assert_eq!(next(&mut inbox).await.payload, 1);
    assert_eq!(hub.connections().len(), 1);
}

/// What decides who is who panics, or never decides: the client may come back, and no other is harmed.
#[tokio::test]
async fn an_authenticator_that_fails() {
    let builder = Hub::builder().config(quick_hub()).close_timeout(Duration::from_millis(500));
    let builder =
        builder.guard_timeout(Duration::from_millis(50)).authenticate(async |token: Token| match &*token.0 {
            "panic" => panic!("an authenticator that panics, for a test"),
            "slow" => std::future::pending().await,
            _ => verify(token).await,
        });
    let hub = bind(builder).await;
    let neighbour = spoke_of(address(&hub), "token-of-ada").await;
    let mut inbox = neighbour.subscribe(App::NUMBER.id_self()).await.expect("subscribed");
    for token in ["panic", "slow"] {
        let mut client = Client::to(address(&hub)).await;
        client.prove(token).await;
        let said = client.text().await;
        assert!(said.contains(r#""code":"internal""#) && said.contains(r#""retryable":true"#), "{said}");
        assert_eq!(client.closed().await, 4001);
        neighbour.publish(App::NUMBER, "@self", 1).await.expect("published");
        assert_eq!(next(&mut inbox).await.payload, 1);
    }
    until("one", || hub.connections().len() == 1).await;
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let hub = bind(Hub::builder().allowed_origins(["https://app.example"])).await;
    for (origin, expected) in [
        ("https://app.example", None),
        ("HTTPS://App.Example", None),
        ("https://app.example.evil", Some(403)),
        ("http://app.example", Some(403)),
        ("null", Some(403)),
    ] {
        let client = Client::with(address(&hub), "/", &[("origin", origin)]).await;
        assert_eq!(client.err(), expected, "{origin}");
    }
    assert!(Client::with(address(&hub), "/", &[]).await.is_ok(), "no browser");
}

#[tokio::test]
async fn secrets_are_not_printed() {
    let hub = bind(guarded(HubConfig::default())).await;
    let config = SpokeConfig { token: Some(Token("token-of-ada".into())), ..quick_spoke() };
    let builder = Spoke::builder().config(config).header("X-Key", "token-of-ada").expect("a header");
    let said = format!("{builder:?}");
    let spoke = builder.connect(format!("ws://{}/?key=token-of-ada", address(&hub))).await.expect("let in");
    for said in [
        said,
        format!("{spoke:?}"),
        format!("{hub:?}"),
        format!("{:?}", hub.connections()),
        format!("{:?}", hub.stats()),
    ] {
        assert!(!said.contains("token-of-ada"), "{said}");
    }
}
