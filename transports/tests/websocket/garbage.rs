//! Whatever is sent: no panic, and memory within its bounds.

use std::time::Duration;

use fastrand::Rng;
use pubsub_transports::codec::Json;
use pubsub_transports::websocket::wire::Message;
use pubsub_transports::websocket::{
    CloseCode, ConnectionId, HistoryConfig, HubConfig, HubOutput, Identity, OutboxConfig, Outgoing, Overflow,
    Question, Rate, SpokeConfig, SpokeProtocol,
};
use pubsub_transports::{ErrorCode, Rejection};

use crate::raw::Raw;

const PIECES: [&str; 22] = [
    r#"{"type":""#,
    r#"__subscribe"#,
    r#"__unsubscribe"#,
    r#"__connect"#,
    r#"__ping"#,
    r#"__ack"#,
    r#"","id":""#,
    "a",
    "b",
    "1",
    ":",
    "@self",
    r#"","payload":"#,
    r#"{"topic":""#,
    r#""}"#,
    "}",
    r#"","since":{"epoch":"e","offset":"#,
    "18446744073709551615",
    r#"{"topics":[{"topic":"a"},{"topic":"a:1"}]}"#,
    r#"{"protocol":1}"#,
    "[[[[",
    "\"",
];

fn message(random: &mut Rng) -> Vec<u8> {
    let whole = [
        r#"{"type":"a","id":"1","payload":1}"#,
        r#"{"type":"a","id":"2","payload":[2]}"#,
        r#"{"type":"__subscribe","id":"1","payload":{"topic":"a"}}"#,
        r#"{"type":"__subscribe","id":"1","payload":{"topic":"a:1"}}"#,
        r#"{"type":"__unsubscribe","id":"1","payload":{"topic":"a"}}"#,
        r#"{"type":"__unsubscribe","id":"1","payload":{"topic":"a:1"}}"#,
        r#"{"type":"__subscribe","id":"1","payload":{"topic":"b","since":{"epoch":"e","offset":3}}}"#,
    ];
    let mut bytes = match random.u8(..3) {
        0 => (0..random.usize(..12)).flat_map(|_| random.choice(PIECES).unwrap().bytes()).collect(),
        _ => random.choice(whole).unwrap().as_bytes().to_vec(),
    };
    if random.u8(..4) == 0 && !bytes.is_empty() {
        let at = random.usize(..bytes.len());
        bytes[at] = random.u8(..);
    }
    bytes
}

#[test]
fn a_hub_outlives_it() {
    let mut random = Rng::with_seed(1);
    let config = HubConfig {
        max_types: 8,
        max_topics: 8,
        max_errors: 1000,
        history: HistoryConfig { events: 4, ..Default::default() },
        outbox: OutboxConfig { bytes: 2000, hard_bytes: 8000, answer_bytes: 8000 },
        overflow_of: [("a".into(), Overflow::LatestPerId)].into(),
        ..Default::default()
    };
    let mut raw = Raw::new(config);
    let mut clients: Vec<_> = (0..4).map(|_| raw.open()).collect();
    let (mut ended, mut heard) = (0, 0);
    for _ in 0..40_000 {
        let place = random.usize(..4);
        let bytes = message(&mut random).into();
        raw.hub.receive(raw.now, clients[place], &Message::Text(bytes));
        assert!(raw.hub.queued_bytes(clients[place]) <= 16_200);
        let mut out = Vec::new();
        if random.u8(..8) == 0 {
            raw.hub.pull(raw.now, clients[place], random.usize(1..3000), &mut out);
        }
        heard += out.len();
        if matches!(out.last(), Some(Outgoing::Close(_))) || random.u16(..500) == 0 {
            raw.hub.closed(clients[place]);
            clients[place] = raw.open();
            ended += 1;
        }
        while raw.hub.poll_output().is_some() {}
        assert!(raw.hub.routes() <= 4 * 8);
    }
    assert!(ended > 40 && heard > 4_000, "{ended} {heard}");
    clients.into_iter().for_each(|client| raw.hub.closed(client));
    assert_eq!((raw.hub.routes(), raw.hub.connections()), (0, 0));
}

#[test]
fn a_spoke_outlives_it() {
    let mut random = Rng::with_seed(2);
    let mut spoke = SpokeProtocol::new(SpokeConfig::default(), Json::default(), 1);
    let now = Duration::ZERO;
    spoke.subscribe(&"a".parse().unwrap(), 1);
    spoke.subscribe(&"a:1".parse().unwrap(), 1);
    spoke.start(now);
    spoke.opened(now);
    for _ in 0..40_000 {
        let text = String::from_utf8_lossy(&message(&mut random)).replace("subscribe\"", "subscribed\"");
        spoke.receive(now, &Message::Text(text.into()));
        while spoke.poll_output().is_some() {}
    }
}

/// Whoever is asked about, whatever the answer, and whenever it comes: no question is left open, and nobody is counted twice.
#[test]
fn a_guarded_hub_outlives_it() {
    let mut random = Rng::with_seed(3);
    let config = HubConfig {
        authenticates: true,
        authorizes: true,
        direct: ["a".into()].into(),
        max_connections_per_identity: 2,
        max_types: 8,
        max_topics: 4,
        max_errors: 1000,
        rate: Some(Rate::new(1_000_000, 50)),
        outbox: OutboxConfig { bytes: 2000, hard_bytes: 8000, answer_bytes: 8000 },
        ..Default::default()
    };
    let mut raw = Raw::new(config);
    let mut clients: Vec<_> = (0..6).map(|_| raw.open()).collect();
    let (mut questions, mut allowed, mut expired) = (0, 0, 0);
    for _ in 0..40_000 {
        let place = random.usize(..6);
        let client = clients[place];
        raw.now += Duration::from_micros(random.u64(..200));
        raw.hub.tick(raw.now);
        if raw.hub.is_asking(client) {
            if random.bool() {
                answer(&mut raw, client, &mut random);
            }
        } else if random.u8(..6) == 0 {
            raw.say(client, r#"{"type":"__connect","id":"0","payload":{"protocol":1,"token":"t"}}"#);
        } else {
            let bytes = message(&mut random).into();
            raw.hub.receive(raw.now, client, &Message::Text(bytes));
        }
        if random.u8(..20) == 0 {
            let topics = raw.hub.subscriptions(client);
            if let Some(address) = random.choice(&topics) {
                let why = Rejection::new(ErrorCode::Denied, "withdrawn");
                assert!(raw.hub.withdraw(client, address, &why));
            }
        }
        let mut out = Vec::new();
        raw.hub.pull(raw.now, client, 4000, &mut out);
        if let Some(Outgoing::Close(code)) = out.last() {
            expired += usize::from(*code == CloseCode::Expired);
            assert!(!raw.hub.is_asking(client));
        }
        if matches!(out.last(), Some(Outgoing::Close(_))) || random.u16(..500) == 0 {
            raw.hub.closed(client);
            clients[place] = raw.open();
        }
        while let Some(output) = raw.hub.poll_output() {
            if let HubOutput::Ask(_, question) = output {
                questions += 1;
                let Question::Authorize(_, wanted) = question else { continue };
                assert!((1..=4).contains(&wanted.len()));
                allowed += wanted.len();
            }
        }
        for name in ["ada", "bob"] {
            let own =
                |id: &&ConnectionId| raw.hub.identity(**id).is_some_and(|identity| identity.name() == name);
            let there = clients.iter().filter(own).count();
            assert!(raw.hub.connections_of(name) <= there.min(2));
        }
        assert!(raw.hub.routes() <= 6 * 4);
    }
    assert!(questions > 1000 && allowed > 500 && expired > 5, "{questions} {allowed} {expired}");
    clients.into_iter().for_each(|client| raw.hub.closed(client));
    let left = (
        raw.hub.routes(),
        raw.hub.connections(),
        raw.hub.connections_of("ada"),
        raw.hub.connections_of("bob"),
    );
    assert_eq!(left, (0, 0, 0, 0));
}

fn answer(raw: &mut Raw, client: ConnectionId, random: &mut Rng) {
    let refused = || Rejection::new(ErrorCode::Denied, "no");
    // One of them is for another question, and does nothing.
    let name = ["ada", "bob"][random.usize(..2)];
    let who = Identity::new(name).unwrap().valid_for(Duration::from_millis(random.u64(..100)));
    let who = if random.u8(..4) == 0 { Err(refused()) } else { Ok(who) };
    raw.hub.authenticated(raw.now, client, who);
    let results =
        (0..random.usize(..6)).map(|_| if random.u8(..3) == 0 { Err(refused()) } else { Ok(()) }).collect();
    raw.hub.authorized(raw.now, client, results);
}
