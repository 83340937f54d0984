//! At the bound: every policy does what it says, and every loss is counted, exactly.

use pubsub::prelude::*;

use crate::harness::{App, bus, drain, number, numbers};

type Numbers = Subscription<Event<u64>>;

fn subscribe(bus: &PubSub<App>, bound: usize, overflow: Overflow) -> Numbers {
    bus.subscribe(App::NUMBER).bound(bound).overflow(overflow).now().unwrap()
}

fn with_missed(subscription: &mut Numbers) -> Vec<(u64, u64)> {
    drain(subscription).iter().map(|event| (event.payload, event.missed)).collect()
}

#[test]
fn a_bound_of_zero_is_refused_clearly() {
    let error = bus().subscribe(App::NUMBER).bound(0).now().unwrap_err();
    assert_eq!(error, SubscribeError::ZeroBound);
    assert!(error.to_string().contains("pass `.bound(1)` or more"));
}

#[test]
fn now_on_a_full_backpressured_subscription_gives_the_event_back_and_reaches_nobody() {
    let bus = bus();
    let mut slow = subscribe(&bus, 2, Overflow::Backpressure);
    let mut fast = subscribe(&bus, 9, Overflow::Backpressure);
    (0..2).for_each(|n| number(&bus, "a", n));
    let error = bus.publish(App::NUMBER, "a", 2).now().unwrap_err();
    assert!(error.is_retryable());
    let PublishError::Full(event) = error else { panic!("{error:?}") };
    assert_eq!((event.topic, &*event.id, event.payload), ("number", "a", 2));
    assert_eq!(numbers(&mut fast), [0, 1]);
    assert_eq!(numbers(&mut slow), [0, 1]);
    number(&bus, "a", 3);
    assert_eq!(with_missed(&mut slow), [(3, 0)]);
    assert_eq!(slow.missed(), 0);
}

#[test]
fn drop_oldest_keeps_the_newest_and_missed_adds_up() {
    let bus = bus();
    let mut ticks = subscribe(&bus, 3, Overflow::DropOldest);
    (0..10).for_each(|n| number(&bus, "a", n));
    assert_eq!(ticks.missed(), 7, "counted before it is read");
    assert_eq!(with_missed(&mut ticks), [(7, 7), (8, 0), (9, 0)]);
    (10..14).for_each(|n| number(&bus, "a", n));
    assert_eq!(with_missed(&mut ticks), [(11, 1), (12, 0), (13, 0)]);
    assert_eq!(ticks.missed(), 8);
}

#[test]
fn drop_newest_keeps_the_oldest_and_tells_the_loss_where_it_happened() {
    let bus = bus();
    let mut ticks = subscribe(&bus, 2, Overflow::DropNewest);
    (0..5).for_each(|n| number(&bus, "a", n));
    assert_eq!(ticks.missed(), 3);
    assert_eq!(with_missed(&mut ticks), [(0, 0), (1, 0)]);
    number(&bus, "a", 5);
    assert_eq!(with_missed(&mut ticks), [(5, 3)]);
}

#[test]
fn latest_per_id_keeps_one_event_for_each_id() {
    let bus = bus();
    let mut latest = subscribe(&bus, 2, Overflow::LatestPerId);
    for (id, n) in [("a", 1), ("b", 2), ("a", 3), ("a", 4)] {
        number(&bus, id, n);
    }
    assert_eq!(with_missed(&mut latest), [(2, 0), (4, 2)]);
    for (id, n) in [("a", 5), ("b", 6), ("c", 7)] {
        number(&bus, id, n);
    }
    assert_eq!(with_missed(&mut latest), [(6, 1), (7, 0)], "`a` was updated longest ago");
    assert_eq!(latest.missed(), 3);
}

#[test]
fn latest_per_id_tells_topics_apart() {
    let bus = bus();
    let mut latest = bus.subscribe(All).bound(4).overflow(Overflow::LatestPerId).now().unwrap();
    number(&bus, "7", 1);
    bus.publish(App::TEXT, &7, "x".into()).now().unwrap();
    number(&bus, "7", 2);
    let payloads: Vec<App> = drain(&mut latest).into_iter().map(Event::into_payload).collect();
    assert_eq!(payloads, [App::Text("x".into()), App::Number(2)]);
}

#[test]
fn fail_ends_the_subscription_after_what_it_holds() {
    let bus = bus();
    let mut strict = subscribe(&bus, 2, Overflow::Fail);
    (0..4).for_each(|n| number(&bus, "a", n));
    assert!(!bus.has_subscribers(App::NUMBER), "it has ended");
    assert_eq!(with_missed(&mut strict), [(0, 0), (1, 0)]);
    assert_eq!(strict.try_next().unwrap_err(), TryNextError::Ended(End::Overflowed));
    assert_eq!((strict.end(), strict.missed()), (Some(End::Overflowed), 1));
}

#[test]
fn mixed_policies_on_one_topic_never_cost_each_other_an_event() {
    let bus = bus();
    let mut lossy = subscribe(&bus, 1, Overflow::DropOldest);
    let mut newest = subscribe(&bus, 1, Overflow::DropNewest);
    let mut latest = subscribe(&bus, 1, Overflow::LatestPerId);
    let mut lossless = subscribe(&bus, 64, Overflow::Backpressure);
    (0..50).for_each(|n| number(&bus, "a", n));
    assert_eq!(numbers(&mut lossless), (0..50).collect::<Vec<_>>());
    assert_eq!(with_missed(&mut lossy), [(49, 49)]);
    assert_eq!(with_missed(&mut newest), [(0, 0)]);
    assert_eq!(with_missed(&mut latest), [(49, 49)]);
    assert_eq!((lossy.missed(), newest.missed(), latest.missed(), lossless.missed()), (49, 49, 49, 0));
}

/// What was published is what came plus what was missed, whoever reads when.
#[test]
fn what_came_and_what_was_missed_is_what_was_published() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::LatestPerId] {
        for bound in 1..6 {
            for every in 1..9 {
                let bus = bus();
                let mut slow = subscribe(&bus, bound, overflow);
                let (mut came, mut missed) = (0, 0);
                for n in 0..100 {
                    number(&bus, ["a", "b", "c"][n as usize % 3], n);
                    if n % every == 0 {
                        let event = slow.try_next().unwrap();
                        came += 1;
                        missed += event.missed;
                    }
                }
                number(&bus, "last", 100);
                for event in drain(&mut slow) {
                    came += 1;
                    missed += event.missed;
                }
                let trailing = slow.missed() - missed;
                assert_eq!(came + missed + trailing, 101, "{overflow:?} {bound} {every}");
                assert!(trailing == 0 || overflow == Overflow::DropNewest, "{overflow:?} {bound} {every}");
            }
        }
    }
}

#[test]
fn deliveries_tell_losses_as_items_of_their_own() {
    let bus = bus();
    let mut ticks = subscribe(&bus, 2, Overflow::DropOldest);
    (0..5).for_each(|n| number(&bus, "a", n));
    bus.close().now();
    let told = futures::executor::block_on(async {
        let mut told = Vec::new();
        let mut deliveries = ticks.deliveries();
        while let Some(delivery) = deliveries.next().await {
            told.push(match delivery {
                Delivery::Event(event) => format!("{} after {}", event.payload, event.missed),
                other => format!("{other:?}"),
            });
        }
        told
    });
    assert_eq!(told, ["Lagged { missed: 3 }", "3 after 0", "4 after 0", "Ended(Closed)"]);
}

#[test]
fn deliveries_tell_a_loss_that_no_event_follows() {
    let bus = bus();
    let mut ticks = subscribe(&bus, 1, Overflow::DropNewest);
    (0..3).for_each(|n| number(&bus, "a", n));
    bus.close().now();
    futures::executor::block_on(async {
        let mut deliveries = ticks.deliveries();
        assert!(matches!(deliveries.next().await, Some(Delivery::Event(event)) if event.payload == 0));
        assert!(matches!(deliveries.next().await, Some(Delivery::Lagged { missed: 2 })));
        assert!(matches!(deliveries.next().await, Some(Delivery::Ended(End::Closed))));
        assert!(deliveries.next().await.is_none());
    });
}

#[test]
fn deliveries_dropped_half_way_lose_nothing() {
    let bus = bus();
    let mut ticks = subscribe(&bus, 1, Overflow::DropOldest);
    (0..3).for_each(|n| number(&bus, "a", n));
    let lagged = futures::executor::block_on(ticks.deliveries().next());
    assert!(matches!(lagged, Some(Delivery::Lagged { missed: 2 })));
    assert_eq!(ticks.len(), 1);
    assert_eq!(with_missed(&mut ticks), [(2, 0)], "the loss was told already");
}

#[test]
fn a_loss_after_the_last_event_is_told_by_deliveries_even_after_the_plain_stream_has_ended() {
    let bus = bus();
    let mut ticks = subscribe(&bus, 1, Overflow::DropNewest);
    (0..4).for_each(|n| number(&bus, "a", n));
    bus.close().now();
    assert_eq!(with_missed(&mut ticks), [(0, 0)]);
    futures::executor::block_on(async {
        let mut deliveries = ticks.deliveries();
        assert!(matches!(deliveries.next().await, Some(Delivery::Lagged { missed: 3 })));
        assert!(matches!(deliveries.next().await, Some(Delivery::Ended(End::Closed))));
    });
}

#[test]
fn who_asks_for_nothing_gets_backpressure_at_1024() {
    let bus = bus();
    let _slow = bus.subscribe(App::NUMBER).now().unwrap();
    (0..1024).for_each(|n| number(&bus, "a", n));
    assert!(matches!(bus.publish(App::NUMBER, "a", 1024).now(), Err(PublishError::Full(_))));
}
