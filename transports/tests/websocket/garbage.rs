//! Whatever is sent: no panic, and memory within its bounds.

use fastrand::Rng;
use pubsub_transports::codec::Json;
use pubsub_transports::websocket::wire::Message;
use pubsub_transports::websocket::{
    HistoryConfig, HubConfig, OutboxConfig, Outgoing, Overflow, SpokeConfig, SpokeProtocol,
};

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
    let now = std::time::Duration::ZERO;
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
