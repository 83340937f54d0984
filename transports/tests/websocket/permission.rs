//! What a client may do: what is asked, and that nothing happens before the answer.

use pubsub_transports::websocket::{
    Action, CloseCode, ConnectionId, HubConfig, Identity, Permission, Question,
};
use pubsub_transports::{Address, ErrorCode, Rejection};

use crate::raw::Raw;

fn authorized() -> Raw {
    Raw::new(HubConfig { authorizes: true, ..HubConfig::default() })
}

fn no() -> Result<(), Rejection> {
    Err(Rejection::new(ErrorCode::Denied, "not yours"))
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn wanted(raw: &mut Raw, client: ConnectionId) -> (Option<Identity>, Vec<Permission>) {
    match raw.question(client) {
        Some(Question::Authorize(identity, wanted)) => (identity, wanted),
        other => panic!("{other:?}"),
    }
}

const EVENT: &str =
    r#"{"type":"note","id":"@self","eventId":"0191e0a5-3c4e-7b2a-9f00-5d6e7f809102","payload":1}"#;

#[test]
fn subscribing_asks_for_each_address() {
    let mut raw = authorized();
    let client = raw.open_as("ada");
    raw.subscribe(client, "kept");
    raw.hub.authorized(raw.now, client, vec![Ok(())]);
    raw.hear(client);
    raw.say(
        client,
        r#"{"type":"__subscribe","id":"s","payload":{"topics":[{"topic":"a"},{"topic":"note:@self"},{"topic":"b:1"},{"topic":"kept"}]}}"#,
    );
    let (identity, wanted) = wanted(&mut raw, client);
    assert_eq!(identity.as_ref().map(Identity::name), Some("ada"));
    let subscribe = |text| Permission::new(Action::Subscribe, address(text));
    assert_eq!(wanted, ["a", "note:ada", "b:1"].map(subscribe), "one that it has needs no leave");
    assert_eq!(raw.hub.routes(), 1, "nothing happens before the answer");
    raw.hub.authorized(raw.now, client, vec![Ok(()), no()]);
    let heard = raw.hear(client);
    // What is an answer alone may overtake what has its place among events.
    let of = |topic: &str| heard.iter().find(|it| it.contains(&format!(r#""topic":"{topic}""#))).unwrap();
    assert!(of("a").contains("__subscribed"));
    assert!(of("note:@self").contains(r#""code":"denied","message":"not yours""#));
    assert!(of("b:1").contains(r#""code":"denied""#), "one without an answer is denied");
    assert!(of("kept").contains("already_subscribed"));
    assert_eq!(raw.hub.subscriptions(client), [address("a"), address("kept")]);
}

#[test]
fn no_more_is_asked_for_than_one_may_have() {
    let mut raw = Raw::new(HubConfig { authorizes: true, max_topics: 2, ..HubConfig::default() });
    let client = raw.open();
    raw.say(
        client,
        r#"{"type":"__subscribe","id":"s","payload":{"topics":[{"topic":"a"},{"topic":"b"},{"topic":"c"},{"topic":"d"}]}}"#,
    );
    assert_eq!(wanted(&mut raw, client).1.len(), 2);
    raw.hub.authorized(raw.now, client, vec![no(), no()]);
    let heard = raw.hear(client);
    assert_eq!(heard.iter().filter(|it| it.contains(r#""code":"denied""#)).count(), 2);
    assert_eq!(heard.iter().filter(|it| it.contains(r#""code":"limit""#)).count(), 2);
    assert_eq!(raw.hub.routes(), 0, "and nothing comes by the way of those that were refused");
}

#[test]
fn publishing_asks_once_for_an_address() {
    let mut raw = authorized();
    let client = raw.open_as("ada");
    raw.say(client, EVENT);
    let (_, wanted) = wanted(&mut raw, client);
    assert_eq!(wanted, [Permission::new(Action::Publish, address("note:ada"))]);
    raw.hub.authorized(raw.now, client, vec![no()]);
    let heard = raw.hear(client);
    assert!(
        heard[0].starts_with(
            r#"{"type":"__error","id":"0191e0a5-3c4e-7b2a-9f00-5d6e7f809102","payload":{"code":"denied""#
        ),
        "{heard:?}"
    );
    assert_eq!(raw.hub.stats().topics.len(), 0, "no trace of it");

    raw.say(client, EVENT);
    raw.hub.authorized(raw.now, client, vec![Ok(())]);
    assert!(raw.hear(client)[0].contains("__published"));
    raw.question(client);
    raw.say(client, EVENT);
    assert!(raw.question(client).is_none() && !raw.hub.is_asking(client), "leave was given");
    assert!(raw.hear(client)[0].contains("__published"));
}

/// As many addresses are remembered as there may be subscriptions.
#[test]
fn leave_to_publish_is_remembered_within_a_bound() {
    let mut raw = Raw::new(HubConfig { authorizes: true, max_topics: 3, ..HubConfig::default() });
    let client = raw.open();
    let mut asked = 0;
    for round in 0..3 {
        for id in 0..4 {
            raw.say(client, &format!(r#"{{"type":"a","id":"{id}","payload":{round}}}"#));
            if raw.hub.is_asking(client) {
                asked += 1;
                raw.hub.authorized(raw.now, client, vec![Ok(())]);
            }
        }
    }
    assert!((5..=12).contains(&asked), "{asked}");
    assert_eq!(raw.hub.stats().topics[0].offset, 12);
}

#[test]
fn the_direct_topic_of_another_is_denied() {
    let mut raw = Raw::new(HubConfig { direct: ["note".into()].into(), ..HubConfig::default() });
    let (ada, nobody) = (raw.open_as("ada"), raw.open());
    for (client, topic) in [
        (ada, "note:bob"),
        (ada, "note"),
        (ada, "note:"),
        (nobody, "note:ada"),
        (nobody, "note:@self"),
        (nobody, "note"),
    ] {
        raw.subscribe(client, topic);
        let heard = raw.hear(client);
        assert!(heard.len() == 1 && heard[0].contains(r#""code":"denied""#), "{topic}: {heard:?}");
    }
    for (client, id) in [(ada, "bob"), (nobody, "ada"), (nobody, "@self")] {
        raw.say(client, &EVENT.replace("@self", id));
        assert!(raw.hear(client)[0].contains(r#""code":"denied""#), "{id}");
    }
    assert_eq!(raw.hub.routes(), 0);
    raw.subscribe(ada, "note:@self");
    raw.say(ada, EVENT);
    let heard = raw.hear(ada);
    assert_eq!(heard.len(), 3, "{heard:?}");
    // With an authorizer it is for that to say.
    let mut raw =
        Raw::new(HubConfig { direct: ["note".into()].into(), authorizes: true, ..HubConfig::default() });
    let ada = raw.open_as("ada");
    raw.subscribe(ada, "note:bob");
    raw.hub.authorized(raw.now, ada, vec![Ok(())]);
    assert_eq!(raw.hub.subscriptions(ada), [address("note:bob")]);
}

#[test]
fn permission_withdrawn() {
    let mut raw = authorized();
    let client = raw.open_as("ada");
    raw.subscribe(client, "note:@self");
    raw.hub.authorized(raw.now, client, vec![Ok(())]);
    raw.hear(client);
    raw.publish("note", "ada");
    let why = Rejection::new(ErrorCode::Denied, "you have left");
    assert!(raw.hub.withdraw(client, &address("note:ada"), &why));
    assert!(!raw.hub.withdraw(client, &address("note:ada"), &why), "once");
    raw.publish("note", "ada");
    let heard = raw.hear(client);
    assert_eq!(heard.len(), 2, "nothing after it: {heard:?}");
    assert_eq!(
        heard[1],
        r#"{"type":"__unsubscribed","id":"","payload":{"topic":"note:@self","code":"denied","reason":"you have left"}}"#
    );
    assert_eq!((raw.hub.routes(), raw.hub.subscriptions(client).len()), (0, 0));
}

/// An answer from before the permission was withdrawn is no answer.
#[test]
fn withdrawn_while_it_is_asked_for() {
    let mut raw = authorized();
    let client = raw.open_as("ada");
    let why = Rejection::new(ErrorCode::Denied, "you have left");
    raw.subscribe(client, "note:@self");
    raw.question(client);
    raw.hub.withdraw(client, &address("note:ada"), &why);
    raw.hub.authorized(raw.now, client, vec![Ok(())]);
    assert!(raw.hub.is_asking(client) && raw.hub.routes() == 0);
    assert_eq!(wanted(&mut raw, client).1.len(), 1, "asked again");
    raw.hub.authorized(raw.now, client, vec![no()]);
    assert!(raw.hear(client)[0].contains("denied"));

    raw.say(client, EVENT);
    raw.hub.withdraw(client, &address("note:ada"), &why);
    raw.hub.authorized(raw.now, client, vec![Ok(())]);
    assert!(raw.hub.is_asking(client));
    raw.hub.authorized(raw.now, client, vec![no()]);
    assert!(raw.hear(client)[0].contains("denied"));
    assert_eq!(raw.hub.stats().topics.len(), 0);
}

#[test]
fn who_is_closed_is_not_asked_about() {
    let mut raw = authorized();
    let client = raw.open_as("ada");
    raw.subscribe(client, "a");
    raw.hub.disconnect(client, CloseCode::Kicked);
    assert!(!raw.hub.is_asking(client));
    raw.hub.authorized(raw.now, client, vec![Ok(())]);
    assert_eq!(raw.hub.routes(), 0);
    assert_eq!(raw.close_code(client), Some(CloseCode::Kicked));
}

/// Event ids can be guessed where they are derived: using one for an address of one's own takes it from nobody.
#[test]
fn replayed_ids() {
    let mut raw = Raw::new(HubConfig { direct: ["note".into()].into(), ..HubConfig::default() });
    let (ada, mallory) = (raw.open_as("ada"), raw.open_as("mallory"));
    raw.subscribe(ada, "note:@self");
    raw.hear(ada);
    raw.say(mallory, EVENT);
    raw.say(ada, EVENT);
    raw.say(mallory, EVENT);
    let offset =
        |heard: &[String]| heard.last().unwrap().split_once(r#""offset":"#).unwrap().1[..1].to_owned();
    let heard = raw.hear(ada);
    assert_eq!(heard.len(), 2, "hers, and that it was published: {heard:?}");
    assert!(heard.iter().any(|it| it.contains("__published") && it.contains(r#""offset":2"#)), "{heard:?}");
    let heard = raw.hear(mallory);
    assert_eq!((heard.len(), offset(&heard)), (2, "1".to_owned()), "the same one twice");
}
