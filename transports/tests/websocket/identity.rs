//! Who a client is: what is asked, and what each answer does.

use std::time::Duration;

use pubsub_transports::websocket::wire::Token;
use pubsub_transports::websocket::{
    CloseCode, ConnectionId, HubConfig, Identity, IdentityLimit, InvalidIdentity, Outgoing, Question, Rate,
};
use pubsub_transports::{ErrorCode, Rejection};

use crate::raw::Raw;

const PING: &str = r#"{"type":"__ping","id":"p","payload":{}}"#;

fn connect(token: &str) -> String {
    format!(r#"{{"type":"__connect","id":"0","payload":{{"protocol":1,"token":"{token}"}}}}"#)
}

fn ada() -> Identity {
    Identity::new("ada").unwrap()
}

fn guarded() -> Raw {
    Raw::new(HubConfig { authenticates: true, anonymous: false, ..HubConfig::default() })
}

fn prove(raw: &mut Raw, client: ConnectionId, answer: Result<Identity, Rejection>) {
    raw.say(client, &connect("secret"));
    assert_eq!(raw.question(client), Some(Question::Authenticate(Token("secret".to_owned()))));
    assert!(raw.hub.is_asking(client));
    raw.hub.authenticated(raw.now, client, answer);
    assert!(!raw.hub.is_asking(client));
}

#[test]
fn a_token_is_asked_about_and_answered() {
    let mut raw = guarded();
    let client = raw.open();
    prove(&mut raw, client, Ok(ada().valid_for(Duration::from_secs(60))));
    let heard = raw.hear(client);
    assert!(
        heard[0].contains(r#""identity":"ada""#) && heard[0].contains(r#""expiresMs":60000"#),
        "{heard:?}"
    );
    assert_eq!(raw.hub.identity(client).map(Identity::name), Some("ada"));
    raw.subscribe(client, "inbox:@self");
    raw.publish("inbox", "ada");
    let heard = raw.hear(client);
    assert!(heard[0].contains(r#""topic":"inbox:@self""#) && heard[1].contains(r#""id":"ada""#), "{heard:?}");
}

#[test]
fn each_refusal_has_its_code() {
    let refused = |code| Rejection::new(code, "no");
    for (rejection, code) in [
        (refused(ErrorCode::Unauthenticated), CloseCode::Unauthenticated),
        (refused(ErrorCode::Denied), CloseCode::Unauthenticated),
        (refused(ErrorCode::Internal), CloseCode::ServerError),
        (refused(ErrorCode::RateLimited).with_retry_after(Duration::from_millis(7)), CloseCode::RateLimited),
    ] {
        let mut raw = guarded();
        let client = raw.open();
        prove(&mut raw, client, Err(rejection.clone()));
        let out = raw.out(client);
        let texts: Vec<_> = out
            .iter()
            .filter_map(|out| match out {
                Outgoing::Message(message) => Some(String::from_utf8_lossy(message.bytes()).into_owned()),
                _ => None,
            })
            .collect();
        assert!(texts[0].starts_with(r#"{"type":"__error","id":"0""#), "{texts:?}");
        assert!(texts[1].contains("__disconnect"), "{texts:?}");
        assert_eq!(texts[1].contains(r#""retryAfterMs":7"#), rejection.retry_after().is_some());
        assert_eq!(out.last(), Some(&Outgoing::Close(code)));
    }
}

#[test]
fn a_stranger_is_closed_at_the_first_message() {
    for said in [
        PING,
        r#"{"type":"a","id":"1","payload":1}"#,
        r#"{"type":"__connect","id":"0","payload":{"protocol":1}}"#,
    ] {
        let mut raw = guarded();
        let client = raw.open();
        raw.say(client, said);
        assert_eq!(raw.close_code(client), Some(CloseCode::Unauthenticated), "{said}");
    }
    // A token that came before the first message.
    let mut raw = guarded();
    let client = raw.open();
    raw.hub.present(client, Token("secret".to_owned()));
    assert!(matches!(raw.question(client), Some(Question::Authenticate(_))));
    raw.hub.authenticated(raw.now, client, Ok(ada()));
    assert!(raw.hear(client).is_empty(), "nobody asked for an answer");
    raw.say(client, PING);
    assert_eq!(raw.hear(client).len(), 1);
}

/// Who gives the hub more than it may is ended, and nothing overtakes.
#[test]
fn nothing_is_taken_while_a_question_is_open() {
    let mut raw = guarded();
    let client = raw.open();
    raw.say(client, &connect("secret"));
    raw.say(client, PING);
    assert_eq!(raw.close_code(client), Some(CloseCode::ServerError));
    // The answer is for nobody.
    raw.hub.authenticated(raw.now, client, Ok(ada()));
    assert_eq!(raw.hub.connections_of("ada"), 0);
}

#[test]
fn answers_that_nobody_waits_for_do_nothing() {
    let mut raw = guarded();
    let client = raw.open();
    raw.hub.authenticated(raw.now, client, Ok(ada()));
    assert_eq!(raw.hub.identity(client), None);
    raw.say(client, &connect("secret"));
    raw.hub.authorized(raw.now, client, vec![Ok(())]);
    assert!(raw.hub.is_asking(client), "it was another question");
}

#[test]
fn token_expiry_and_refresh() {
    let mut raw = Raw::new(HubConfig {
        authenticates: true,
        ping_every: Duration::from_secs(3600),
        ..HubConfig::default()
    });
    let client = raw.open();
    let minute = Duration::from_secs(60);
    prove(&mut raw, client, Ok(ada().valid_for(minute)));
    raw.subscribe(client, "inbox:@self");
    raw.wait(Duration::from_secs(59));
    prove(&mut raw, client, Ok(ada().valid_for(minute)));
    raw.wait(Duration::from_secs(59));
    assert_eq!(raw.hub.subscriptions(client).len(), 1, "it goes on");
    assert_eq!(raw.hub.connections_of("ada"), 1);
    raw.wait(Duration::from_secs(1));
    assert_eq!(raw.close_code(client), Some(CloseCode::Expired));
    assert!(CloseCode::Expired.comes_back());
    assert_eq!((raw.hub.connections(), raw.hub.connections_of("ada"), raw.hub.routes()), (0, 0, 0));

    // Nobody becomes another on a connection.
    let client = raw.open();
    prove(&mut raw, client, Ok(ada()));
    prove(&mut raw, client, Ok(Identity::new("bob").unwrap()));
    assert_eq!(raw.close_code(client), Some(CloseCode::Denied));
}

#[test]
fn half_open_incumbent_superseded() {
    let mut raw = Raw::new(HubConfig { max_connections_per_identity: 2, ..HubConfig::default() });
    let (first, second) = (raw.open_as("ada"), raw.open_as("ada"));
    let other = raw.open_as("bob");
    raw.wait(Duration::from_secs(1));
    raw.say(first, PING);
    let third = raw.open_as("ada");
    assert_eq!(raw.close_code(second), Some(CloseCode::Superseded), "the silent one");
    assert!(CloseCode::Superseded.comes_back());
    assert_eq!(raw.hub.connections_of("ada"), 2);
    for client in [first, third, other] {
        assert!(raw.hub.is_open(client));
    }
    raw.hub.closed(first);
    raw.hub.closed(third);
    assert_eq!(raw.hub.connections_of("ada"), 0);
}

#[test]
fn the_connections_of_an_identity_are_bounded() {
    let config = HubConfig {
        max_connections_per_identity: 2,
        at_identity_limit: IdentityLimit::Refuse,
        authenticates: true,
        ..HubConfig::default()
    };
    let mut raw = Raw::new(config);
    raw.open_as("ada");
    raw.open_as("ada");
    assert_eq!(raw.hub.open(raw.now, 0, Some(ada())), Err(CloseCode::ConnectionLimit));
    let client = raw.open();
    prove(&mut raw, client, Ok(ada()));
    assert_eq!(raw.close_code(client), Some(CloseCode::ConnectionLimit));
    assert_eq!((raw.hub.connections(), raw.hub.connections_of("ada")), (2, 2));
    assert_eq!(HubConfig::default().max_connections_per_identity, 16);
}

#[test]
fn rate_limited() {
    let rate = Rate { max_refused: 3, ..Rate::new(10, 2) };
    let mut raw = Raw::new(HubConfig { rate: Some(rate), ..HubConfig::default() });
    let client = raw.open();
    let event = r#"{"type":"a","id":"1","eventId":"0191e0a5-3c4e-7b2a-9f00-5d6e7f809102","payload":1}"#;
    for _ in 0..2 {
        raw.say(client, event);
    }
    assert!(raw.hear(client).iter().all(|heard| heard.contains("__published")));
    raw.say(client, event);
    let heard = raw.hear(client);
    assert!(
        heard[0].starts_with(r#"{"type":"__error","id":"0191e0a5-3c4e-7b2a-9f00-5d6e7f809102","payload":{"code":"rate_limited""#)
            && heard[0].contains(r#""retryable":true,"retryAfterMs":100"#),
        "{heard:?}"
    );
    raw.wait(Duration::from_millis(100));
    raw.say(client, event);
    assert!(raw.hear(client)[0].contains("__published"), "after as long as was said");
    for _ in 0..3 {
        raw.say(client, PING);
    }
    assert!(raw.hub.is_open(client));
    raw.say(client, PING);
    assert_eq!(raw.close_code(client), Some(CloseCode::RateLimited));

    // A command that names many addresses counts as many.
    let client = raw.open();
    raw.say(
        client,
        r#"{"type":"__subscribe","id":"s","payload":{"topics":[{"topic":"a"},{"topic":"b"},{"topic":"c"}]}}"#,
    );
    assert_eq!(raw.hear(client).len(), 3);
    raw.say(client, PING);
    assert!(raw.hear(client)[0].contains(r#""retryAfterMs":200"#));
}

#[test]
fn a_name_is_bounded() {
    assert!(Identity::new("a".repeat(128)).is_ok());
    assert_eq!(Identity::new("a".repeat(129)), Err(InvalidIdentity::TooLong { len: 129 }));
    assert_eq!(Identity::new(""), Err(InvalidIdentity::Empty));
    for reserved in ["@self", "a:b", ":", "a\nb"] {
        assert_eq!(Identity::new(reserved), Err(InvalidIdentity::Reserved), "{reserved:?}");
    }
}

#[test]
fn a_question_prints_no_token() {
    let question = Question::Authenticate(Token("secret".to_owned()));
    assert!(!format!("{question:?}").contains("secret"));
}
