//! What is secret is in no span, no event, no `Debug` and no error; ids of topics and payloads are in no span and no event.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Once;

use metrics_util::debugging::{DebuggingRecorder, Snapshotter};
use pubsub::prelude::*;
use pubsub::websocket::{HubConfig, Identity, SpokeConfig, wire::Token};
use pubsub::{BusError, ErrorCode, Hub, Redis, Rejection, Spoke, web};

use pubsub_tests::client::Client;
use pubsub_tests::raw::{HANDSHAKE, frame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::collector::Collector;
use crate::events::quick;
use crate::harness::{App, Server, in_time, next, order, until, url};

/// Passwords and tokens.
pub(crate) const SECRET: &str = "hunter2";
/// Payloads, ids and names of who is there.
pub(crate) const PRIVATE: &str = "private-matter";

/// Everything that is printed in a test.
#[derive(Default)]
pub(crate) struct Printed(Vec<(String, String)>);

impl Printed {
    pub(crate) fn debug(&mut self, name: &str, what: &dyn Debug) {
        self.0.push((name.to_owned(), format!("{what:?} {what:#?}")));
    }

    /// With all that it comes from.
    pub(crate) fn error(&mut self, name: &str, error: &(dyn std::error::Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.0.push((name.to_owned(), format!("{error} {error:?} {error:#?}")));
            next = error.source();
        }
    }

    /// Whether there was such a thing.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    pub(crate) fn assert_silent_about(&self, secret: &str) {
        for (name, printed) in &self.0 {
            assert!(!printed.contains(secret), "{name}: {printed}");
        }
    }
}

/// At least so many spans and events were told, and none says what is private; nor does a dependency say a secret, at any
/// level, or a metric.
pub(crate) fn assert_silent(watching: &Watching, spans: usize, events: usize) {
    let collector = &watching.collector;
    let told = (collector.spans(), collector.events());
    assert!(told.0.len() >= spans && told.1.len() >= events, "{told:#?}");
    let mut printed = Printed::default();
    printed.debug("told", &told);
    let metrics = watching.metrics.snapshot().into_vec();
    assert!(metrics.len() > 3, "{metrics:?}");
    printed.debug("metrics", &metrics);
    for secret in [SECRET, PRIVATE] {
        printed.assert_silent_about(secret);
    }
    for seen in collector.everything() {
        printed.debug(&seen.target, &seen);
    }
    printed.assert_silent_about(SECRET);
}

/// What this thread tells from now on, by `tracing`, `log` and `metrics`.
pub(crate) struct Watching {
    collector: Collector,
    metrics: Snapshotter,
    _collecting: tracing::subscriber::DefaultGuard,
    _recording: metrics::LocalRecorderGuard<'static>,
}

impl Watching {
    pub(crate) fn start() -> Self {
        // What others say by `log` goes to the collector too, for all tests of this binary.
        static LOG: Once = Once::new();
        LOG.call_once(|| tracing_log::LogTracer::init().expect("nobody else logs"));
        let (collector, collecting) = Collector::start();
        let recorder: &'static DebuggingRecorder = Box::leak(Box::default());
        let recording = metrics::set_default_local_recorder(recorder);
        Self { collector, metrics: recorder.snapshotter(), _collecting: collecting, _recording: recording }
    }
}

#[tokio::test]
async fn of_redis() {
    let watching = Watching::start();
    let collector = &watching.collector;
    let mut printed = Printed::default();
    let server = Server::with(&["--requirepass", SECRET]);
    let with = |password: &str| format!("redis://:{password}@127.0.0.1:{}", server.port);
    for wrong in [
        with("hunter2-but-wrong"),
        with("hunter2%zz"),
        with(SECRET) + "/many",
        format!("redis://:{SECRET}@127.0.0.1:port"),
        format!("redis://:{SECRET}@127.0.0.1:1"),
    ] {
        let redis = Redis::builder().connect_timeout(std::time::Duration::from_millis(200));
        printed.error("Redis", &redis.connect(&wrong).await.map(drop).expect_err("something in it is wrong"));
    }
    printed.debug("RedisBuilder", &Redis::builder().password(SECRET));
    printed.debug("Redis", &Redis::connect(with(SECRET)).await.expect("a connection"));
    let bus = quick(&with(SECRET)).await;
    let mut errors = bus.errors();
    let mut orders = bus.subscribe(App::ORDER).await.expect("subscribed");
    let publish = bus.publish(App::ORDER, PRIVATE, order(PRIVATE));
    printed.debug("Publish", &publish);
    publish.await.expect("published");
    printed.debug("Event", &next(&mut orders).await);
    let garbage = format!(r#"{{"type":"order","id":"{PRIVATE}","payload":"{PRIVATE}"}}"#);
    server.cli(&["-a", SECRET, "--no-auth-warning", "PUBLISH", &format!("order:{PRIVATE}"), &garbage]);
    let garbage = errors.next().await.expect("it could not be read");
    assert!(matches!(garbage, BusError::Undecodable(_)));
    printed.error("BusError", &garbage);
    server.kill();
    until("word of it", || collector.events().iter().any(|seen| seen.name == "connection lost")).await;
    printed.debug("ConnectionState", &bus.connection_state());
    printed.error(
        "PublishError",
        &bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect_err("there is no server"),
    );
    bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).now().expect("taken");
    let lost = errors.next().await.expect("it was not sent");
    assert!(matches!(lost, BusError::NotSent { .. }));
    printed.error("BusError", &lost);
    printed.debug("a bus", &(&bus, &orders, &errors, bus.stats(), bus.guarantees()));
    bus.close().await;
    printed.assert_silent_about(SECRET);
    assert_silent(&watching, 4, 4);
}

#[tokio::test]
async fn of_a_hub_and_its_spokes() {
    let watching = Watching::start();
    let collector = &watching.collector;
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
    printed.debug("SpokeBuilder", &wrong);
    printed.error("Spoke", &wrong.connect(url(&hub)).await.map(drop).expect_err("nobody"));
    // Not how a token is said.
    for wrong in [format!("ws://ada:{SECRET}@localhost"), format!("ws://127.0.0.1:1/?token={SECRET}")] {
        printed.error("Spoke", &Spoke::builder().connect(wrong).await.map(drop).expect_err("nobody"));
    }
    let config = token(format!("{SECRET}-of-ada"));
    printed.debug("SpokeConfig", &config);
    let spoke = Spoke::builder().config(config).header("authorization", &format!("Bearer {SECRET}-of-ada"));
    printed.debug("Spoke", &spoke);
    let spoke = spoke.expect("a header").connect(url(&hub)).await.expect("let in");
    printed.debug("Spoke", &spoke);
    let bus = PubSub::<App>::new(spoke);
    let mut orders = bus.subscribe(App::ORDER).await.expect("subscribed");
    bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect("published");
    printed.debug("Event", &next(&mut orders).await);
    let errors = bus.errors();
    let handler = bus.on(App::ORDER, async |_| Err::<(), _>(format!("{PRIVATE} failed")));
    let handling = tokio::spawn(handler);
    bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect("published");
    until("the failure", || collector.events().iter().any(|seen| seen.name == "error")).await;
    printed.debug("a bus", &(&bus, &hub, hub.stats(), hub.connections(), &orders, &errors));
    hub.close().await;
    bus.close().await;
    handling.abort();
    printed.assert_silent_about(SECRET);
    assert_silent(&watching, 6, 2);
}

/// By a user of its own, over TLS.
#[tokio::test]
async fn of_redis_with_a_user_over_tls() {
    let watching = Watching::start();
    let mut printed = Printed::default();
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let server = Server::start();
    let file = |name: &str, text: String| {
        let path = server.directory().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let chain = file("chain.pem", certificate.cert.pem());
    let key = file("key.pem", certificate.signing_key.serialize_pem());
    let secure =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    let options =
        ["tls-auth-clients", "no", "tls-cert-file", &chain, "tls-key-file", &key, "tls-ca-cert-file", &chain];
    server.cli(&[&["CONFIG", "SET"], &options[..], &["tls-port", &secure.to_string()]].concat());
    server.cli(&["ACL", "SETUSER", "ada", "on", &format!(">{SECRET}"), "~*", "&*", "+@all"]);
    let connect = |user: &str, password: &str| {
        let url = format!("rediss://{user}:{password}@localhost:{secure}");
        let builder = Redis::builder().root_certificates(certificate.cert.pem()).expect("a certificate");
        async move { builder.connect(url).await }
    };
    let wrong = connect("ada", "hunter2-but-wrong").await.map(drop).expect_err("the password is wrong");
    printed.error("Redis", &wrong);
    printed.error("Redis", &connect("bob", SECRET).await.map(drop).expect_err("there is no Bob"));
    let redis = connect("ada", SECRET).await.expect("a connection");
    printed.debug("Redis", &redis);
    let bus = PubSub::<App>::new(redis);
    let mut orders = bus.subscribe(App::ORDER).await.expect("subscribed");
    bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect("published");
    printed.debug("Event", &next(&mut orders).await);
    bus.close().await;
    printed.assert_silent_about(SECRET);
    assert_silent(&watching, 2, 1);
}

/// Over TLS, with a token in its message, in a header, and where it should not be.
#[tokio::test]
async fn of_a_hub_over_tls() {
    let watching = Watching::start();
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (chain, key) = (certificate.cert.pem(), certificate.signing_key.serialize_pem());
    let hub = Hub::builder().certificate(&chain, key).expect("a certificate");
    let ada = async |_: Token| Ok(Identity::new("ada").expect("a name"));
    let hub = hub.authenticate(ada).bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("wss://localhost:{}/?token={SECRET}", hub.local_addr().expect("it listens").port());
    let config = SpokeConfig { token: Some(Token(SECRET.to_owned())), ..SpokeConfig::default() };
    let spoke = Spoke::builder().config(config).root_certificates(&chain).expect("a certificate");
    let spoke = spoke.header("authorization", &format!("Bearer {SECRET}")).expect("a header");
    let spoke = spoke.header("cookie", &format!("session={SECRET}")).expect("a header");
    let bus = PubSub::<App>::new(spoke.connect(url).await.expect("let in"));
    let mut orders = bus.subscribe(App::ORDER).await.expect("subscribed");
    bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect("published");
    next(&mut orders).await;
    bus.close().await;
    hub.close().await;
    assert_silent(&watching, 2, 1);
}

/// As routes of axum, with a token in each place that one can be in, and one where it should not be: that of Ada and one of
/// nobody's, for a WebSocket and for an event stream.
#[tokio::test]
async fn of_a_hub_served_by_axum() {
    let watching = Watching::start();
    let mut printed = Printed::default();
    let hub = Hub::builder()
        .authenticate(async |token: Token| match token.0 == format!("{SECRET}-of-ada") {
            true => Ok(Identity::new("ada").expect("a name")),
            false => Err(Rejection::new(ErrorCode::Unauthenticated, "no token of ours")),
        })
        .token_cookie("session")
        // These clients answer no close frame.
        .close_timeout(std::time::Duration::from_millis(100))
        .start();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let app = web::router(&hub);
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let bus = PubSub::<App>::new(hub.transport());
    for (name, encoded, is_known) in
        [("ada", "aHVudGVyMi1vZi1hZGE", true), ("nobody", "aHVudGVyMi1vZi1ub2JvZHk", false)]
    {
        let token = format!("{SECRET}-of-{name}");
        let header = format!("Authorization: Bearer {token}\r\n");
        let cookie = format!("Cookie: session={token}\r\n");
        let subprotocol = format!("Sec-WebSocket-Protocol: pubsub.v1.json, bearer.{encoded}\r\n");
        let query = format!("?token={token}");
        for (query, headers, opens) in [
            ("", &*header, is_known),
            ("", &*subprotocol, is_known),
            // A page of anybody could bring it.
            ("", &*cookie, false),
            (&*query, "", false),
        ] {
            let handshake =
                HANDSHAKE.replacen("GET / HTTP/1.1\r\n", &format!("GET /ws{query} HTTP/1.1\r\n{headers}"), 1);
            let ping = frame(0x81, br#"{"type":"__ping","id":"1","payload":{}}"#);
            let said = ask(address, &[handshake.as_bytes(), &ping].concat(), "__pong").await;
            assert!(said.starts_with("HTTP/1.1 101 "), "{said}");
            assert_eq!(said.contains("__pong"), opens, "{query} {headers}: {said}");
            printed.debug("a WebSocket", &said);
        }
        for (query, headers, opens) in
            [("", &*header, is_known), ("", &*cookie, is_known), (&*query.replace('?', "&"), "", false)]
        {
            let request = format!(
                "GET /sse?topic=order{query} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n{headers}\r\n"
            );
            let asking = tokio::spawn(async move { ask(address, request.as_bytes(), PRIVATE).await });
            if opens {
                until("subscribe", || hub.subscriptions() == 1).await;
                printed.debug("a hub", &(&hub, hub.stats(), hub.connections()));
                bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect("published");
            }
            let said = asking.await.expect("an answer");
            let expected = if opens { "HTTP/1.1 200 " } else { "HTTP/1.1 401 " };
            assert!(said.starts_with(expected), "{query} {headers}: {said}");
            printed.debug("an event stream", &said);
            until("nobody", || hub.connections().is_empty()).await;
        }
    }
    hub.close().await;
    bus.close().await;
    serving.abort();
    // Nor as it is in a subprotocol.
    for secret in [SECRET, "aHVudGVy"] {
        printed.assert_silent_about(secret);
        let everything = format!("{:?}", watching.collector.everything());
        assert!(!everything.contains(secret), "{everything}");
    }
    assert_silent(&watching, 2, 1);
}

/// What is answered, up to where this is in it, or to the end. By hand: a client would say to the collector what it writes.
async fn ask(address: SocketAddr, request: &[u8], until: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request).await.expect("written");
    let (mut said, mut room) = (String::new(), [0; 4096]);
    while !said.contains(until) {
        match in_time("answer", stream.read(&mut room)).await {
            Ok(bytes @ 1..) => said += &String::from_utf8_lossy(&room[..bytes]),
            Ok(0) | Err(_) => break,
        }
    }
    said
}

/// Messages and close frames say nothing of the token that was wrong.
#[tokio::test]
async fn of_what_a_hub_says_to_a_stranger() {
    let watching = Watching::start();
    let refuse = async |_: Token| Err(Rejection::new(ErrorCode::Unauthenticated, "no token of ours"));
    let hub = Hub::builder().authenticate(refuse).bind("127.0.0.1:0").await.expect("a free port");
    let address = hub.local_addr().expect("it listens");
    let bearer = format!("Bearer {SECRET}");
    for (path, headers) in [
        ("/", &[("authorization", &*bearer)][..]),
        ("/", &[("sec-websocket-protocol", "pubsub.v1.json, bearer.aHVudGVyMg")]),
        ("/?token=hunter2", &[]),
    ] {
        let mut client = Client::with(address, path, headers).await.expect("let in, to be told");
        if headers.is_empty() {
            client.prove(SECRET).await;
        }
        let mut said = String::new();
        while let Some(message) = client.message().await {
            said += &format!("{message:?}");
        }
        assert!(said.contains("4500") && !said.contains(SECRET), "{said}");
    }
    hub.close().await;
    let everything = format!("{:?}", watching.collector.everything());
    // The client here says what it writes.
    let ours = watching
        .collector
        .everything()
        .into_iter()
        .filter(|seen| !seen.field("log.target").starts_with("tungstenite"));
    let ours = format!("{:?}", ours.collect::<Vec<_>>());
    assert!(!ours.contains(SECRET), "{everything}");
}

/// The test itself would see one.
#[test]
#[should_panic = "hunter2"]
fn what_is_printed_is_looked_at() {
    let mut printed = Printed::default();
    printed.error("io", &std::io::Error::other("the password is hunter2"));
    printed.assert_silent_about(SECRET);
}
