//! Losses that nothing which comes shows: of streams that bring nothing.

use super::*;

/// Publishes to `b` again and again, until it is aborted.
fn busy(server: &Server) -> tokio::task::JoinHandle<()> {
    let url = server.url();
    tokio::spawn(async move {
        let writer = Peer::new(quick(Retention::default()).connect(url).await.expect("a connection"));
        loop {
            writer.publish("b", "1", "0").await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
}

/// What was told of one stream, and no event of the other.
fn of_a(heard: &Recorder) -> Vec<(String, Gap)> {
    gaps(heard).into_iter().filter(|(address, _)| address == "a").collect()
}

#[tokio::test]
async fn a_busy_stream_hides_no_loss_of_another() {
    let server = Server::start();
    let (reader, writer) = (peer(&server).await, peer(&server).await);
    reader.subscribe(&["a", "b"]).await;
    publish(&writer, 0..10).await;
    let busy = busy(&server);
    reader.heard.count("events", 10, |said| matches!(said, Said::Event { topic, .. } if topic == "a")).await;
    let gap_of_a = |said: &Said| matches!(said, Said::Gap(Some(address), _) if address == "a");
    // Nobody else publishes to it.
    server.cli(&["DEL", "{a}"]);
    reader.heard.count("gap", 1, gap_of_a).await;
    // Somebody makes it anew, with lesser ids.
    let script =
        "redis.call('DEL', KEYS[1]) return redis.call('XADD', KEYS[1], '5-1', 'id', '1', 'event', ARGV[1])";
    server.cli(&["EVAL", script, "1", "{a}", &envelope("a", "1", "\"foreign\"")]);
    reader.heard.count("gap", 2, gap_of_a).await;
    crate::harness::until("the event", async || {
        reader.heard.payloads("a:1").last().is_some_and(|last| last == "\"foreign\"")
    })
    .await;
    assert_eq!(of_a(&reader.heard), [epoch("a"), epoch("a")]);
    // What is in order is not told of.
    assert_eq!(gaps(&reader.heard).len(), 2);
    busy.abort();
}

/// Cut off from a server where so many are published to `a` and all are trimmed.
async fn trimmed_away(server: &Server, reader: &Peer, proxy: &Proxy) {
    let writer = peer(server).await;
    reader.subscribe(&["a", "b"]).await;
    publish(&writer, 0..10).await;
    reader.heard.count("events", 10, |said| matches!(said, Said::Event { topic, .. } if topic == "a")).await;
    proxy.set(crate::harness::proxy::Mode::Refuse);
    proxy.cut();
    publish(&writer, 10..20).await;
    server.cli(&["XTRIM", "{a}", "MAXLEN", "0"]);
    proxy.set(crate::harness::proxy::Mode::Pass);
}

#[tokio::test]
async fn what_was_trimmed_away_whole_is_told_although_nothing_comes() {
    let server = Server::start();
    let proxy = Proxy::new(server.port, usize::MAX).await;
    let reader = Peer::new(quick(Retention::default()).connect(proxy.url()).await.expect("a connection"));
    trimmed_away(&server, &reader, &proxy).await;
    reader.heard.gaps(1).await;
    assert_eq!(gaps(&reader.heard), [evicted("a", 10)]);
    publish(&peer(&server).await, 20..30).await;
    reader.heard.events(20).await;
    assert_eq!(reader.heard.payloads("a:1"), [numbers(0..10), numbers(20..30)].concat());
    assert_eq!(gaps(&reader.heard).len(), 1, "once");
}

#[tokio::test]
async fn what_was_trimmed_away_whole_holds_up_no_closing() {
    let server = Server::start();
    let proxy = Proxy::new(server.port, usize::MAX).await;
    let patient = quick(Retention::default()).close_timeout(2 * crate::harness::DEADLINE);
    let reader = Peer::new(patient.connect(proxy.url()).await.expect("a connection"));
    trimmed_away(&server, &reader, &proxy).await;
    reader.heard.reconnecting().await;
    crate::harness::until("it is connected", async || reader.heard.is_connected()).await;
    assert_eq!(reader.close().await, 0);
}

#[tokio::test]
async fn a_replay_of_what_is_trimmed_before_it_is_fetched_says_how_much() {
    let server = Server::start();
    let reader = peer(&server).await;
    reader.subscribe(&["a"]).await;
    publish(&reader, 0..10).await;
    reader.heard.events(10).await;
    reader.heard.set_room(Some(0));
    reader.link.replay(1, vec![(address("a"), Start::Beginning)]);
    let begins = |said: &Said| matches!(said, Said::ReplayBegins(1, topic, position) if topic == "a" && position.offset() == 0 && position.epoch().is_some());
    reader.heard.count("beginning", 1, begins).await;
    server.cli(&["XTRIM", "{a}", "MAXLEN", "4"]);
    reader.heard.set_room(None);
    let is_over = |said: &Said| matches!(said, Said::Replayed(1));
    reader.heard.count("end", 1, is_over).await;
    let expected = [vec!["Evicted Some(6)".to_owned()], numbers(6..10), vec!["live".to_owned()]].concat();
    assert_eq!(reader.heard.replay(1), expected);
}

/// Those that the book says, and no more.
#[tokio::test]
async fn a_user_with_few_rights_reads_and_publishes() {
    let server = Server::start();
    let rights = "+ping +info +client|id +client|unblock +xadd +xread +xinfo|stream +xtrim +get +set +watch +unwatch +multi \
                  +exec +time ~shop:{*}*";
    let rights: Vec<&str> = rights.split(' ').collect();
    server.cli(&[&["ACL", "SETUSER", "me", "on", ">pw", "resetchannels"][..], &rights].concat());
    let retention = Retention::age(Duration::from_secs(60));
    let user = || quick(retention).prefix("shop:").credentials("me", "pw").connect(server.url());
    let (reader, writer) = (user().await, user().await);
    let [reader, writer] = [reader, writer].map(|redis| Peer::new(redis.expect("a connection")));
    reader.subscribe(&["a"]).await;
    publish(&writer, 0..100).await;
    reader.heard.events(100).await;
    server.cli(&["DEL", "shop:{a}"]);
    reader.heard.gaps(1).await;
    let published = async || writer.send("a", "1", "100", Patience::Wait).await.is_ok();
    crate::harness::until("it is published", published).await;
    reader.heard.events(101).await;
    assert_eq!(gaps(&reader.heard), [epoch("a")]);
}

/// As Sentinel does it, and those who sell a managed Redis.
#[tokio::test]
async fn a_planned_failover_ends_nothing() {
    let (server, other) = (Server::start(), Server::start());
    let (reader, writer) = (peer(&server).await, peer(&server).await);
    reader.subscribe(&["a", "b:1"]).await;
    publish(&writer, 0..10).await;
    reader.heard.events(10).await;
    server.cli(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    let refused = async || {
        let error = writer.send("a", "1", "0", Patience::Wait).await;
        matches!(error, Err(error) if error == SendError::NotSent)
    };
    crate::harness::until("it is a replica", refused).await;
    crate::harness::until("it has what the other has", async || {
        server.cli(&["INFO", "replication"]).contains("master_link_status:up")
    })
    .await;
    server.cli(&["REPLICAOF", "NO", "ONE"]);
    crate::harness::until("it takes events again", async || {
        writer.send("a", "1", "10", Patience::Wait).await.is_ok()
    })
    .await;
    let is_last = |said: &Said| matches!(said, Said::Event { payload, .. } if payload == "10");
    reader.heard.count("event", 1, is_last).await;
    let refusals = reader.heard.all().into_iter().filter(|said| matches!(said, Said::Refused(..))).count();
    assert_eq!(refusals, 0, "{}", reader.heard.story());
    assert!(
        gaps(&reader.heard).contains(&epoch("a")),
        "the other had nothing of it: {}",
        reader.heard.story()
    );
}

/// It has another past then, in the same epoch and with the same offsets, unless somebody tells them apart.
#[tokio::test]
async fn a_server_that_was_a_replica_meanwhile_has_another_history() {
    let (server, other) = (Server::start(), Server::start());
    let synchronised = async |replica: &Server, master: &Server| {
        replica.cli(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
        crate::harness::until("it has what the other has", async || {
            replica.cli(&["INFO", "replication"]).contains("master_link_status:up")
        })
        .await;
        replica.cli(&["REPLICAOF", "NO", "ONE"]);
    };
    let proxy = Proxy::new(server.port, usize::MAX).await;
    let reader = Peer::new(quick(Retention::default()).connect(proxy.url()).await.expect("a connection"));
    reader.subscribe(&["a"]).await;
    let writer = peer(&server).await;
    publish(&writer, 0..15).await;
    synchronised(&other, &server).await;
    publish(&writer, 15..20).await;
    reader.heard.events(20).await;
    assert_eq!(writer.close().await, 0);
    proxy.set(crate::harness::proxy::Mode::Refuse);
    proxy.cut();
    synchronised(&server, &other).await;
    publish(&peer(&server).await, 100..110).await;
    proxy.set(crate::harness::proxy::Mode::Pass);
    reader.heard.events(30).await;
    assert_eq!(reader.heard.payloads("a:1"), [numbers(0..20), numbers(100..110)].concat());
    assert_eq!(gaps(&reader.heard), [epoch("a")]);
}
