//! The test bus: what was published, and what is expected next.

use std::future::{pending, ready};
use std::time::Duration;

use pubsub::TestBus;
use pubsub::prelude::*;

use crate::harness::{App, number};

#[test]
fn it_remembers_what_was_published() {
    let mut bus = TestBus::<App>::new();
    number(&bus, "a", 1);
    bus.publish(App::RESTART, "eu", ()).now().unwrap();
    number(&bus, "b", 2);
    let numbers: Vec<_> = bus.published(App::NUMBER).iter().map(|event| event.payload).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(bus.published(App::NUMBER.id("b")).len(), 1);
    let all: Vec<App> = bus.published(All).into_iter().map(Event::into_payload).collect();
    assert_eq!(all, [App::Number(1), App::Restart, App::Number(2)]);
}

#[test]
fn expect_next_goes_on_after_what_was_expected_before() {
    let mut bus = TestBus::<App>::new();
    (0..4).for_each(|n| number(&bus, ["a", "b"][n as usize % 2], n));
    futures::executor::block_on(async {
        assert_eq!(bus.expect_next(App::NUMBER.id("b"), ready(())).await.unwrap().payload, 1);
        assert_eq!(bus.expect_next(App::NUMBER, ready(())).await.unwrap().payload, 2);
        let missing = bus.expect_next(App::NUMBER.id("a"), ready(())).await.unwrap_err();
        assert_eq!((missing.expected, missing.came), (vec!["number:a".into()], vec!["number:b".into()]));
        let event = bus.expect_next(App::NUMBER.id("b"), ready(())).await.unwrap();
        assert_eq!(event.payload, 3, "a disappointed expectation passes nothing over");
    });
}

#[tokio::test(start_paused = true)]
async fn expect_next_waits_until_the_deadline_of_any_timer() {
    let mut bus = TestBus::<App>::new();
    let publisher = bus.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        publisher.publish(App::NUMBER, "a", 7).await.unwrap();
    });
    let early = bus.expect_next(App::NUMBER, tokio::time::sleep(Duration::from_millis(900))).await;
    assert_eq!(
        early.unwrap_err().to_string(),
        "expected an event of `number` before the deadline, and nothing was published"
    );
    let event = bus.expect_next(App::NUMBER, tokio::time::sleep(Duration::from_millis(900))).await.unwrap();
    assert_eq!(event.payload, 7);
}

#[test]
fn expect_next_ends_with_the_bus() {
    let mut bus = TestBus::<App>::new();
    number(&bus, "a", 1);
    bus.close().now();
    let missing = futures::executor::block_on(bus.expect_next(App::RESTART, pending::<()>())).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "expected an event of `restart` before the bus was closed, and this was published instead: `number:a`"
    );
}

#[test]
fn a_closed_bus_is_remembered_and_closing_does_not_count_what_the_test_has_not_looked_at() {
    let mut bus = TestBus::<App>::new();
    number(&bus, "a", 1);
    let report = futures::executor::block_on(bus.close().until(pending::<()>()));
    assert!(report.is_clean(), "{report}");
    assert_eq!(bus.published(App::NUMBER).len(), 1);
    let event = futures::executor::block_on(bus.expect_next(App::NUMBER, ready(()))).unwrap();
    assert_eq!(event.payload, 1);
}

#[test]
fn a_deadline_takes_nothing_from_what_was_remembered() {
    let mut bus = TestBus::<App>::new();
    let slow = bus.subscribe(App::NUMBER).now().unwrap();
    number(&bus, "a", 1);
    let report = futures::executor::block_on(bus.close().until(ready(())));
    assert_eq!((report.unread, report.subscriptions, slow.missed()), (1, 1, 1));
    assert_eq!(bus.published(App::NUMBER).len(), 1);
}
