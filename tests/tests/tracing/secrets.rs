//! What is secret is in no span, no event, no `Debug` and no error; ids of topics and payloads are in no span and no event.

use std::fmt::Debug;

use pubsub::prelude::*;
use pubsub::websocket::{HubConfig, Identity, SpokeConfig, wire::Token};
use pubsub::{BusError, ErrorCode, Hub, Redis, Rejection, Spoke};

use crate::collector::Collector;
use crate::events::quick;
use crate::harness::{App, Server, next, order, until, url};

/// Passwords and tokens.
const SECRET: &str = "hunter2";
/// Payloads, ids and names of who is there.
const PRIVATE: &str = "private-matter";

/// Everything that is printed in a test.
#[derive(Default)]
struct Printed(Vec<String>);

impl Printed {
    fn debug(&mut self, what: &dyn Debug) {
        self.0.push(format!("{what:?} {what:#?}"));
    }

    fn error(&mut self, error: &(dyn std::error::Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.0.push(format!("{error} {error:?} {error:#?}"));
            next = error.source();
        }
    }

    fn assert_silent_about(&self, secret: &str) {
        for printed in &self.0 {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

/// At least so many spans and events were told, and none says what is private.
fn assert_silent(collector: &Collector, spans: usize, events: usize) {
    let told = (collector.spans(), collector.events());
    assert!(told.0.len() >= spans && told.1.len() >= events, "{told:#?}");
    let mut printed = Printed::default();
    printed.debug(&told);
    for secret in [SECRET, PRIVATE] {
        printed.assert_silent_about(secret);
    }
}

#[tokio::test]
async fn of_redis() {
    let (collector, _collecting) = Collector::start();
    let mut printed = Printed::default();
    let server = Server::with(&["--requirepass", SECRET]);
    let with = |password: &str| format!("redis://:{password}@127.0.0.1:{}", server.port);
    for wrong in [with("hunter2-but-wrong"), with("hunter2%zz"), format!("redis://:{SECRET}@127.0.0.1:1")] {
        let redis = Redis::builder().connect_timeout(std::time::Duration::from_millis(200));
        printed.error(&redis.connect(&wrong).await.map(drop).expect_err("the password or the port is wrong"));
    }
    printed.debug(&Redis::builder().password(SECRET));
    printed.debug(&Redis::connect(with(SECRET)).await.expect("a connection"));
    let bus = quick(&with(SECRET)).await;
    let mut errors = bus.errors();
    let mut orders = bus.subscribe(App::ORDER).await.expect("subscribed");
    let publish = bus.publish(App::ORDER, PRIVATE, order(PRIVATE));
    printed.debug(&publish);
    publish.await.expect("published");
    printed.debug(&next(&mut orders).await);
    let garbage = format!(r#"{{"type":"order","id":"{PRIVATE}","payload":"{PRIVATE}"}}"#);
    server.cli(&["-a", SECRET, "--no-auth-warning", "PUBLISH", &format!("order:{PRIVATE}"), &garbage]);
    let garbage = errors.next().await.expect("it could not be read");
    assert!(matches!(garbage, BusError::Undecodable(_)));
    printed.error(&garbage);
    server.kill();
    until("word of it", || collector.events().iter().any(|seen| seen.name == "connection lost")).await;
    printed.debug(&bus.connection_state());
    printed.error(&bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect_err("there is no server"));
    bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).now().expect("taken");
    let lost = errors.next().await.expect("it was not sent");
    assert!(matches!(lost, BusError::NotSent { .. }));
    printed.error(&lost);
    printed.debug(&(&bus, &orders, &errors, bus.stats(), bus.guarantees()));
    bus.close().await;
    printed.assert_silent_about(SECRET);
    assert_silent(&collector, 4, 4);
}

#[tokio::test]
async fn of_a_hub_and_its_spokes() {
    let (collector, _collecting) = Collector::start();
    let mut printed = Printed::default();
    let hub = Hub::builder()
        .config(HubConfig { handshake_timeout: std::time::Duration::from_secs(5), ..HubConfig::default() })
        .authenticate(async |token: Token| {
            let known = token.0 == format!("{SECRET}-of-ada");
            let unknown = || Rejection::new(ErrorCode::Unauthenticated, "no token of ours");
            if known { Identity::new(PRIVATE).map_err(|_| unknown()) } else { Err(unknown()) }
        })
        .token_cookie("session")
        .bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let token = |token: String| SpokeConfig { token: Some(Token(token)), ..SpokeConfig::default() };
    let wrong = Spoke::builder().config(token(format!("{SECRET}-of-nobody")));
    printed.debug(&wrong);
    printed.error(&wrong.connect(url(&hub)).await.map(drop).expect_err("nobody"));
    let config = token(format!("{SECRET}-of-ada"));
    printed.debug(&config);
    let spoke = Spoke::builder().config(config).header("authorization", &format!("Bearer {SECRET}-of-ada"));
    printed.debug(&spoke);
    let spoke = spoke.expect("a header").connect(url(&hub)).await.expect("let in");
    printed.debug(&spoke);
    let bus = PubSub::<App>::new(spoke);
    let mut orders = bus.subscribe(App::ORDER).await.expect("subscribed");
    bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect("published");
    printed.debug(&next(&mut orders).await);
    let errors = bus.errors();
    let handler = bus.on(App::ORDER, async |_| Err::<(), _>(format!("{PRIVATE} failed")));
    let handling = tokio::spawn(handler);
    bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect("published");
    until("the failure", || collector.events().iter().any(|seen| seen.name == "error")).await;
    printed.debug(&(&bus, &hub, hub.stats(), hub.connections(), &orders, &errors));
    hub.close().await;
    bus.close().await;
    handling.abort();
    printed.assert_silent_about(SECRET);
    assert_silent(&collector, 6, 2);
}

/// The test itself would see one.
#[test]
#[should_panic = "hunter2"]
fn what_is_printed_is_looked_at() {
    let mut printed = Printed::default();
    printed.error(&std::io::Error::other("the password is hunter2"));
    printed.assert_silent_about(SECRET);
}
