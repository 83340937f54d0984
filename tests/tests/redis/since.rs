//! Subscriptions that begin in the past: where a reader stopped, and on without a hole or a repetition.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::redis::Retention;
use pubsub::{All, Delivery, End, Gap, GapReason, Position, Positions, Redis, Since, SubscribeError};

use crate::harness::{App, Server, in_time, next};

async fn durable(server: &Server) -> PubSub<App> {
    let redis =
        Redis::durable(Retention::default()).backoff(Duration::from_millis(5), Duration::from_millis(50));
    PubSub::new(redis.connect(server.url()).await.expect("a connection"))
}

async fn publish(bus: &PubSub<App>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        bus.publish(App::NUMBER, "a", number).await.expect("published");
    }
}

/// As it is written to a file, and read from it.
fn stored(positions: &Positions) -> Positions {
    let text = serde_json::to_string(positions).expect("JSON");
    let read = serde_json::from_str(&text).expect("what was written");
    assert_eq!(positions, &read);
    read
}

async fn numbers(subscription: &mut Subscription<Event<u64>>, range: std::ops::Range<u64>) {
    for number in range {
        let event = next(subscription).await;
        assert_eq!((event.payload, event.missed), (number, 0));
    }
}

/// The gaps before the next event, and that.
async fn story(subscription: &mut Subscription<Event<u64>>) -> (Vec<Gap>, u64) {
    let mut gaps = Vec::new();
    let mut deliveries = subscription.deliveries();
    loop {
        match in_time("delivery", deliveries.next()).await.expect("it goes on") {
            Delivery::Event(event) => return (gaps, event.payload),
            Delivery::Gap(gap) => gaps.push(gap),
            Delivery::Reconnected => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_reader_that_stopped_goes_on_where_it_was() {
    let server = Server::start();
    let writer = durable(&server).await;
    let reader = durable(&server).await;
    let mut first = reader.subscribe(App::NUMBER).await.expect("subscribed");
    publish(&writer, 0..100).await;
    numbers(&mut first, 0..40).await;
    let positions = stored(&first.positions());
    drop(first);
    reader.close().await;
    publish(&writer, 100..200).await;
    let reader = durable(&server).await;
    let mut second = reader.subscribe(App::NUMBER).since(&positions).await.expect("subscribed");
    assert_eq!(second.positions(), positions, "nothing was given yet");
    numbers(&mut second, 40..200).await;
    publish(&writer, 200..300).await;
    numbers(&mut second, 200..300).await;
    assert_eq!((second.missed(), second.gaps(), second.len()), (0, 0, 0));
    // On a bus where others follow the same too.
    let mut third = reader.subscribe(App::NUMBER).since(positions).await.expect("subscribed");
    publish(&writer, 300..310).await;
    numbers(&mut third, 40..310).await;
    numbers(&mut second, 300..310).await;
    assert_eq!(second.positions(), third.positions());
}

#[tokio::test]
async fn the_past_joins_what_is_published_meanwhile() {
    let server = Server::start();
    let (reader, writer) = (durable(&server).await, durable(&server).await);
    let mut live = reader.subscribe(App::NUMBER).bound(10_000).await.expect("subscribed");
    publish(&writer, 0..200).await;
    let publishing = tokio::spawn(async move { publish(&writer, 200..3_000).await });
    let mut known = vec![live.positions()];
    for number in 0..200 {
        numbers(&mut live, number..number + 1).await;
        known.push(live.positions());
    }
    let mut readers = Vec::new();
    for (number, positions) in known.into_iter().enumerate().step_by(20) {
        let bound = [1, 7, 1_024][number % 3];
        let subscribe = reader.subscribe(App::NUMBER).bound(bound).overflow(Overflow::DropOldest);
        let mut one = subscribe.since(positions).await.expect("subscribed");
        readers.push(tokio::spawn(async move {
            // The first that comes again or is missing would be another number.
            let mut next_number = number as u64;
            while next_number < 3_000 {
                let event = next(&mut one).await;
                // What it could not read in time is counted, and comes no more.
                next_number += event.missed;
                assert_eq!(event.payload, next_number);
                next_number += 1;
            }
        }));
    }
    publishing.await.expect("published");
    for reader in readers {
        reader.await.expect("all of it");
    }
    numbers(&mut live, 200..3_000).await;
}

#[tokio::test]
async fn a_long_past_waits_for_a_slow_reader() {
    let server = Server::start();
    let bus = durable(&server).await;
    publish(&bus, 0..2_000).await;
    let subscribe = bus.subscribe(App::NUMBER).bound(4).overflow(Overflow::DropOldest);
    let mut past = subscribe.since(Since::Beginning).await.expect("subscribed");
    in_time("as many as are held", async {
        while past.len() < 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    numbers(&mut past, 0..1_990).await;
    assert!(past.len() <= 4);
    // Whoever was not held up by it is at the end long since.
    let mut now = bus.subscribe(App::NUMBER).await.expect("subscribed");
    publish(&bus, 2_000..2_001).await;
    numbers(&mut now, 2_000..2_001).await;
    numbers(&mut past, 1_990..2_001).await;
}

#[tokio::test]
async fn a_position_from_before_the_first_event() {
    let server = Server::start();
    let bus = durable(&server).await;
    let first = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    // Another, of what is followed already.
    let second = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    let known = [first.positions(), second.positions()].map(|positions| stored(&positions));
    assert!(known[0].get("number").is_some());
    drop((first, second));
    publish(&bus, 0..10).await;
    for positions in known {
        let mut later = bus.subscribe(App::NUMBER.id("a")).since(positions).await.expect("subscribed");
        numbers(&mut later, 0..10).await;
    }
    // One that asked for all and read nothing still wants all.
    let all = bus.subscribe(App::NUMBER).since(Since::Beginning).await.expect("subscribed");
    let positions = stored(&all.positions());
    let mut again = bus.subscribe(App::NUMBER).since(positions).await.expect("subscribed");
    assert_eq!(story(&mut again).await, (vec![], 0));
}

#[tokio::test]
async fn what_was_trimmed_meanwhile_is_an_exact_gap() {
    let server = Server::start();
    let bus = durable(&server).await;
    let mut first = bus.subscribe(App::NUMBER).await.expect("subscribed");
    publish(&bus, 0..50).await;
    numbers(&mut first, 0..10).await;
    let positions = first.positions();
    drop(first);
    server.cli(&["XTRIM", "{number}", "MAXLEN", "20"]);
    let mut second = bus.subscribe(App::NUMBER).since(&positions).await.expect("subscribed");
    let gap = Gap::new(GapReason::Evicted, Some(20));
    assert_eq!(story(&mut second).await, (vec![gap], 30));
    assert_eq!((second.missed(), second.gaps()), (20, 1));
    numbers(&mut second, 31..50).await;
    // A plain loop is told by the event.
    let mut third = bus.subscribe(App::NUMBER).since(&positions).await.expect("subscribed");
    let event = next(&mut third).await;
    assert_eq!((event.payload, event.missed, third.missed(), third.gaps()), (30, 20, 20, 1));
    // How many of them were to one id, nobody knows.
    let mut fourth = bus.subscribe(App::NUMBER.id("a")).since(&positions).await.expect("subscribed");
    assert_eq!(story(&mut fourth).await, (vec![Gap::new(GapReason::Evicted, None)], 30));
    // All of it, and the next event is the first after the gap.
    server.cli(&["XTRIM", "{number}", "MAXLEN", "0"]);
    let mut fifth = bus.subscribe(App::NUMBER).since(&positions).await.expect("subscribed");
    publish(&bus, 50..51).await;
    assert_eq!(story(&mut fifth).await, (vec![Gap::new(GapReason::Evicted, Some(40))], 50));
}

/// Who asks for all of it knows from then on what there was.
#[tokio::test]
async fn what_was_trimmed_before_the_first_read_of_all_is_an_exact_gap() {
    let server = Server::start();
    let bus = durable(&server).await;
    let all = async || {
        let all = bus.subscribe(App::NUMBER).since(Since::Beginning).await.expect("subscribed");
        stored(&all.positions())
    };
    let of_nothing = all().await;
    publish(&bus, 0..50).await;
    server.cli(&["XTRIM", "{number}", "MAXLEN", "20"]);
    let of_the_last = all().await;
    server.cli(&["XTRIM", "{number}", "MAXLEN", "5"]);
    server.cli(&["XTRIM", "{number}", "MAXLEN", "0"]);
    let of_none = all().await;
    publish(&bus, 50..60).await;
    server.cli(&["XTRIM", "{number}", "MAXLEN", "2"]);
    for (positions, missed) in [(of_nothing, 58), (of_the_last, 28), (of_none, 8)] {
        let mut later = bus.subscribe(App::NUMBER).since(positions).await.expect("subscribed");
        assert_eq!(story(&mut later).await, (vec![Gap::new(GapReason::Evicted, Some(missed))], 58));
    }
}

#[tokio::test]
async fn another_history_is_a_gap_of_unknown_size() {
    let server = Server::start();
    let bus = durable(&server).await;
    let mut first = bus.subscribe(App::NUMBER).await.expect("subscribed");
    publish(&bus, 0..10).await;
    numbers(&mut first, 0..10).await;
    let positions = first.positions();
    let epoch = Gap::new(GapReason::Epoch, None);
    for (round, lose) in ["DEL", "FLUSHALL", "restart"].into_iter().enumerate() {
        bus.close().await;
        match lose {
            "DEL" => _ = server.cli(&["DEL", "{number}"]),
            "restart" => server.restart(),
            command => _ = server.cli(&[command]),
        }
        let (bus, number) = (durable(&server).await, 10 + round as u64);
        publish(&bus, number..number + 1).await;
        let mut second = bus.subscribe(App::NUMBER).since(&positions).await.expect("subscribed");
        assert_eq!(story(&mut second).await, (vec![epoch], number), "{lose}");
        assert_eq!((second.missed(), second.gaps()), (0, 1));
        assert_ne!(second.positions(), positions);
    }
    // And of somebody else's making.
    let bus = durable(&server).await;
    let mut foreign = Positions::new();
    foreign.insert("number", Position::new(7).with_epoch("b81f"));
    let mut third = bus.subscribe(App::NUMBER).since(foreign).await.expect("subscribed");
    assert_eq!(story(&mut third).await, (vec![epoch], 12));
}

#[tokio::test]
async fn each_topic_has_a_position_of_its_own() {
    let server = Server::start();
    let bus = durable(&server).await;
    let mut first = bus.subscribe((App::NUMBER, App::TEXT.id(&7))).await.expect("subscribed");
    publish(&bus, 0..3).await;
    bus.publish(App::TEXT, &7, "one".into()).await.expect("published");
    for _ in 0..4 {
        next(&mut first).await;
    }
    let positions = stored(&first.positions());
    assert_eq!(positions.iter().map(|(topic, _)| topic).collect::<Vec<_>>(), ["number", "text"]);
    drop(first);
    publish(&bus, 3..6).await;
    for (id, text) in [(8, "elsewhere"), (7, "two")] {
        bus.publish(App::TEXT, &id, text.into()).await.expect("published");
    }
    bus.publish(App::RESTART, "now", ()).await.expect("published");
    // Of the one that is not known nothing of the past comes.
    let mut second = bus.subscribe(All).since(positions).await.expect("subscribed");
    bus.publish(App::RESTART, "later", ()).await.expect("published");
    let (mut seen, mut restarts) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        let event = next(&mut second).await;
        match &event.payload {
            App::Number(number) => seen.push(number.to_string()),
            App::Text(text) => seen.push(text.clone()),
            _ => restarts.push(event.id.clone()),
        }
    }
    seen.sort();
    assert_eq!(
        (seen, restarts),
        (["3", "4", "5", "elsewhere", "two"].map(str::to_owned).to_vec(), vec!["later".into()])
    );
}

#[tokio::test]
async fn positions_are_noted_from_events_too() {
    let server = Server::start();
    let bus = durable(&server).await;
    publish(&bus, 0..10).await;
    let mut all = bus.subscribe(App::NUMBER).since(Since::Beginning).await.expect("subscribed");
    let mut done = Positions::new();
    for _ in 0..5 {
        done.note(&next(&mut all).await);
    }
    let last = next(&mut all).await;
    let mut from_done = bus.subscribe(App::NUMBER).since(&done).await.expect("subscribed");
    numbers(&mut from_done, 5..10).await;
    let mut from_last = bus.subscribe(App::NUMBER).since(&last).await.expect("subscribed");
    numbers(&mut from_last, 6..10).await;
    // An event that waits behind a loss that is told was not given yet.
    server.cli(&["XTRIM", "{number}", "MAXLEN", "2"]);
    let mut lagging = bus.subscribe(App::NUMBER).since(&done).await.expect("subscribed");
    let told = in_time("delivery", lagging.deliveries().next()).await;
    assert!(matches!(told, Some(Delivery::Gap(_))), "{told:?}");
    assert_eq!(lagging.positions(), done);
}

#[tokio::test]
async fn connections_that_are_lost_during_the_past_lose_nothing() {
    let server = Server::start();
    let bus = durable(&server).await;
    publish(&bus, 0..3_000).await;
    let mut past = bus.subscribe(App::NUMBER).bound(16).since(Since::Beginning).await.expect("subscribed");
    for round in 0..6 {
        numbers(&mut past, round * 500..round * 500 + 500).await;
        server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    }
    crate::harness::connected(&bus).await;
    publish(&bus, 3_000..3_001).await;
    numbers(&mut past, 3_000..3_001).await;
    assert_eq!((past.gaps(), past.missed()), (0, 0));
}

#[tokio::test]
async fn closing_ends_a_past_that_is_not_read() {
    let server = Server::start();
    let bus = durable(&server).await;
    publish(&bus, 0..100).await;
    let mut past = bus.subscribe(App::NUMBER).bound(8).since(Since::Beginning).await.expect("subscribed");
    numbers(&mut past, 0..10).await;
    in_time("end", bus.close().into_future()).await;
    let mut next_number = 10;
    while let Some(event) = in_time("event", past.next()).await {
        assert_eq!(event.payload, next_number);
        next_number += 1;
    }
    assert_eq!(past.end(), Some(End::Closed));
    // What was not given is what comes next.
    let bus = durable(&server).await;
    let mut rest = bus.subscribe(App::NUMBER).since(past.positions()).await.expect("subscribed");
    numbers(&mut rest, next_number..100).await;
    let closed = bus.clone();
    closed.close().await;
    let error = bus.subscribe(App::NUMBER).since(Since::Beginning).await.expect_err("closed");
    assert_eq!(error, SubscribeError::Closed);
}

#[tokio::test]
async fn dropping_it_leaves_nothing_behind() {
    let server = Server::start();
    let bus = durable(&server).await;
    publish(&bus, 0..100).await;
    for read in [0, 1, 50, 100] {
        let mut past = bus.subscribe(App::NUMBER).bound(8).since(Since::Beginning).await.expect("subscribed");
        numbers(&mut past, 0..read).await;
    }
    assert!(!bus.has_subscribers(App::NUMBER));
}

#[tokio::test]
async fn handlers_begin_in_the_past_too() {
    let server = Server::start();
    let bus = durable(&server).await;
    publish(&bus, 0..10).await;
    let (seen, mut told) = tokio::sync::mpsc::unbounded_channel();
    let handler = bus.subscribe(App::NUMBER).since(Since::Beginning).on(async |event| {
        seen.send(event.payload).expect("somebody listens");
    });
    let check = async {
        for number in 0..10 {
            assert_eq!(told.recv().await, Some(number));
        }
    };
    tokio::select! {
        ended = handler => panic!("{ended:?}"),
        () = in_time("all of them", check) => {}
    }
}

#[tokio::test]
async fn without_a_history_it_is_refused() {
    let server = Server::start();
    let channels = PubSub::<App>::new(Redis::connect(server.url()).await.expect("a connection"));
    let in_process = PubSub::<App>::default();
    for bus in [&channels, &in_process] {
        assert!(!bus.guarantees().history);
        for since in [Since::Beginning, Positions::new().into()] {
            let error = bus.subscribe(App::NUMBER).since(since).await.expect_err("no history");
            assert_eq!(error, SubscribeError::NoHistory);
        }
        let plain = bus.subscribe(App::NUMBER).await.expect("subscribed");
        assert!(plain.positions().is_empty());
    }
}
