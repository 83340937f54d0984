//! Streams: what is kept comes, once and in order, and what is kept no more is told.

use std::collections::HashSet;
use std::time::Duration;

use pubsub_transports::redis::{Redis, RedisBuilder, Retention};
use pubsub_transports::{Gap, GapReason, Patience, Position, SendError, Start};

use crate::harness::{Peer, Proxy, Recorder, Said, Server, address, envelope, times};

mod faults;
mod quiet;
mod random;
mod replay;

#[cfg(feature = "redis-cluster")]
pub(crate) use self::faults::check;

fn quick(retention: Retention) -> RedisBuilder {
    times::quick(Redis::durable(retention))
}

async fn peer(server: &Server) -> Peer {
    Peer::new(quick(Retention::default()).connect(server.url()).await.expect("a connection"))
}

/// The gaps that were told, in order.
fn gaps(heard: &Recorder) -> Vec<(String, Gap)> {
    let gap = |said| match said {
        Said::Gap(address, gap) => Some((address.expect("a durable gap has an address"), gap)),
        _ => None,
    };
    heard.all().into_iter().filter_map(gap).collect()
}

fn evicted(address: &str, missed: u64) -> (String, Gap) {
    (address.to_owned(), Gap::new(GapReason::Evicted, Some(missed)))
}

fn epoch(address: &str) -> (String, Gap) {
    (address.to_owned(), Gap::new(GapReason::Epoch, None))
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

async fn publish(peer: &Peer, range: std::ops::Range<u64>) {
    for number in range {
        peer.publish("a", "1", &number.to_string()).await;
    }
}

#[tokio::test]
async fn an_event_comes_once_with_its_position_however_it_is_followed() {
    let server = Server::start();
    let (here, there) = (peer(&server).await, peer(&server).await);
    here.subscribe(&["a:1", "a", "b:2"]).await;
    there.subscribe(&["a:2"]).await;
    for number in 0..100 {
        here.publish("a", "1", &number.to_string()).await;
    }
    there.publish("a", "2", "\"two\"").await;
    there.publish("b", "1", "\"nobody\"").await;
    there.publish("b", "2", "\"last\"").await;
    here.heard.events(102).await;
    there.heard.events(1).await;
    assert_eq!(here.heard.payloads("a:1"), numbers(0..100));
    assert_eq!(here.heard.payloads("a:2"), ["\"two\""]);
    assert_eq!(here.heard.payloads("b:2"), ["\"last\""]);
    assert_eq!(there.heard.payloads("a:2"), ["\"two\""]);
    let positions = here.heard.positions();
    let offsets: Vec<_> = positions.iter().take(101).map(Position::offset).collect();
    assert_eq!(offsets, (1..=101).collect::<Vec<_>>());
    assert!(positions[..101].iter().all(|position| position.epoch() == positions[0].epoch()));
    assert_eq!(positions[101].offset(), 2, "another stream counts for itself");
    assert_eq!((gaps(&here.heard), gaps(&there.heard)), (vec![], vec![]));
    assert_eq!((here.close().await, there.close().await), (0, 0));
    assert_eq!(server.cli(&["CLIENT", "LIST"]).lines().count(), 1, "only redis-cli is connected");
}

#[tokio::test]
async fn foreign_publishers_need_to_know_no_more_than_the_two_fields() {
    let server = Server::start();
    let peer = peer(&server).await;
    peer.subscribe(&["a:1"]).await;
    for fields in [
        vec!["id", "1", "event", r#"{"type":"a","id":"1","payload":7}"#],
        vec!["event", r#"{"type":"a","id":"1","payload":8}"#],
        vec!["id", "1", "event", "not json {"],
        vec!["id", "1", "event", r#"{"type":"a","id":"2","payload":9}"#],
        vec!["event", r#"{"type":"b","id":"1","payload":9}"#],
        vec!["id", "1", "something", "else"],
        vec!["id", "1", "event", r#"{"type":"a","id":"1","payload":10}"#],
    ] {
        server.cli(&[&["XADD", "{a}", "NOMKSTREAM", "*"], &fields[..]].concat());
    }
    peer.heard.events(3).await;
    assert_eq!(peer.heard.payloads("a:1"), ["7", "8", "10"]);
    let is_bad = |said: &&Said| matches!(said, Said::Undecodable(_));
    assert_eq!(peer.heard.all().iter().filter(is_bad).count(), 4);
    assert_eq!(gaps(&peer.heard), []);
}

#[tokio::test]
async fn what_is_larger_than_is_read_is_passed_over_and_told() {
    let server = Server::start();
    let small = quick(Retention::default()).inbound_bytes(4096);
    let peer = Peer::new(small.connect(server.url()).await.expect("a connection"));
    peer.subscribe(&["a:1"]).await;
    let text = format!("\"{}\"", "x".repeat(10_000));
    for payload in ["1", &text, "2"] {
        peer.publish("a", "1", payload).await;
    }
    peer.heard.events(2).await;
    assert_eq!(peer.heard.payloads("a:1"), ["1", "2"]);
    let is_too_large = |said: &Said| matches!(said, Said::Undecodable(_));
    peer.heard.count("refusal", 1, is_too_large).await;
    assert_eq!(gaps(&peer.heard), []);
}

/// As the first and the last of a stream it is part of what the server says of that.
#[tokio::test]
async fn a_stream_that_ends_with_what_is_larger_than_is_read_is_looked_at_all_the_same() {
    let server = Server::start();
    let small = quick(Retention::default()).inbound_bytes(4096);
    let peer = Peer::new(small.connect(server.url()).await.expect("a connection"));
    peer.subscribe(&["a"]).await;
    let text = format!("\"{}\"", "x".repeat(10_000));
    peer.publish("a", "1", &text).await;
    server.cli(&["XTRIM", "{a}", "MAXLEN", "1"]);
    let looks = || {
        let stats = server.cli(&["INFO", "commandstats"]);
        let count = stats.lines().find_map(|line| line.strip_prefix("cmdstat_xinfo|stream:calls="));
        count.and_then(|rest| rest.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let before = looks();
    crate::harness::until("it is looked at", async || looks() > before + 2).await;
    peer.subscribe(&["b"]).await;
    peer.publish("b", "1", "7").await;
    peer.heard.events(1).await;
    let is_loss = |said: &Said| matches!(said, Said::Reconnecting(..) | Said::Gap(..));
    assert!(!peer.heard.all().iter().any(is_loss), "{}", peer.heard.story());
}

#[tokio::test]
async fn old_events_are_dropped_by_count_and_by_age() {
    let server = Server::start();
    let few = Peer::new(quick(Retention::last(10)).connect(server.url()).await.expect("a connection"));
    publish(&few, 0..1_000).await;
    let kept: u64 = server.cli(&["XLEN", "{a}"]).parse().expect("a number");
    assert!((10..=210).contains(&kept), "{kept} are kept");
    let brief = quick(Retention::age(Duration::from_millis(20))).connect(server.url()).await;
    let brief = Peer::new(brief.expect("a connection"));
    brief.publish("b", "1", "0").await;
    crate::harness::until("older events are gone", async || {
        for number in 0..100 {
            brief.publish("b", "1", &number.to_string()).await;
        }
        let first = server.cli(&["XRANGE", "{b}", "-", "+", "COUNT", "1"]);
        first.lines().next().is_some_and(|id| !id.ends_with("-0"))
    })
    .await;
}

#[tokio::test]
async fn age_counts_however_briefly_those_live_who_publish() {
    let server = Server::start();
    crate::harness::until("older events are gone", async || {
        let retention = Retention::age(Duration::from_millis(500));
        let brief = Peer::new(quick(retention).connect(server.url()).await.expect("a connection"));
        let sends: Vec<_> = (0..150).map(|_| brief.send("a", "1", "0", Patience::Wait)).collect();
        for send in sends {
            send.await.expect("published");
        }
        brief.close().await;
        let first = server.cli(&["XRANGE", "{a}", "-", "+", "COUNT", "1"]);
        first.lines().next().is_some_and(|id| !id.ends_with("-0"))
    })
    .await;
}

/// No epoch comes after the last that there can be.
#[tokio::test]
async fn a_stream_that_can_begin_no_epoch_is_refused_alone() {
    let server = Server::start();
    server.cli(&["XADD", "{a}", "18446744073709551615-1", "id", "1", "event", "1"]);
    let peer = peer(&server).await;
    let request = peer.ask(&["a", "b"]);
    peer.heard.subscribed(request).await;
    let is_refusal = |said: &Said| matches!(said, Said::Refused(address, _) if address == "a");
    peer.heard.count("refusal", 1, is_refusal).await;
    peer.publish("b", "1", "1").await;
    peer.heard.events(1).await;
    peer.publish("a", "1", "1").await;
}

#[tokio::test]
async fn what_the_server_does_not_allow_is_refused_alone() {
    let server = Server::with(&["--user", "me", "on", ">pw", "+@all", "~{a}*", "~{bad}*", "&*"]);
    let mine = quick(Retention::default()).credentials("me", "pw").connect(server.url()).await;
    let mine = Peer::new(mine.expect("a connection"));
    server.cli(&["SET", "{bad}", "no stream"]);
    let request = mine.ask(&["a:1", "b:1", "bad:1"]);
    mine.heard.subscribed(request).await;
    let refused = mine.heard.all().into_iter().filter_map(|said| match said {
        Said::Refused(address, code) => Some((address, code.as_str().to_owned())),
        _ => None,
    });
    let mut refused: Vec<_> = refused.collect();
    refused.sort();
    let expected = [("b:1", "denied"), ("bad:1", "WRONGTYPE")]
        .map(|(address, code)| (address.to_owned(), code.to_owned()));
    assert_eq!(refused, expected);
    let error = mine.send("b", "1", "1", Patience::Wait).await.expect_err("not allowed");
    assert!(matches!(error, SendError::Rejected(_)), "{error:?}");
    mine.publish("a", "1", "1").await;
    mine.heard.events(1).await;
    // It is taken away while it is read.
    server.cli(&["ACL", "SETUSER", "me", "resetkeys", "~c"]);
    mine.heard.count("refusal", 3, |said| matches!(said, Said::Refused(..))).await;
}

/// What the book says that a user needs who adds to streams and reads them.
pub(crate) const RIGHTS: &str = "+ping +info +client|id +client|unblock +time +get +set +watch +unwatch +multi +exec +xadd +xread +xinfo|stream";

#[tokio::test]
async fn the_rights_that_the_book_names_are_enough() {
    let server = Server::start();
    let of_age = "+eval +lindex +lpop +rpush +xtrim";
    for (rights, retention) in [
        (format!("~shop:* {RIGHTS}"), Retention::last(1_000)),
        (format!("~shop:* {RIGHTS} {of_age}"), Retention::age(Duration::from_millis(20))),
    ] {
        let words: Vec<&str> = rights.split_whitespace().collect();
        assert_eq!(server.cli(&[&["ACL", "SETUSER", "shop", "on", ">secret"], &words[..]].concat()), "OK");
        let builder = quick(retention).prefix("shop:").credentials("shop", "secret");
        let peer = Peer::new(builder.connect(server.url()).await.expect("a connection"));
        peer.subscribe(&["a", "b:1"]).await;
        publish(&peer, 0..300).await;
        peer.heard.events(300).await;
        server.cli(&["DEL", "shop:{a}"]);
        peer.heard.gaps(1).await;
        if retention.max_age().is_some() {
            crate::harness::until("older events are gone", async || {
                publish(&peer, 0..100).await;
                let first = server.cli(&["XRANGE", "shop:{a}", "-", "+", "COUNT", "1"]);
                first.lines().next().is_some_and(|id| !id.ends_with("-0"))
            })
            .await;
        }
        let denied =
            |said: &Said| matches!(said, Said::Refused(..) | Said::NotSent(..) | Said::Reconnecting(..));
        assert!(!peer.heard.all().iter().any(denied), "{}", peer.heard.story());
        assert_eq!(peer.close().await, 0);
        assert_eq!(server.cli(&["ACL", "LOG"]), "", "nothing was denied");
        server.cli(&["FLUSHALL"]);
    }
}

#[tokio::test]
async fn who_may_only_read_reads() {
    let acl = [
        "--user",
        "me",
        "on",
        ">pw",
        "~*",
        "&*",
        "-@all",
        "+ping",
        "+info",
        "+client|id",
        "+xinfo",
        "+xread",
    ];
    let server = Server::with(&acl);
    let reader = quick(Retention::default()).credentials("me", "pw").connect(server.url()).await;
    let (reader, writer) = (Peer::new(reader.expect("a connection")), peer(&server).await);
    reader.subscribe(&["a"]).await;
    publish(&writer, 0..10).await;
    reader.heard.events(10).await;
    reader.subscribe(&["b"]).await;
    writer.publish("b", "1", "10").await;
    reader.heard.events(11).await;
    assert_eq!(gaps(&reader.heard), []);
}
