//! Histories that lose something under who reads them.

use super::*;

/// Reads through a network that can be stopped, so that it lags behind.
async fn behind(server: &Server) -> (Proxy, Peer) {
    let proxy = Proxy::new(server.port, usize::MAX).await;
    let reader = Peer::new(quick(Retention::default()).connect(proxy.url()).await.expect("a connection"));
    (proxy, reader)
}

#[tokio::test]
async fn a_connection_that_is_lost_loses_nothing() {
    let server = Server::start();
    let (proxy, reader) = behind(&server).await;
    let writer = peer(&server).await;
    reader.subscribe(&["a:1", "b"]).await;
    let mut next = 0;
    for _ in 0..10 {
        publish(&writer, next..next + 50).await;
        proxy.cut();
        publish(&writer, next + 50..next + 100).await;
        next += 100;
    }
    reader.heard.events(1_000).await;
    assert_eq!(reader.heard.payloads("a:1"), numbers(0..1_000));
    assert_eq!(gaps(&reader.heard), []);
}

#[tokio::test]
async fn history_evicted_says_so() {
    let server = Server::start();
    let (proxy, reader) = behind(&server).await;
    let writer = Peer::new(quick(Retention::last(100)).connect(server.url()).await.expect("a connection"));
    reader.subscribe(&["a", "a:1"]).await;
    publish(&writer, 0..10).await;
    reader.heard.events(10).await;
    proxy.set(crate::harness::proxy::Mode::Refuse);
    proxy.cut();
    publish(&writer, 10..1_000).await;
    let first = server.cli(&["XRANGE", "{a}", "-", "+", "COUNT", "1"]);
    let first: u64 = first.lines().next().and_then(|id| id.split('-').nth(1)?.parse().ok()).expect("an id");
    proxy.set(crate::harness::proxy::Mode::Pass);
    let left = 1_001 - first;
    reader.heard.events(10 + usize::try_from(left).expect("few")).await;
    let expected = [numbers(0..10), numbers(1_000 - left..1_000)].concat();
    assert_eq!(reader.heard.payloads("a:1"), expected);
    let of_one = ("a:1".to_owned(), Gap::new(GapReason::Evicted, None));
    assert_eq!(gaps(&reader.heard), [evicted("a", first - 11), of_one]);
}

#[tokio::test]
async fn trimmed_deleted_and_flushed_under_a_reader() {
    let server = Server::start();
    let (proxy, reader) = behind(&server).await;
    let writer = peer(&server).await;
    reader.subscribe(&["a"]).await;
    publish(&writer, 0..10).await;
    reader.heard.events(10).await;
    let lag = async |range| {
        proxy.set(crate::harness::proxy::Mode::Refuse);
        proxy.cut();
        publish(&writer, range).await;
    };
    // XTRIM: 10 of 20 are gone.
    lag(10..30).await;
    server.cli(&["XTRIM", "{a}", "MAXLEN", "10"]);
    proxy.set(crate::harness::proxy::Mode::Pass);
    reader.heard.events(20).await;
    assert_eq!(gaps(&reader.heard), [evicted("a", 10)]);
    // All that was missed is trimmed, and nothing follows.
    lag(30..40).await;
    server.cli(&["XTRIM", "{a}", "MAXLEN", "0"]);
    proxy.set(crate::harness::proxy::Mode::Pass);
    reader.heard.gaps(2).await;
    assert_eq!(gaps(&reader.heard)[1..], [evicted("a", 10)]);
    publish(&writer, 40..41).await;
    reader.heard.events(21).await;
    // DEL: nobody knows what was there. The reader begins the next epoch, although nothing is published.
    for (number, command) in [&["DEL", "{a}"][..], &["FLUSHALL"]].into_iter().enumerate() {
        server.cli(command);
        reader.heard.gaps(3 + number).await;
        assert_eq!(gaps(&reader.heard)[2 + number..], [epoch("a")]);
    }
    while writer.send("a", "1", "41", Patience::Wait).await.is_err() {}
    reader.heard.events(22).await;
    assert_eq!(reader.heard.payloads("a:1"), [numbers(0..10), numbers(20..30), numbers(40..42)].concat());
    assert_eq!(gaps(&reader.heard).len(), 4);
}

/// Whoever makes it anew does so with lesser ids, so that nothing of it would ever come.
#[tokio::test]
async fn a_stream_that_is_deleted_beside_a_busy_one_is_a_gap() {
    let server = Server::start();
    let patient = quick(Retention::default())
        .ping_interval(Duration::from_millis(500))
        .answer_timeout(Duration::from_secs(2));
    let reader = Peer::new(patient.connect(server.url()).await.expect("a connection"));
    let (writer, busy) = (peer(&server).await, peer(&server).await);
    reader.subscribe(&["a", "b"]).await;
    publish(&writer, 0..10).await;
    reader.heard.events(10).await;
    let busy = tokio::spawn(async move {
        loop {
            busy.publish("b", "1", "\"b\"").await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    server.cli(&["DEL", "{a}"]);
    let event = r#"{"type":"a","id":"1","payload":10}"#;
    server.cli(&["XADD", "{a}", "*", "id", "1", "event", event]);
    reader.heard.gaps(1).await;
    let is_event = |said: &Said| matches!(said, Said::Event { topic, .. } if topic == "a");
    reader.heard.count("event of the new stream", 11, is_event).await;
    assert_eq!((gaps(&reader.heard), reader.heard.payloads("a:1")), (vec![epoch("a")], numbers(0..11)));
    // From then on it is one of ours again, which counts up.
    crate::harness::until("an epoch begins", async || server.cli(&["XLEN", "{a}"]) == "2").await;
    publish(&writer, 11..20).await;
    reader.heard.count("events", 20, is_event).await;
    assert_eq!(gaps(&reader.heard), [epoch("a")]);
    // And if nobody makes it anew.
    server.cli(&["DEL", "{a}"]);
    reader.heard.gaps(2).await;
    assert_eq!(gaps(&reader.heard), vec![epoch("a"); 2]);
    busy.abort();
}

/// An event that is gone before it could be read does not hold up the end, however long a read may wait.
#[tokio::test]
async fn closing_does_not_wait_for_what_is_gone() {
    let server = Server::start();
    let (long, longer) = (2 * crate::harness::DEADLINE, 4 * crate::harness::DEADLINE);
    let patient =
        quick(Retention::default()).ping_interval(long).answer_timeout(longer).close_timeout(longer);
    let peer = Peer::new(patient.connect(server.url()).await.expect("a connection"));
    peer.subscribe(&["a"]).await;
    publish(&peer, 0..1).await;
    peer.heard.events(1).await;
    let script = "redis.call('XADD', KEYS[1], '*', 'id', '1', 'event', '1') \
                  return redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)";
    assert_eq!(server.cli(&["EVAL", script, "1", "{a}"]), "3", "with the beginning of the epoch");
    assert_eq!(peer.close().await, 0);
    assert_eq!(gaps(&peer.heard), [evicted("a", 1)]);
}

/// As a sentinel or the keeper of a managed server does it: another is the master, and the name leads there.
#[tokio::test]
async fn a_planned_failover_goes_on_at_the_other_server() {
    let (first, second) = (Server::start(), Server::start());
    let name = Proxy::new(first.port, usize::MAX).await;
    let at_the_name =
        async || Peer::new(quick(Retention::default()).connect(name.url()).await.expect("a connection"));
    let reader = at_the_name().await;
    reader.subscribe(&["a", "b"]).await;
    let numbers = crate::faults::Numbers::publish(at_the_name().await);
    let more = async || {
        let so_far = reader.heard.payloads("a:1").len();
        reader.heard.events(so_far + 100).await;
    };
    let (mut master, mut replica) = (&first, &second);
    for _ in 0..2 {
        more().await;
        replica.cli(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
        replica.until_it_replicates();
        replica.cli(&["REPLICAOF", "NO", "ONE"]);
        master.cli(&["REPLICAOF", "127.0.0.1", &replica.port.to_string()]);
        (master, replica) = (replica, master);
        name.lead_to(master.port);
    }
    more().await;
    let (accepted, next) = numbers.end().await;
    at_the_name().await.publish("a", "1", &next.to_string()).await;
    crate::faults::heard_up_to(&reader.heard, next).await;
    check(&reader.heard, &accepted);
    assert!(
        !reader.heard.all().iter().any(|said| matches!(said, Said::Refused(..))),
        "{}",
        reader.heard.story()
    );
}

/// What the server calls its data changes then. Those who were there and those who come say the same all the same, or each would begin
/// an epoch against the other.
#[tokio::test]
async fn a_first_replica_is_no_loss() {
    let (server, replica) = (Server::start(), Server::start());
    let before = peer(&server).await;
    before.subscribe(&["a"]).await;
    publish(&before, 0..10).await;
    before.heard.events(10).await;
    replica.cli(&["REPLICAOF", "127.0.0.1", &server.port.to_string()]);
    replica.until_it_replicates();
    let after = peer(&server).await;
    after.subscribe(&["a"]).await;
    let looks = || {
        let stats = server.cli(&["INFO", "commandstats"]);
        let count = stats.lines().find_map(|line| line.strip_prefix("cmdstat_xinfo|stream:calls="));
        count.and_then(|rest| rest.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let so_far = looks();
    crate::harness::until("both have looked", async || looks() > so_far + 20).await;
    publish(&after, 10..20).await;
    before.heard.events(20).await;
    after.heard.events(10).await;
    assert_eq!((gaps(&before.heard), gaps(&after.heard)), (vec![], vec![]));
    assert_eq!(before.heard.payloads("a:1"), numbers(0..20));
}

#[tokio::test]
async fn a_publish_at_a_server_that_is_no_master_any_more_comes_back() {
    let (first, second) = (Server::start(), Server::start());
    let name = Proxy::new(first.port, usize::MAX).await;
    let writer = Peer::new(quick(Retention::default()).connect(name.url()).await.expect("a connection"));
    publish(&writer, 0..1).await;
    first.cli(&["REPLICAOF", "127.0.0.1", &second.port.to_string()]);
    let error = writer.send("a", "1", "1", Patience::Wait).await.expect_err("nobody has it");
    assert_eq!(error, SendError::NotSent);
    name.lead_to(second.port);
    let again = async || writer.send("a", "1", "1", Patience::Wait).await.is_ok();
    crate::harness::until("it goes to the other server", again).await;
}

#[tokio::test]
async fn a_stream_that_is_deleted_gives_the_event_back() {
    let server = Server::start();
    let writer = peer(&server).await;
    publish(&writer, 0..1).await;
    server.cli(&["DEL", "{a}"]);
    let error = writer.send("a", "1", "1", Patience::Wait).await.expect_err("nobody has it");
    assert!(error.is_retryable(), "{error:?}");
    publish(&writer, 1..2).await;
    assert_eq!(server.cli(&["XLEN", "{a}"]), "2", "the beginning of the epoch, and the event");
}

/// What was published between a kill and the restart is lost without persistence, and nobody knows how much that is.
#[tokio::test]
async fn epoch_change_is_a_gap() {
    let server = Server::start();
    let reader = peer(&server).await;
    reader.subscribe(&["a"]).await;
    for round in 0..3 {
        // One that was there before may not have seen the server die.
        let writer = peer(&server).await;
        publish(&writer, 10 * round..10 * round + 10).await;
        reader.heard.events(10 * (round as usize + 1)).await;
        assert_eq!(gaps(&reader.heard), vec![epoch("a"); round as usize]);
        server.kill();
        server.restart();
        reader.heard.gaps(round as usize + 1).await;
    }
    assert_eq!(reader.heard.payloads("a:1"), numbers(0..30));
}

/// With persistence a server may come back with less than it had told, and count on from there.
#[tokio::test]
async fn a_server_that_comes_back_with_an_older_state_is_a_gap() {
    let server = Server::with(&["--dbfilename", "dump.rdb"]);
    let reader = peer(&server).await;
    let writer = peer(&server).await;
    reader.subscribe(&["a"]).await;
    publish(&writer, 0..10).await;
    server.cli(&["SAVE"]);
    publish(&writer, 10..20).await;
    reader.heard.events(20).await;
    server.kill();
    server.restart();
    // The same offsets again, if nobody had begun an epoch.
    publish(&peer(&server).await, 20..40).await;
    reader.heard.events(40).await;
    assert_eq!(reader.heard.payloads("a:1"), numbers(0..40));
    assert_eq!(gaps(&reader.heard), [epoch("a")]);
}

/// At least once: what was accepted and is not there is behind a gap; what is ambiguous may be there.
async fn killed_under_publishers(arguments: &[&str]) -> usize {
    let server = Server::with(arguments);
    let reader = peer(&server).await;
    reader.subscribe(&["a:1"]).await;
    let numbers = crate::faults::Numbers::publish(peer(&server).await);
    for _ in 0..3 {
        let so_far = reader.heard.payloads("a:1").len();
        reader.heard.events(so_far + 100).await;
        server.kill();
        server.restart();
    }
    let so_far = reader.heard.payloads("a:1").len();
    reader.heard.events(so_far + 100).await;
    let (accepted, next) = numbers.end().await;
    let last = peer(&server).await;
    last.publish("a", "1", &next.to_string()).await;
    crate::faults::heard_up_to(&reader.heard, next).await;
    check(&reader.heard, &accepted)
}

/// In order, none twice, and every hole behind a gap.
pub(crate) fn check(heard: &Recorder, accepted: &HashSet<u64>) -> usize {
    let (mut last, mut told, mut gaps) = (None::<u64>, false, 0);
    for said in heard.all() {
        match said {
            Said::Event { payload, .. } => {
                let number: u64 = payload.parse().expect("a number");
                assert!(last.is_none_or(|last| last < number), "{number} after {last:?}");
                let hole = last.map_or(0, |last| last + 1)..number;
                let missing: Vec<_> = hole.filter(|number| accepted.contains(number)).collect();
                assert!(missing.is_empty() || told || last.is_none(), "{missing:?} in {}", heard.story());
                (last, told) = (Some(number), false);
            }
            Said::Gap(_, gap) => {
                assert_eq!((gap.reason, gap.missed), (GapReason::Epoch, None));
                (told, gaps) = (true, gaps + 1);
            }
            _ => {}
        }
    }
    gaps
}

#[tokio::test]
async fn killed_under_publishers_without_persistence() {
    assert_eq!(killed_under_publishers(&[]).await, 3);
}

#[tokio::test]
async fn killed_under_publishers_with_a_log_of_every_write() {
    let gaps = killed_under_publishers(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    assert_eq!(gaps, 3, "nobody can know that nothing was lost");
}

#[tokio::test]
async fn garbage_instead_of_a_stream_ends_no_other() {
    let server = Server::start();
    let peer = peer(&server).await;
    peer.subscribe(&["a", "b"]).await;
    peer.publish("a", "1", "1").await;
    peer.heard.events(1).await;
    server.cli(&["SET", "{a}", &envelope("a", "1", "1")]);
    peer.heard.count("refusal", 1, |said| matches!(said, Said::Refused(address, _) if address == "a")).await;
    peer.publish("b", "1", "2").await;
    peer.heard.events(2).await;
}
