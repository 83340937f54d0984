//! Publishes that wait: in order, all or nothing, and gone without a trace when cancelled.

use std::task::Poll;

use pubsub::prelude::*;

use crate::harness::{App, Task, bus, number, numbers};

#[test]
fn nothing_happens_before_it_is_awaited() {
    let bus = bus();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    drop(bus.publish(App::NUMBER, "a", 1));
    drop(bus.subscribe(App::RESTART));
    assert!(numbers(&mut subscription).is_empty());
    assert!(!bus.has_subscribers(App::RESTART));
}

#[test]
fn publishing_to_nobody_succeeds() {
    let bus = bus();
    bus.publish(App::RESTART, "eu-1", ()).now().unwrap();
    futures::executor::block_on(bus.publish(App::PAIR, "x", (1, 2))).unwrap();
}

#[test]
fn a_publish_waits_for_room_and_is_woken_by_the_reader() {
    let bus = bus();
    let task = Task::new();
    let mut slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    number(&bus, "a", 1);
    let mut waiting = bus.publish(App::NUMBER, "a", 2);
    assert!(task.poll(&mut waiting).is_pending());
    assert_eq!(slow.try_next().unwrap().payload, 1);
    assert_eq!(task.wakes(), 1);
    assert!(matches!(task.poll(&mut waiting), Poll::Ready(Ok(()))));
    assert_eq!(numbers(&mut slow), [2]);
}

#[test]
fn a_publish_waits_once_for_all_its_subscriptions() {
    let bus = bus();
    let task = Task::new();
    let mut one = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    let mut two = bus.subscribe(App::NUMBER.id("a")).bound(1).now().unwrap();
    number(&bus, "a", 1);
    let mut waiting = bus.publish(App::NUMBER, "a", 2);
    assert!(task.poll(&mut waiting).is_pending());
    assert_eq!(numbers(&mut one), [1], "not half a delivery");
    assert_eq!(task.wakes(), 0);
    assert_eq!(two.try_next().unwrap().payload, 1);
    assert_eq!(task.wakes(), 1);
    assert_eq!((numbers(&mut one), numbers(&mut two)), (vec![2], vec![2]));
}

#[test]
fn nobody_overtakes_a_waiting_publish() {
    let bus = bus();
    let task = Task::new();
    let mut all = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    number(&bus, "a", 1);
    let mut first = bus.publish(App::NUMBER, "a", 2);
    let mut second = bus.publish(App::NUMBER, "b", 3);
    assert!(task.poll(&mut first).is_pending());
    assert!(task.poll(&mut second).is_pending());
    assert_eq!(all.try_next().unwrap().payload, 1);
    assert!(bus.publish(App::NUMBER, "a", 9).now().is_err(), "the place was given to the first in the line");
    assert_eq!(all.try_next().unwrap().payload, 2);
    assert_eq!(all.try_next().unwrap().payload, 3);
    assert!(task.poll(&mut first).is_ready() && task.poll(&mut second).is_ready());
}

#[test]
fn who_waits_for_one_address_does_not_hold_up_another() {
    let bus = bus();
    let task = Task::new();
    let _full = bus.subscribe(App::NUMBER.id("a")).bound(1).now().unwrap();
    let mut free = bus.subscribe(App::NUMBER.id("b")).bound(1).now().unwrap();
    number(&bus, "a", 1);
    let mut waiting = bus.publish(App::NUMBER, "a", 2);
    assert!(task.poll(&mut waiting).is_pending());
    number(&bus, "b", 3);
    assert_eq!(numbers(&mut free), [3]);
}

#[test]
fn a_cancelled_publish_reaches_nobody_and_leaves_nothing() {
    let bus = bus();
    let task = Task::new();
    let mut slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    let mut other = bus.subscribe(App::NUMBER).bound(9).now().unwrap();
    number(&bus, "a", 1);
    let mut cancelled = bus.publish(App::NUMBER, "a", 2);
    let mut behind = bus.publish(App::NUMBER, "a", 3);
    assert!(task.poll(&mut cancelled).is_pending());
    assert!(task.poll(&mut behind).is_pending());
    drop(cancelled);
    assert_eq!(numbers(&mut slow), [1, 3]);
    assert_eq!(numbers(&mut other), [1, 3]);
    assert!(task.poll(&mut behind).is_ready());
    number(&bus, "a", 4);
    assert_eq!(numbers(&mut slow), [4]);
}

/// Whoever makes room gives the event its place at once, so that it keeps its turn.
#[test]
fn a_publish_cancelled_after_it_was_accepted_reached_all() {
    let bus = bus();
    let task = Task::new();
    let mut one = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    let mut two = bus.subscribe(App::NUMBER).bound(9).now().unwrap();
    number(&bus, "a", 1);
    let mut cancelled = bus.publish(App::NUMBER, "a", 2);
    assert!(task.poll(&mut cancelled).is_pending());
    assert_eq!(one.try_next().unwrap().payload, 1);
    drop(cancelled);
    assert_eq!((numbers(&mut one), numbers(&mut two)), (vec![2], vec![1, 2]));
}

#[test]
fn a_waiting_publish_wakes_the_task_that_polled_it_last() {
    let bus = bus();
    let (first, second) = (Task::new(), Task::new());
    let mut slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    number(&bus, "a", 1);
    let mut waiting = bus.publish(App::NUMBER, "a", 2);
    assert!(first.poll(&mut waiting).is_pending());
    assert!(second.poll(&mut waiting).is_pending());
    assert_eq!(slow.try_next().unwrap().payload, 1);
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
}

#[test]
fn a_cancelled_publish_lets_those_behind_it_pass() {
    let bus = bus();
    let task = Task::new();
    let _full = bus.subscribe(App::NUMBER.id("a")).bound(1).now().unwrap();
    let mut list = bus.subscribe([App::NUMBER.id("a"), App::NUMBER.id("b")]).bound(9).now().unwrap();
    number(&bus, "a", 1);
    let mut first = bus.publish(App::NUMBER, "a", 2);
    let mut behind = bus.publish(App::NUMBER, "b", 3);
    assert!(task.poll(&mut first).is_pending());
    assert!(task.poll(&mut behind).is_pending(), "both need `list`, and the first was first");
    drop(first);
    assert!(matches!(task.poll(&mut behind), Poll::Ready(Ok(()))));
    assert_eq!(numbers(&mut list), [1, 3]);
}

#[test]
fn a_subscription_dropped_while_publishers_wait_frees_them() {
    let bus = bus();
    let task = Task::new();
    let slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    let mut other = bus.subscribe(App::NUMBER).bound(9).now().unwrap();
    number(&bus, "a", 1);
    let mut waiting: Vec<_> = (2..5).map(|n| bus.publish(App::NUMBER, "a", n)).collect();
    assert!(waiting.iter_mut().all(|publish| task.poll(publish).is_pending()));
    drop(slow);
    assert!(waiting.iter_mut().all(|publish| task.poll(publish).is_ready()));
    assert_eq!(numbers(&mut other), [1, 2, 3, 4]);
}

#[test]
fn a_publish_to_a_closed_bus_gives_the_event_back() {
    let bus = bus();
    bus.close().now();
    let error = bus.publish(App::NUMBER, "a", 1).now().unwrap_err();
    assert!(matches!(&error, PublishError::Closed(event) if event.payload == 1 && event.id == "a"));
    assert!(!error.is_retryable());
    let error = futures::executor::block_on(bus.publish(App::NUMBER, "a", 2)).unwrap_err();
    assert_eq!(error.into_event().into_payload(), 2);
    let error: Box<dyn std::error::Error + Send + Sync> =
        bus.publish(App::NUMBER, "a", 3).now().unwrap_err().into();
    assert_eq!(error.to_string(), "`number` cannot be published: the bus is closed");
}
