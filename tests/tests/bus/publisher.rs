//! A publisher to one address: right however subscriptions come and go, and a sink that loses nothing.

use futures::SinkExt;
use futures::executor::block_on;
use pubsub::prelude::*;

use crate::harness::{App, Task, bus, drain, number, numbers};

#[test]
fn it_reaches_whoever_follows_when_it_publishes() {
    let bus = bus();
    let a = bus.publisher(App::NUMBER, "a");
    a.publish(0).now().unwrap();
    let mut one = bus.subscribe(App::NUMBER.id("a")).now().unwrap();
    let mut other = bus.subscribe(App::NUMBER.id("b")).now().unwrap();
    a.publish(1).now().unwrap();
    let mut every = bus.subscribe(App::NUMBER).now().unwrap();
    let mut all = bus.subscribe(All).overflow(Overflow::DropNewest).now().unwrap();
    a.publish(2).now().unwrap();
    assert_eq!((numbers(&mut one), numbers(&mut every), drain(&mut all).len()), (vec![1, 2], vec![2], 1));
    drop((one, every, all));
    a.publish(3).now().unwrap();
    let mut again = bus.subscribe(App::NUMBER.id("a")).now().unwrap();
    a.clone().publish(4).now().unwrap();
    assert_eq!((numbers(&mut again), numbers(&mut other)), (vec![4], vec![]));
    assert_eq!((a.topic(), a.id()), ("number", "a"));
}

#[test]
fn it_keeps_its_turn_among_publishes_of_the_bus() {
    let bus = bus();
    let task = Task::new();
    let a = bus.publisher(App::NUMBER, "a");
    let mut slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    number(&bus, "a", 1);
    let mut second = a.publish(2);
    assert!(task.poll(&mut second).is_pending());
    let mut third = bus.publish(App::NUMBER, "a", 3);
    assert!(task.poll(&mut third).is_pending());
    assert!(a.publish(9).now().is_err());
    assert_eq!(numbers(&mut slow), [1, 2, 3]);
    assert!(task.poll(&mut second).is_ready() && task.poll(&mut third).is_ready());
}

#[test]
fn as_a_sink_it_waits_for_room_and_cancelling_a_wait_loses_nothing() {
    let bus = bus();
    let task = Task::new();
    let mut a = bus.publisher(App::NUMBER, "a");
    let mut slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    block_on(a.send(1)).unwrap();
    {
        let mut sending = a.send(2);
        assert!(task.poll(&mut sending).is_pending());
    }
    assert_eq!(numbers(&mut slow), [1, 2], "the sink kept it, and its turn");
    block_on(a.send(3)).unwrap();
    assert_eq!(numbers(&mut slow), [3]);
}

#[test]
fn a_dropped_sink_withdraws_what_still_waits() {
    let bus = bus();
    let task = Task::new();
    let mut a = bus.publisher(App::NUMBER, "a");
    let mut slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    block_on(a.send(1)).unwrap();
    assert!(task.poll(&mut a.send(2)).is_pending());
    drop(a);
    assert_eq!(numbers(&mut slow), [1]);
}

#[test]
fn a_sink_of_a_closed_bus_gives_the_event_back() {
    let bus = bus();
    let task = Task::new();
    let mut a = bus.publisher(App::NUMBER, "a");
    let _slow = bus.subscribe(App::NUMBER).bound(1).now().unwrap();
    block_on(a.send(1)).unwrap();
    assert!(task.poll(&mut a.send(2)).is_pending());
    bus.close().now();
    let error = block_on(a.flush()).unwrap_err();
    assert!(matches!(error, PublishError::Closed(event) if event.payload == 2));
    let error = block_on(a.send(3)).unwrap_err();
    assert!(matches!(error, PublishError::Closed(event) if event.payload == 3));
}

#[test]
fn it_keeps_the_bus_open() {
    let bus = bus();
    let a = bus.publisher(App::NUMBER, "a");
    let mut one = bus.subscribe(App::NUMBER).now().unwrap();
    drop(bus);
    a.publish(1).now().unwrap();
    drop(a);
    assert_eq!(numbers(&mut one), [1]);
    assert_eq!(one.try_next().unwrap_err(), TryNextError::Ended(End::Closed));
}
