//! Each public type that holds a secret, and each way to be told a wrong one: what it prints of it.

use std::time::Duration;

use pubsub::codec::Json;
use pubsub::redis::Retention;
use pubsub::websocket::wire::{Command, Connect, Message, PROTOCOL, Token};
use pubsub::websocket::{Codecs, HubConfig, HubProtocol, Identity, Question, SpokeConfig, SpokeProtocol};
use pubsub::{Hub, Redis, Spoke};

use crate::harness::{hub, url};
use crate::secrets::{Printed, SECRET};

fn token() -> Token {
    Token(format!("{SECRET}-of-ada"))
}

fn config() -> SpokeConfig {
    SpokeConfig { token: Some(token()), ..SpokeConfig::default() }
}

/// A certificate and its key. Of the key, what any print of it would have.
fn certificate() -> (String, String, [String; 2]) {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = certificate.signing_key.serialize_pem();
    let text = key.lines().nth(1).expect("the first line of the key").to_owned();
    let bytes: Vec<String> = certificate.signing_key.serialize_der()[..8].iter().map(u8::to_string).collect();
    (certificate.cert.pem(), key, [text, bytes.join(", ")])
}

#[tokio::test]
async fn what_holds_a_secret_does_not_print_it() {
    let mut printed = Printed::default();
    let (chain, key, key_text) = certificate();

    let connect = Connect { protocol: PROTOCOL, token: Some(token()), features: None, map_hash: None };
    let message = Command::Connect(connect.clone()).encode(&Json::default(), "0").expect("it fits");
    printed.debug("Token", &token());
    printed.debug("Connect", &connect);
    printed.debug("Command", &Command::Connect(connect));
    printed.debug("Message", &Message::Text(message.clone()));
    printed.debug("Question", &Question::Authenticate(token()));

    let config_of_hub = HubConfig { authenticates: true, ..HubConfig::default() };
    let mut hub = HubProtocol::new(config_of_hub.clone(), Codecs::one(Json::default()), 1);
    let client = hub.open(Duration::ZERO, 0, None).expect("there is room");
    hub.receive(Duration::ZERO, client, &Message::Text(message));
    let asked: Vec<_> = std::iter::from_fn(|| hub.poll_output()).collect();
    assert!(format!("{asked:?}").contains("Token(..)"), "the hub asks about the token: {asked:?}");
    printed.debug("HubOutput", &asked);
    printed.debug("HubProtocol", &hub);

    let mut spoke = SpokeProtocol::new(config(), Json::default(), 1);
    spoke.start(Duration::ZERO);
    spoke.opened(Duration::ZERO);
    let said: Vec<_> = std::iter::from_fn(|| spoke.poll_output()).collect();
    assert!(format!("{said:?}").contains("Send"), "the spoke says the token: {said:?}");
    printed.debug("SpokeOutput", &said);
    printed.debug("SpokeProtocol", &spoke);
    printed.debug("SpokeConfig", &config());

    let spoke = Spoke::builder().config(config()).token(async || std::io::Result::Ok(token().0));
    let spoke = spoke.header("authorization", &format!("Bearer {SECRET}")).expect("a header");
    let spoke = spoke.client_certificate(&chain, &key).expect("a certificate");
    printed.debug("SpokeBuilder", &spoke);

    let hub = Hub::builder().config(config_of_hub).certificate(&chain, &key).expect("a certificate");
    let hub = hub.authenticate(async |_: Token| Ok(Identity::new("ada").expect("a name")));
    printed.debug("HubBuilder", &hub);
    let hub = hub.start();
    printed.debug("Hub", &hub);
    printed.debug("HubTransport", &hub.transport());
    printed.debug("HubEvents", &hub.events());
    hub.close().await;

    for redis in [
        Redis::builder().credentials("ada", SECRET),
        Redis::builder().password(SECRET),
        Redis::durable(Retention::last(1)).password(SECRET),
        Redis::builder().client_certificate(&chain, &key).expect("a certificate"),
    ] {
        printed.debug("RedisBuilder", &redis);
    }

    for secret in [SECRET, &key_text[0], &key_text[1]] {
        printed.assert_silent_about(secret);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_secret_is_said_without_it() {
    let mut printed = Printed::default();
    for url in [
        "ws://ada:hunter2@localhost",
        "ws://hunter2@localhost",
        "ws://127.0.0.1:1/?token=hunter2",
        "ws://127.0.0.1:1/hub?a=1&token=hunter2#top",
        "wss://ada:hunter2@localhost",
        "ws://localhost:hunter2",
        "http://ada:hunter2@localhost",
        "hunter2",
    ] {
        let error = Spoke::connect(url).await.map(drop).expect_err(url);
        printed.error(url.split(':').next().unwrap_or_default(), &error);
    }
    for url in [
        "redis://ada:hunter2@localhost:port",
        "redis://ada:hunter2@localhost:99999",
        "redis://ada:hunter2@127.0.0.1:1",
        "redis://:hunter2@127.0.0.1:1/many",
        "redis://ada:hunter2%zz@127.0.0.1:1",
        "rediss://ada:hunter2@127.0.0.1:1",
        "rediss://ada:hunter2@127.0.0.1:1/#insecure",
        "redis+unix:///nowhere?user=ada&pass=hunter2",
        "redis+unix:///nowhere?user=ada&pass=hunter2&db=many",
        "redis://ada:hunter2@",
        "http://ada:hunter2@localhost",
    ] {
        let builder = || Redis::builder().connect_timeout(Duration::from_millis(200));
        let error = builder().connect(url).await.map(drop).expect_err(url);
        printed.error("Redis", &error);
        let error = builder().connect_cluster([url]).await.map(drop).expect_err(url);
        printed.error("a cluster", &error);
    }
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{SECRET}!\n-----END PRIVATE KEY-----\n");
    let (chain, ..) = certificate();
    printed.error("HubBuilder", &Hub::builder().certificate(&chain, &pem).map(drop).expect_err("no key"));
    let spoke = Spoke::builder().client_certificate(&chain, &pem);
    printed.error("SpokeBuilder", &spoke.map(drop).expect_err("no key"));
    let redis = Redis::builder().client_certificate(&chain, &pem);
    printed.error("RedisBuilder", &redis.map(drop).expect_err("no key"));
    let header = Spoke::builder().header("authorization", "Bearer hunter2\n");
    printed.error("a header", &header.map(drop).expect_err("it has a line break"));
    printed.assert_silent_about(SECRET);
}

/// What a source of tokens fails with is the application's own text: it is where the error comes from, for the application to
/// find, and nothing that is printed without being asked for it.
#[tokio::test]
async fn what_a_source_of_tokens_says_is_a_source_alone() {
    let hub = hub().await;
    let failing = || async { Err::<String, _>(format!("the store of {SECRET} is away")) };
    let error = Spoke::builder().token(failing).connect(url(&hub)).await.map(drop).expect_err("no token");
    assert!(!error.to_string().contains(SECRET), "{error}");
    let source = std::error::Error::source(&error).expect("what the application said");
    assert_eq!(source.to_string(), format!("the store of {SECRET} is away"));
    assert!(hub.connections().is_empty(), "it was not even asked");
    hub.close().await;
}
