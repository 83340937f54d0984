//! A malicious client's best effort: many connections that do what comes to somebody's mind, in an order that a seed decides. The
//! neighbours get every event once and in order, the hub's memory stays within its bounds, and nothing is left in the end.
//!
//! `PUBSUB_HUB_SEED=<n>` runs one again, `PUBSUB_HUB_ATTACKS=<n>` more of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use futures::FutureExt as _;
use pubsub::Hub;
use pubsub::websocket::{HistoryConfig, HubConfig, OutboxConfig, Overflow, Rate};
use pubsub_tests::raw::{self, HANDSHAKE, frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{App, address, in_time, next, until};
use crate::identity::{bind, guarded, spoke_of};

const ATTACKERS: usize = 12;
const MAX_TOPICS: usize = 64;
const ANSWERS: usize = 64 * 1024;
const QUEUE: usize = 256 * 1024;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn text(payload: impl AsRef<str>) -> Vec<u8> {
    frame(0x81, payload.as_ref().as_bytes())
}

fn connect(token: &str) -> Vec<u8> {
    text(format!(r#"{{"type":"__connect","id":"0","payload":{{"protocol":1,"token":"{token}"}}}}"#))
}

fn subscribe(topic: &str) -> Vec<u8> {
    text(raw::subscribe(topic))
}

/// What is sent in one go.
fn attack(random: &mut Rng, name: &str) -> Vec<u8> {
    match random.u8(..22) {
        // No HTTP, or half of it.
        0 => (0..random.usize(..2000)).map(|_| random.u8(..)).collect(),
        1 => b"GET / HTTP/1.1\r\nX: ".iter().copied().chain(std::iter::repeat_n(b'x', 20_000)).collect(),
        // Frames that are none: larger than anything, reserved bits, unknown kinds, unmasked, split control frames.
        2 => [&[0x81, 0x80 | 127][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat(),
        3 => frame(0x81 | random.u8(1..8) << 4, b"{}"),
        4 => frame(0x80 | random.u8(3..8), b"{}"),
        5 => vec![0x81, 2, b'{', b'}'],
        6 => frame(0x09, b"half a ping"),
        7 => frame(0x89, &[0; 126]),
        // A message that never ends, and one that is too large when it does.
        8 => [frame(0x01, b"{"), frame(0x00, &[b' '; 3000]).repeat(30)].concat(),
        9 => text(" ".repeat(70_000)),
        // What is no text, and text that is no JSON, or too much of it.
        10 => frame(0x81, &[b'"', 0xff, 0xfe, b'"']),
        11 => frame(0x82, br#"{"type":"number","id":"a","payload":1}"#),
        12 => text(format!(
            r#"{{"type":"number","id":"a","payload":{}1{}}}"#,
            "[".repeat(20_000),
            "]".repeat(20_000)
        )),
        13 => text(r#"{"type":"number","id":"a","payload":"#),
        // Ten thousand subscriptions, in many commands and in few.
        14 => (0..1000).flat_map(|_| subscribe(&format!("number:{}", random.u32(..)))).collect(),
        15 => {
            let one = |id: usize| format!(r#"{{"topic":"other:{id}"}}"#);
            let all = (0..2000).map(one).collect::<Vec<_>>().join(",");
            text(format!(r#"{{"type":"__subscribe","id":"s","payload":{{"topics":[{all}]}}}}"#)).repeat(5)
        }
        // What is another's.
        16 => {
            [subscribe("session.status:ada"), subscribe("session.status"), subscribe("session.status:@self")]
                .concat()
        }
        17 => text(r#"{"type":"session.status","id":"ada","payload":{"state":"forged"}}"#).repeat(10),
        18 => connect(["forged", "token-of-", "token-of-a:b", "token-of-@self"][random.usize(..4)]),
        // One id again and again, and one that others may use.
        19 => {
            let event =
                r#"{"type":"other","id":"x","eventId":"0191e0a5-3c4e-7b2a-9f00-5d6e7f809102","payload":1}"#;
            text(event).repeat(200)
        }
        // Types, until there is no room for another; and much to be delivered to who does not read.
        20 => (0..100)
            .flat_map(|_| text(format!(r#"{{"type":"t{}","id":"","payload":0}}"#, random.u16(..))))
            .collect(),
        _ => {
            let event = format!(r#"{{"type":"other","id":"{name}","payload":"{}"}}"#, "x".repeat(20_000));
            [subscribe("other"), text(event).repeat(30)].concat()
        }
    }
}

/// Connects, does this and that, reads or does not, and is closed or goes.
async fn attacker(address: SocketAddr, mut random: Rng, left: Arc<AtomicUsize>) {
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        let name = format!("mallory{}", random.u8(..4));
        let mut sent = match random.u8(..8) {
            0 => Vec::new(),
            _ => HANDSHAKE.as_bytes().to_vec(),
        };
        if random.u8(..4) > 0 {
            sent.extend(connect(&format!("token-of-{name}")));
        }
        for _ in 0..random.usize(1..6) {
            sent.extend(attack(&mut random, &name));
        }
        // Half of it, and then nothing more.
        if random.u8(..4) == 0 {
            sent.truncate(random.usize(..=sent.len()));
        }
        let reads = random.bool();
        let slowly = random.u8(..6) == 0;
        // A few stay for longer than they may.
        let limit = Duration::from_millis(if random.u8(..20) == 0 { 3_000 } else { random.u64(1..400) });
        let work = async {
            let (mut from, mut to) = stream.split();
            let writes = async {
                if slowly {
                    for byte in &sent {
                        to.write_all(&[*byte]).await?;
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                } else {
                    to.write_all(&sent).await?;
                }
                std::future::pending::<std::io::Result<()>>().await
            };
            let reading = async {
                let mut room = [0; 4096];
                while reads && !matches!(from.read(&mut room).await, Ok(0) | Err(_)) {}
                if !reads {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! { _ = writes => {}, () = reading => {} }
        };
        // Its patience is part of the attack.
        let _ = tokio::time::timeout(limit, work).await;
    }
}

fn hub_config() -> HubConfig {
    HubConfig {
        max_topics: MAX_TOPICS,
        max_types: 32,
        max_connections: 64,
        max_connections_per_identity: 4,
        direct: ["session.status".into()].into(),
        rate: Some(Rate::new(100_000, 20_000)),
        // The neighbours have to be let in too, and not given up, on a machine that all this keeps busy.
        handshake_timeout: Duration::from_secs(2),
        stall_timeout: Duration::from_secs(2),
        outbox: OutboxConfig { bytes: QUEUE, hard_bytes: QUEUE, answer_bytes: ANSWERS },
        overflow_of: [("other".into(), Overflow::DropOldest)].into(),
        history: HistoryConfig { events: 256, ..HistoryConfig::default() },
        ..HubConfig::default()
    }
}

/// What the hub holds of all that was sent to it.
fn check(hub: &Hub) {
    let stats = hub.stats();
    assert!(stats.connections <= 64 && stats.subscriptions <= 64 * MAX_TOPICS, "{stats:?}");
    assert!(stats.topics.len() <= 32, "{stats:?}");
    for queue in &stats.queues {
        // What is the last in a queue may be beyond it, and be as long as a message may be.
        assert!(queue.queued_bytes <= QUEUE + ANSWERS + 2 * 65_536, "{queue:?}");
    }
    for topic in &stats.topics {
        assert!(topic.history <= 256, "{topic:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malicious_clients_best_effort() {
    let seed = number("PUBSUB_HUB_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("PUBSUB_HUB_SEED={seed}");
    let hub = bind(guarded(hub_config())).await;
    let (ada, bob) =
        (spoke_of(address(&hub), "token-of-ada").await, spoke_of(address(&hub), "token-of-bob").await);
    let mut inbox = ada.subscribe(App::SESSION_STATUS.id_self()).await.expect("subscribed");
    let mut numbers = bob.subscribe(App::NUMBER.id("neighbours")).bound(1 << 16).await.expect("subscribed");
    let mut errors = bob.errors();

    // Before there is no room for another type.
    ada.publish(App::OTHER, "a", 0).await.expect("published");

    let left = Arc::new(AtomicUsize::new(number("PUBSUB_HUB_ATTACKS").unwrap_or(400) as usize));
    let mut random = Rng::with_seed(seed);
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|_| tokio::spawn(attacker(address(&hub), random.fork(), Arc::clone(&left))))
        .collect();
    let over = Arc::new(AtomicBool::new(false));
    let publisher = tokio::spawn({
        let (ada, over) = (ada.clone(), Arc::clone(&over));
        async move {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                ada.publish(App::NUMBER, "neighbours", count).await.expect("published");
                count += 1;
            }
            count
        }
    });
    let mut expected = 0;
    while !attackers.iter().all(tokio::task::JoinHandle::is_finished) {
        check(&hub);
        tokio::time::sleep(Duration::from_millis(5)).await;
        // As they come, however long the attack is: a subscription holds no more than its bound.
        while let Ok(event) = numbers.try_next() {
            assert_eq!((event.payload, event.missed), (expected, 0));
            expected += 1;
        }
    }
    for attacker in attackers {
        attacker.await.expect("it ends");
    }
    over.store(true, Ordering::Relaxed);
    let count = in_time("publisher", publisher).await.expect("it ends");
    for expected in expected..count {
        let event = next(&mut numbers).await;
        assert_eq!((event.payload, event.missed), (expected, 0));
    }
    ada.publish(App::SESSION_STATUS, "@self", crate::harness::status("own")).await.expect("published");
    assert_eq!(next(&mut inbox).await.payload, crate::harness::status("own"), "and nothing forged before it");
    assert!(numbers.is_empty() && errors.next().now_or_never().is_none(), "nothing was lost on the way");
    let stats = hub.stats();
    println!(
        "{count} events of the neighbours, {} slow consumers, {} gaps",
        stats.slow_consumers, stats.gaps
    );
    until("the neighbours alone", || hub.connections().len() == 2).await;
    assert_eq!(hub.subscriptions(), 2);
    in_time("close", hub.close()).await;
    assert!(hub.connections().is_empty());
}
