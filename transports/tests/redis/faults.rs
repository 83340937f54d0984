//! Servers and networks that fail: what arrives is what was promised, in order, and every loss is told once.

use std::collections::HashSet;
use std::time::Duration;

use pubsub_transports::redis::{Redis, RedisBuilder};
use pubsub_transports::{ErrorCode, GapReason, Patience, SendError};

use crate::harness::{Peer, Proxy, Recorder, Said, Server, envelope, proxy::Mode, times};

fn quick() -> RedisBuilder {
    times::quick(Redis::builder())
}

fn hasty() -> RedisBuilder {
    times::hasty(Redis::builder())
}

/// Publishes numbers to `a:1`, one after the other, until it is told to end.
pub(crate) struct Numbers {
    stop: tokio::sync::oneshot::Sender<()>,
    task: tokio::task::JoinHandle<(HashSet<u64>, u64)>,
}

impl Numbers {
    pub(crate) fn publish(peer: Peer) -> Self {
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let (mut accepted, mut next) = (HashSet::new(), 0);
            while stopped.try_recv().is_err() {
                match peer.send("a", "1", &next.to_string(), Patience::Wait).await {
                    Ok(()) => _ = accepted.insert(next),
                    Err(SendError::Ambiguous | SendError::NotSent) => {}
                    // As a cluster says while it chooses who is to serve.
                    Err(SendError::Rejected(rejection)) if rejection.is_retryable() => {}
                    Err(error) => panic!("{error}"),
                }
                next += 1;
                // So that a server is not all that the machine is busy with.
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            (accepted, next)
        });
        Self { stop, task }
    }

    /// The numbers that were accepted, and the next one.
    pub(crate) async fn end(self) -> (HashSet<u64>, u64) {
        self.stop.send(()).expect("it publishes");
        self.task.await.expect("it published")
    }
}

/// Holds what was heard against what was accepted: in order, none twice, and every hole behind a gap. The gaps that there
/// were.
pub(crate) fn check(heard: &Recorder, accepted: &HashSet<u64>) -> usize {
    let (mut last, mut gaps, mut told, mut lost) = (None::<u64>, 0, false, false);
    for said in heard.all() {
        match said {
            Said::Event { topic, id, payload } if (topic.as_str(), id.as_str()) == ("a", "1") => {
                let number: u64 = payload.parse().expect("a number");
                assert!(last.is_none_or(|last| last < number), "{number} after {last:?}");
                let hole = last.map_or(0, |last| last + 1)..number;
                let missing: Vec<_> = hole.filter(|number| accepted.contains(number)).collect();
                assert!(
                    missing.is_empty() || told || last.is_none(),
                    "lost without a word: {missing:?} in {}",
                    heard.story()
                );
                (last, told) = (Some(number), false);
            }
            Said::Reconnecting(..) => lost = true,
            Said::Gap(address, gap) => {
                assert_eq!((address, gap.reason, gap.missed), (None, GapReason::Disconnected, None));
                assert!(lost, "a gap without a loss");
                (told, lost) = (true, false);
                gaps += 1;
            }
            _ => {}
        }
    }
    gaps
}

/// The last number that was heard is at least this.
pub(crate) async fn heard_up_to(heard: &Recorder, number: u64) {
    heard
        .until("end", |said| {
            let last = said.iter().rev().find_map(|said| match said {
                Said::Event { payload, .. } => payload.parse::<u64>().ok(),
                _ => None,
            });
            last.filter(|last| *last >= number)
        })
        .await;
}

async fn killed_and_back_after(outage: Duration) {
    let server = Server::start();
    let url = server.url();
    let peer = Peer::connect(&url).await;
    peer.subscribe(&["a:1", "b"]).await;
    let patient =
        Redis::builder().publish_timeout(Duration::from_secs(20)).connect(&url).await.expect("connected");
    let numbers = Numbers::publish(Peer::new(patient));
    heard_up_to(&peer.heard, 50).await;
    server.kill();
    tokio::time::sleep(outage).await;
    server.restart();
    peer.heard.gaps(1).await;
    let so_far = peer.heard.payloads("a:1").len();
    peer.heard.events(so_far + 50).await;
    let (accepted, next) = numbers.end().await;
    peer.publish("a", "1", &next.to_string()).await;
    heard_up_to(&peer.heard, next).await;
    assert_eq!(check(&peer.heard, &accepted), 1);
    peer.publish("b", "1", &(next + 1).to_string()).await;
    heard_up_to(&peer.heard, next + 1).await;
    assert!(peer.heard.is_connected());
}

#[tokio::test]
async fn redis_restart_resubscribes_before_resuming() {
    killed_and_back_after(Duration::ZERO).await;
}

#[tokio::test]
async fn an_outage_of_two_seconds() {
    killed_and_back_after(Duration::from_secs(2)).await;
}

/// redis-rs gives up after six tries; so long an outage shows that we do not.
#[tokio::test]
async fn an_outage_of_twelve_seconds() {
    killed_and_back_after(Duration::from_secs(12)).await;
}

/// The network is cut twice while 5,000 channels are restored: each time with a part of the answers passed on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_cuts_while_5000_channels_are_restored() {
    let server = Server::start();
    let proxy = Proxy::new(server.port, 512).await;
    let peer = Peer::new(quick().connect(proxy.url()).await.expect("connected"));
    let names: Vec<_> = (0..5000).map(|id| format!("c:{id}")).chain(["a:1".into(), "b".into()]).collect();
    peer.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // Some 30 bytes for each of them: once after a third, once after two.
    for answered in [50_000, 100_000] {
        let before = proxy.cut_in_the_middle();
        proxy.cut_after(answered);
        proxy.cut();
        crate::harness::until("cut in the middle", async || proxy.cut_in_the_middle() > before).await;
    }
    proxy.cut_after(usize::MAX);
    // The last may have been made before that.
    proxy.cut();
    let restored = async {
        while server.followed().0.len() < 5001 || !peer.heard.is_connected() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::harness::DEADLINE, restored).await.expect("all is restored");
    let mut raw = server.raw();
    let before = peer.heard.gaps_so_far();
    for id in 0..5000 {
        assert_eq!(
            raw.publish(format!("c:{id}").as_bytes(), envelope("c", &id.to_string(), "1").as_bytes()),
            1
        );
    }
    assert_eq!(raw.publish(b"b:1", envelope("b", "1", "1").as_bytes()), 1);
    peer.heard.events(5001).await;
    assert_eq!(peer.heard.gaps_so_far(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_kills_while_5000_channels_are_restored() {
    let server = Server::start();
    let peer = Peer::new(quick().connect(server.url()).await.expect("connected"));
    let names: Vec<_> = (0..5000).map(|id| format!("c:{id}")).collect();
    peer.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for _ in 0..3 {
        server.kill();
        server.restart();
        // It answers, and is killed again at once: clients are anywhere between connecting and all restored.
    }
    let restored = async {
        while server.followed().0.len() < 5000 || !peer.heard.is_connected() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::harness::DEADLINE, restored).await.expect("all is restored");
    peer.heard.gaps(1).await;
    let mut raw = server.raw();
    for id in 0..5000 {
        assert_eq!(
            raw.publish(format!("c:{id}").as_bytes(), envelope("c", &id.to_string(), "1").as_bytes()),
            1
        );
    }
    peer.heard.events(5000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_are_killed_under_load() {
    let server = Server::start();
    let peer = Peer::new(quick().connect(server.url()).await.expect("connected"));
    peer.subscribe(&["a:1"]).await;
    let numbers = Numbers::publish(Peer::connect(&server.url()).await);
    for kill in 1..=5 {
        let so_far = peer.heard.payloads("a:1").len();
        peer.heard.events(so_far + 100).await;
        assert_eq!(server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]), "1");
        peer.heard.gaps(kill).await;
    }
    let (accepted, next) = numbers.end().await;
    peer.publish("a", "1", &next.to_string()).await;
    heard_up_to(&peer.heard, next).await;
    assert_eq!(check(&peer.heard, &accepted), 5, "one for each kill");
}

#[tokio::test]
async fn the_other_connection_may_be_killed_without_a_gap() {
    let server = Server::start();
    let peer = Peer::new(quick().connect(server.url()).await.expect("connected"));
    peer.subscribe(&["a:1"]).await;
    assert_eq!(server.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]), "1");
    peer.heard.receive_only().await;
    peer.heard.count("connection", 2, |said| matches!(said, Said::Connected)).await;
    peer.publish("a", "1", "1").await;
    peer.heard.events(1).await;
    assert_eq!(peer.heard.gaps_so_far(), 0);
}

/// A server that is busy for less than the answer timeout loses nobody; for longer, everybody, who come back.
#[tokio::test]
async fn a_server_that_sleeps() {
    let server = Server::start();
    let peer = Peer::new(quick().connect(server.url()).await.expect("connected"));
    let hasty = Peer::new(hasty().connect(server.url()).await.expect("connected"));
    for peer in [&peer, &hasty] {
        peer.subscribe(&["a:1"]).await;
    }
    let mut raw = server.raw();
    raw.send(&[b"DEBUG", b"SLEEP", b"1"]);
    hasty.heard.gaps(1).await;
    peer.publish("a", "1", "1").await;
    peer.heard.events(1).await;
    hasty.heard.events(1).await;
    assert_eq!(peer.heard.gaps_so_far(), 0);
}

#[tokio::test]
async fn a_server_that_is_stopped_and_goes_on() {
    let server = Server::start();
    let peer = Peer::new(hasty().connect(server.url()).await.expect("connected"));
    peer.subscribe(&["a:1", "b"]).await;
    server.signal("STOP");
    peer.heard.count("some tries", 1, |said| matches!(said, Said::Reconnecting(3.., _))).await;
    // Asked for during the outage: it has lost nothing.
    let request = peer.ask(&["c:1"]);
    server.signal("CONT");
    peer.heard.subscribed(request).await;
    peer.publish("a", "1", "1").await;
    peer.heard.events(1).await;
    assert!(peer.heard.gaps_so_far() >= 1);
}

#[tokio::test]
async fn a_loss_of_nothing_is_no_gap() {
    let server = Server::start();
    let peer = Peer::new(quick().connect(server.url()).await.expect("connected"));
    server.kill();
    peer.heard.reconnecting().await;
    let request = peer.ask(&["a:1"]);
    server.restart();
    peer.heard.subscribed(request).await;
    peer.publish("a", "1", "1").await;
    peer.heard.events(1).await;
    assert_eq!(peer.heard.gaps_so_far(), 0);
}

#[tokio::test]
async fn a_black_hole_is_noticed_on_both_connections() {
    let server = Server::start();
    let proxy = Proxy::new(server.port, usize::MAX).await;
    let peer = Peer::new(hasty().connect(proxy.url()).await.expect("connected"));
    peer.subscribe(&["a:1"]).await;
    proxy.set(Mode::BlackHole);
    // Idle, nobody would ever hear of it.
    peer.heard.count("some tries", 1, |said| matches!(said, Said::Reconnecting(2.., _))).await;
    proxy.set(Mode::Pass);
    peer.heard.gaps(1).await;
    peer.publish("a", "1", "1").await;
    peer.heard.events(1).await;
}

#[tokio::test]
async fn frames_are_split_at_each_byte() {
    let server = Server::start();
    let proxy = Proxy::new(server.port, 1).await;
    let peer = Peer::connect(&proxy.url()).await;
    peer.subscribe(&["a:1", "b"]).await;
    for number in 0..100 {
        peer.publish("a", "1", &number.to_string()).await;
        peer.publish("b", "ß", &number.to_string()).await;
    }
    peer.heard.events(200).await;
    let numbers: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    assert_eq!((peer.heard.payloads("a:1"), peer.heard.payloads("b:ß")), (numbers.clone(), numbers));
}

/// A reader that stops is disconnected by the server, and told of it as of any other loss.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_buffer_overflows() {
    let server = Server::with(&["--client-output-buffer-limit", "pubsub 1mb 512kb 1"]);
    let proxy = Proxy::new(server.port, usize::MAX).await;
    let patient = Redis::builder().backoff(Duration::from_millis(5), Duration::from_millis(50));
    let peer = Peer::new(patient.connect(proxy.url()).await.expect("connected"));
    peer.subscribe(&["a:1"]).await;
    proxy.set(Mode::Stall);
    let mut raw = server.raw();
    let padding = "x".repeat(30_000);
    let mut number = 0;
    while raw.publish(b"a:1", envelope("a", "1", &format!("\"{number} {padding}\"")).as_bytes()) == 1 {
        number += 1;
    }
    proxy.set(Mode::Pass);
    peer.heard.gaps(1).await;
    raw.publish(b"a:1", envelope("a", "1", "\"after\"").as_bytes());
    peer.heard
        .count("end", 1, |said| matches!(said, Said::Event { payload, .. } if payload == "\"after\""))
        .await;
    let all = peer.heard.all();
    let gap = all.iter().position(|said| matches!(said, Said::Gap(..))).expect("a gap");
    let events = all[..gap].iter().filter(|said| matches!(said, Said::Event { .. })).count();
    assert!(events < number, "{events} of {number} arrived");
    assert_eq!(peer.heard.gaps_so_far(), 1);
}

#[tokio::test]
async fn permissions_that_change() {
    let server = Server::with(&["--user", "me", "on", ">pw", "+@all", "resetchannels", "&a:*", "&b:*"]);
    let builder = quick().credentials("me", "pw");
    let peer = Peer::new(builder.clone().connect(server.url()).await.expect("connected"));
    // What is not allowed from the start is refused, and nothing else.
    let request = peer.ask(&["a:1", "c:1", "b", "c"]);
    peer.heard.count("refusals", 2, |said| matches!(said, Said::Refused(_, ErrorCode::Denied))).await;
    peer.heard.subscribed(request).await;
    let refused: Vec<_> = peer
        .heard
        .all()
        .into_iter()
        .filter_map(|said| match said {
            Said::Refused(address, _) => Some(address),
            _ => None,
        })
        .collect();
    assert!(refused.iter().all(|address| ["c:1", "c"].contains(&address.as_str())), "{refused:?}");
    // Redis disconnects who follows what is not allowed any more.
    server.cli(&["ACL", "SETUSER", "me", "resetchannels", "&a:*"]);
    peer.heard.count("refusals", 3, |said| matches!(said, Said::Refused(..))).await;
    assert!(
        matches!(peer.heard.all().iter().rfind(|said| matches!(said, Said::Refused(..))), Some(Said::Refused(address, _)) if address == "b")
    );
    peer.heard.gaps(1).await;
    peer.publish("a", "1", "1").await;
    peer.heard.events(1).await;
    // Another password: nobody is let in, and tries go on until they are.
    server.cli(&["ACL", "SETUSER", "me", "resetpass", ">other"]);
    server.cli(&["CLIENT", "KILL", "USER", "me"]);
    peer.heard
        .count("refused tries", 3, |said| {
            matches!(said, Said::Reconnecting(1.., pubsub_transports::ConnectError::Unauthenticated { .. }))
        })
        .await;
    server.cli(&["ACL", "SETUSER", "me", ">pw"]);
    peer.heard.gaps(2).await;
    peer.publish("a", "1", "2").await;
    peer.heard.events(2).await;
}

/// A server in its place that is no Redis: told, and tried again until it is one.
#[tokio::test]
async fn a_server_that_becomes_another_and_comes_back() {
    let server = Server::start();
    let peer = Peer::new(quick().connect(server.url()).await.expect("connected"));
    peer.subscribe(&["a:1"]).await;
    server.kill();
    let other = tokio::net::TcpListener::bind(("127.0.0.1", server.port)).await.expect("the port");
    let task = tokio::spawn(async move {
        loop {
            use tokio::io::AsyncWriteExt as _;
            let (mut stream, _) = other.accept().await.expect("a client");
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    peer.heard
        .count("two tries", 2, |said| {
            matches!(said, Said::Reconnecting(1.., pubsub_transports::ConnectError::Protocol { .. }))
        })
        .await;
    task.abort();
    let _ = task.await;
    server.restart();
    peer.heard.gaps(1).await;
    peer.publish("a", "1", "1").await;
    peer.heard.events(1).await;
}

#[tokio::test]
async fn closing_during_an_outage_ends_in_time() {
    let server = Server::start();
    let peer = Peer::new(
        hasty().close_timeout(Duration::from_millis(300)).connect(server.url()).await.expect("connected"),
    );
    peer.subscribe(&["a:1"]).await;
    server.signal("STOP");
    peer.heard.reconnecting().await;
    assert_eq!(peer.close().await, 0);
    assert!(matches!(peer.heard.all().last(), Some(Said::Closed)));
    server.signal("CONT");
}
