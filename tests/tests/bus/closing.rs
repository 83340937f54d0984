//! Closing is orderly: nothing new, nothing lost, and a report of what was left.

use std::task::Poll;

use pubsub::prelude::*;

use crate::harness::{App, Task, bus, drain, number, numbers};

#[test]
fn close_reports_what_was_left_and_leaves_it_readable() {
    let bus = bus();
    let mut one = bus.subscribe(App::NUMBER).now().unwrap();
    let mut all = bus.subscribe(All).now().unwrap();
    let _idle = bus.subscribe(App::PAIR).now().unwrap();
    number(&bus, "a", 1);
    number(&bus, "a", 2);
    bus.publish(App::RESTART, "", ()).now().unwrap();
    assert_eq!(one.try_next().unwrap().payload, 1);
    let report = bus.close().now();
    assert_eq!((report.unread, report.subscriptions, report.refused), (4, 2, 0));
    assert_eq!(report.unread_by_topic.into_iter().collect::<Vec<_>>(), [("number", 3), ("restart", 1)]);
    assert_eq!(numbers(&mut one), [2]);
    assert_eq!(drain(&mut all).len(), 3);
    assert_eq!(one.try_next().unwrap_err(), TryNextError::Ended(End::Closed));
    assert_eq!(one.end(), Some(End::Closed));
    assert!(bus.close().now().is_clean());
}

#[test]
fn a_closed_bus_refuses_subscriptions() {
    let bus = bus();
    assert!(!bus.is_closed());
    futures::executor::block_on(bus.clone().close());
    assert!(bus.is_closed());
    assert_eq!(bus.subscribe(App::NUMBER).now().unwrap_err(), SubscribeError::Closed);
}

#[test]
fn closing_gives_waiting_publishes_their_event_back() {
    let bus = bus();
    let task = Task::new();
    let mut slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    number(&bus, "a", 1);
    let mut waiting = bus.publish(App::NUMBER, "a", 2);
    assert!(task.poll(&mut waiting).is_pending());
    let report = bus.close().now();
    assert_eq!((report.refused, report.unread, task.wakes()), (1, 1, 1));
    let Poll::Ready(Err(PublishError::Closed(event))) = task.poll(&mut waiting) else { panic!() };
    assert_eq!(event.into_payload(), 2);
    assert_eq!(numbers(&mut slow), [1]);
}

#[test]
fn closing_wakes_a_waiting_reader() {
    let bus = bus();
    let task = Task::new();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    let mut next = Box::pin(subscription.next());
    assert!(task.poll(&mut next).is_pending());
    bus.close().now();
    assert_eq!(task.wakes(), 1);
    assert!(matches!(task.poll(&mut next), Poll::Ready(None)));
}

#[test]
fn dropping_the_last_handle_ends_subscriptions_after_the_last_event() {
    let bus = bus();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    let other = bus.clone();
    number(&bus, "a", 1);
    drop(bus);
    assert_eq!(numbers(&mut subscription), [1]);
    assert_eq!(subscription.try_next().unwrap_err(), TryNextError::Empty);
    drop(other);
    assert_eq!(subscription.try_next().unwrap_err(), TryNextError::Ended(End::Closed));
}

#[test]
fn until_waits_for_readers() {
    let bus = bus();
    let task = Task::new();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    number(&bus, "a", 1);
    let mut close = Box::pin(bus.close().until(std::future::pending::<()>()));
    assert!(task.poll(&mut close).is_pending());
    assert!(bus.publish(App::NUMBER, "a", 2).now().is_err(), "closed at once");
    assert_eq!(numbers(&mut subscription), [1]);
    assert_eq!(task.wakes(), 1);
    let Poll::Ready(report) = task.poll(&mut close) else { panic!() };
    assert!(report.is_clean());
}

#[test]
fn until_waits_no_longer_for_a_reader_that_went() {
    let bus = bus();
    let task = Task::new();
    let subscription = bus.subscribe(App::NUMBER).now().unwrap();
    number(&bus, "a", 1);
    let mut close = Box::pin(bus.close().until(std::future::pending::<()>()));
    assert!(task.poll(&mut close).is_pending());
    drop(subscription);
    assert_eq!(task.wakes(), 1);
    assert!(task.poll(&mut close).is_ready());
}

#[test]
fn at_the_deadline_the_rest_is_discarded_counted_and_told() {
    let bus = bus();
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    (0..3).for_each(|n| number(&bus, "a", n));
    let report = futures::executor::block_on(bus.close().until(std::future::ready(())));
    assert_eq!((report.unread, report.subscriptions), (3, 1));
    assert_eq!(
        report.to_string(),
        "unread events: 3, subscriptions behind: 1, refused publishes: 0, unsent events: 0"
    );
    futures::executor::block_on(async {
        let mut deliveries = subscription.deliveries();
        assert!(matches!(deliveries.next().await, Some(Delivery::Lagged { missed: 3 })));
        assert!(matches!(deliveries.next().await, Some(Delivery::Ended(End::Closed))));
    });
    assert_eq!(subscription.missed(), 3);
}

#[test]
fn until_tells_refused_publishes_too() {
    let bus = bus();
    let task = Task::new();
    let mut slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    number(&bus, "a", 1);
    let mut waiting = bus.publish(App::NUMBER, "a", 2);
    assert!(task.poll(&mut waiting).is_pending());
    let mut close = Box::pin(bus.close().until(std::future::pending::<()>()));
    assert!(task.poll(&mut close).is_pending());
    assert_eq!(numbers(&mut slow), [1]);
    let Poll::Ready(report) = task.poll(&mut close) else { panic!() };
    assert_eq!((report.unread, report.refused, report.is_clean()), (0, 1, false));
}

#[test]
fn a_deadline_wakes_readers_and_whoever_else_closes() {
    let bus = bus();
    let (reader, closer) = (Task::new(), Task::new());
    let mut subscription = bus.subscribe(App::NUMBER).now().unwrap();
    let mut other = bus.subscribe(App::PAIR).now().unwrap();
    number(&bus, "a", 1);
    let mut next = Box::pin(other.next());
    assert!(reader.poll(&mut next).is_pending());
    let mut waits = Box::pin(bus.close().until(std::future::pending::<()>()));
    assert!(closer.poll(&mut waits).is_pending());
    assert!(reader.poll(&mut next).is_ready(), "nothing more comes");
    futures::executor::block_on(bus.close().until(std::future::ready(())));
    assert_eq!(closer.wakes(), 1);
    assert!(closer.poll(&mut waits).is_ready());
    assert_eq!(drain(&mut subscription).len(), 0);
}

/// However often and by whomever it is polled, whoever waits for the end keeps one waker.
#[test]
fn until_keeps_one_waker_and_none_when_it_is_dropped() {
    let bus = bus();
    let _unread = bus.subscribe(App::NUMBER).now().unwrap();
    number(&bus, "a", 1);
    let mut close = Box::pin(bus.close().until(std::future::pending::<()>()));
    let tasks: Vec<Task> = (0..100).map(|_| Task::new()).collect();
    assert!(tasks.iter().all(|task| task.poll(&mut close).is_pending()));
    assert_eq!(tasks.iter().map(Task::kept).sum::<usize>(), 1);
    drop(close);
    assert_eq!(tasks.iter().map(Task::kept).sum::<usize>(), 0);
}
