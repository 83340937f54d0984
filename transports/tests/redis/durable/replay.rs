//! Beginning in the past: all of it, once, then what comes, without a hole or an overlap between.

use super::*;

impl Peer {
    fn replay(&self, number: u64, from: &[(&str, Start)]) {
        let from = from.iter().map(|(text, start)| (address(text), start.clone())).collect();
        self.link.replay(number, from);
    }
}

/// Waits until the last thing that a replay brought is this.
async fn brings(peer: &Peer, replay: u64, last: &str) -> Vec<String> {
    crate::harness::until(last, async || peer.heard.replay(replay).iter().any(|it| it == last)).await;
    peer.heard.replay(replay)
}

/// The position of the event with this offset.
fn position(peer: &Peer, offset: u64) -> Position {
    peer.heard.positions().into_iter().find(|it| it.offset() == offset).expect("it came")
}

#[tokio::test]
async fn boundary_event_replayed_once() {
    let server = Server::start();
    let one = peer(&server).await;
    one.subscribe(&["a:1"]).await;
    publish(&one, 0..1_000).await;
    one.heard.events(1_000).await;
    for offset in [1, 500, 999, 1_000] {
        one.replay(offset, &[("a:1", Start::After(position(&one, offset)))]);
        let brought = brings(&one, offset, "live").await;
        let expected = [numbers(offset..1_000), vec!["live".to_owned()]].concat();
        assert_eq!(brought, expected);
    }
    one.replay(2_000, &[("a:1", Start::Beginning)]);
    let brought = brings(&one, 2_000, "live").await;
    assert_eq!(brought, [numbers(0..1_000), vec!["live".to_owned()]].concat());
}

#[tokio::test]
async fn a_replay_joins_what_is_live_without_hole_or_overlap() {
    let server = Server::start();
    let reader = peer(&server).await;
    let writer = peer(&server).await;
    reader.subscribe(&["a", "b"]).await;
    publish(&writer, 0..500).await;
    reader.heard.events(500).await;
    let publishing = tokio::spawn(async move {
        for number in 500..4_000 {
            publish(&writer, number..number + 1).await;
            if number % 10 == 0 {
                writer.publish("b", "1", "\"b\"").await;
            }
        }
    });
    for replay in 1..40 {
        let start = Start::After(position(&reader, replay * 10));
        reader.replay(replay, &[("a", start), ("b", Start::Now)]);
        reader
            .heard
            .count("end", usize::try_from(replay).expect("few"), |said| matches!(said, Said::Replayed(_)))
            .await;
    }
    publishing.await.expect("it published");
    reader.heard.count("events", 4_000 + 350, |said| matches!(said, Said::Event { .. })).await;
    for replay in 1..40 {
        let brought = reader.heard.replay(replay);
        let of_a: Vec<_> = brought.into_iter().filter(|it| it != "live" && it != "\"b\"").collect();
        assert_eq!(of_a, numbers(replay * 10..4_000), "{replay}");
    }
}

/// Each question takes as long as the network does: with few entries for each, what is live would be faster for ever.
#[tokio::test]
async fn a_long_past_is_a_few_questions() {
    let server = Server::start();
    let patient = quick(Retention::default())
        .ping_interval(crate::harness::DEADLINE)
        .answer_timeout(2 * crate::harness::DEADLINE);
    let one = Peer::new(patient.clone().connect(server.url()).await.expect("a connection"));
    one.subscribe(&["a"]).await;
    let sends: Vec<_> =
        (0..20_000).map(|number| one.send("a", "1", &number.to_string(), Patience::Wait)).collect();
    for send in sends {
        send.await.expect("published");
    }
    one.heard.events(20_000).await;
    one.close().await;
    let reads = || {
        let stats = server.cli(&["INFO", "commandstats"]);
        let count = stats.lines().find_map(|line| line.strip_prefix("cmdstat_xread:calls="));
        count.and_then(|rest| rest.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let later = Peer::new(patient.connect(server.url()).await.expect("a connection"));
    later.subscribe(&["a"]).await;
    let before = reads();
    later.replay(1, &[("a", Start::Beginning)]);
    assert_eq!(brings(&later, 1, "live").await.len(), 20_001);
    let asked = reads() - before;
    assert!(asked < 40, "{asked} questions");
}

#[tokio::test]
async fn replay_larger_than_queue_does_not_loop() {
    let server = Server::start();
    let reader = peer(&server).await;
    let writer = peer(&server).await;
    reader.subscribe(&["a"]).await;
    publish(&writer, 0..2_000).await;
    reader.heard.events(2_000).await;
    reader.heard.set_room(Some(0));
    reader.replay(1, &[("a", Start::Beginning)]);
    let mut next = 2_000;
    let mut seen = 0;
    while seen < 2_000 + 1_000 {
        // Others are not held up meanwhile.
        publish(&writer, next..next + 10).await;
        next += 10;
        reader.heard.events(usize::try_from(next).expect("few")).await;
        reader.heard.set_room(Some(100));
        seen += 100;
        crate::harness::until("as much as there is room for", async || {
            let brought = reader.heard.replay(1);
            brought.contains(&"live".to_owned()) || brought.len() >= seen
        })
        .await;
    }
    reader.heard.set_room(None);
    brings(&reader, 1, "live").await;
    let brought: Vec<_> = reader.heard.replay(1).into_iter().filter(|it| it != "live").collect();
    assert_eq!(brought, numbers(0..next));
}

#[tokio::test]
async fn what_is_kept_no_more_is_an_exact_gap_before_the_rest() {
    let server = Server::start();
    let one = peer(&server).await;
    one.subscribe(&["a"]).await;
    publish(&one, 0..100).await;
    one.heard.events(100).await;
    server.cli(&["XTRIM", "{a}", "MAXLEN", "10"]);
    one.replay(1, &[("a", Start::After(position(&one, 50)))]);
    let rest = [numbers(90..100), vec!["live".to_owned()]].concat();
    assert_eq!(brings(&one, 1, "live").await, [vec!["Evicted Some(40)".to_owned()], rest.clone()].concat());
    // Whoever asks for all there is misses nothing.
    one.replay(2, &[("a", Start::Beginning)]);
    assert_eq!(brings(&one, 2, "live").await, rest);
    server.cli(&["XTRIM", "{a}", "MAXLEN", "0"]);
    one.replay(3, &[("a", Start::After(position(&one, 50)))]);
    assert_eq!(brings(&one, 3, "live").await, ["Evicted Some(50)", "live"]);
    // Positions of another history, and of one that was ahead.
    for (number, foreign) in [
        Position::new(3),
        Position::new(3).with_epoch("ours"),
        Position::new(3).with_epoch("9999999999999999"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = 10 + number as u64;
        publish(&one, 100 + number..101 + number).await;
        one.replay(number, &[("a", Start::After(foreign))]);
        let brought = brings(&one, number, "live").await;
        assert_eq!(brought[0], "Epoch None");
        assert_eq!(brought[brought.len() - 2..], [(100 + number).to_string(), "live".to_owned()]);
    }
}

#[tokio::test]
async fn recover_with_zero_events_seen() {
    let server = Server::start();
    let first = peer(&server).await;
    first.subscribe(&["a"]).await;
    let position = first
        .heard
        .until("position", |said| {
            said.iter().find_map(|it| match it {
                Said::Position(topic, position) if topic == "a" => Some(position.clone()),
                _ => None,
            })
        })
        .await;
    first.close().await;
    let writer = peer(&server).await;
    publish(&writer, 0..10).await;
    let second = peer(&server).await;
    second.subscribe(&["a"]).await;
    second.replay(1, &[("a", Start::After(position))]);
    assert_eq!(brings(&second, 1, "live").await, [numbers(0..10), vec!["live".to_owned()]].concat());
}

#[tokio::test]
async fn a_server_that_restarts_during_a_replay_is_a_gap_in_it() {
    let server = Server::start();
    let one = peer(&server).await;
    one.subscribe(&["a"]).await;
    publish(&one, 0..1_000).await;
    one.heard.events(1_000).await;
    one.heard.set_room(Some(100));
    one.replay(1, &[("a", Start::Beginning)]);
    crate::harness::until("the first of it", async || one.heard.replay(1).len() == 100).await;
    server.kill();
    server.restart();
    one.heard.gaps(1).await;
    one.heard.set_room(None);
    publish(&one, 1_000..1_001).await;
    brings(&one, 1, "1000").await;
    let brought = one.heard.replay(1);
    let place = brought.iter().position(|it| it == "Epoch None").expect("a gap");
    assert_eq!(brought[..place], numbers(0..place as u64));
    assert_eq!(
        brought.iter().filter(|it| it.as_str() != "live").skip(place + 1).collect::<Vec<_>>(),
        ["1000"]
    );
}
