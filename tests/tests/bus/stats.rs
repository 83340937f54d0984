//! Statistics: what goes through each topic, and for whom publishers wait.

use std::time::Duration;

use futures::FutureExt;
use pubsub::prelude::*;
use pubsub::{BusError, PubSub, TopicStats};

use crate::harness::{App, Task, bus, drain, number, numbers};

fn of(bus: &PubSub<App>, topic: &str) -> TopicStats {
    bus.stats().into_iter().find(|stats| stats.topic == topic).unwrap()
}

#[test]
fn every_topic_has_its_figures() {
    let bus = bus();
    assert_eq!(bus.stats().len(), App::TOPICS.len());
    number(&bus, "a", 0);
    assert_eq!(of(&bus, "number").published, 0, "nobody followed");
    let mut one = bus.subscribe(App::NUMBER.id("a")).now().unwrap();
    let mut all = bus.subscribe(All).bound(2).overflow(Overflow::DropOldest).now().unwrap();
    let mut lossy = bus.subscribe(App::NUMBER).bound(1).overflow(Overflow::DropOldest).now().unwrap();
    (0..4).for_each(|n| number(&bus, "a", n));
    let stats = of(&bus, "number");
    assert_eq!((stats.published, stats.subscriptions, stats.queued), (4, 3, 4 + 2 + 1));
    assert_eq!(stats.lost, one.missed() + all.missed() + lossy.missed());
    assert_eq!(of(&bus, "text").subscriptions, 1, "`All` follows it too");
    assert_eq!((numbers(&mut one).len(), drain(&mut all).len(), numbers(&mut lossy).len()), (4, 2, 1));
    assert_eq!(of(&bus, "number").queued, 0);
    drop((one, all, lossy));
    let stats = of(&bus, "number");
    assert_eq!((stats.published, stats.subscriptions), (4, 0), "what was counted stays counted");
}

#[test]
fn who_blocks_is_named() {
    let bus = bus();
    let task = Task::new();
    let mut slow = bus.subscribe(App::NUMBER).bound(1).name("archive").now().unwrap();
    let _fast = bus.subscribe(App::NUMBER).bound(9).name("screen").now().unwrap();
    let _unnamed = bus.subscribe((App::NUMBER, App::PAIR)).bound(1).now().unwrap();
    number(&bus, "a", 1);
    assert!(of(&bus, "number").blocking.is_empty(), "full, and nobody waits");
    let mut waiting = bus.publish(App::NUMBER, "a", 2);
    assert!(task.poll(&mut waiting).is_pending());
    let stats = of(&bus, "number");
    let mut blocking: Vec<_> = stats.blocking.into_iter().map(|who| (who.name, who.bound)).collect();
    blocking.sort();
    assert_eq!((stats.waiting, blocking), (1, vec![(None, 1), (Some("archive".to_owned()), 1)]));
    assert_eq!(slow.try_next().unwrap().payload, 1);
    assert_eq!(of(&bus, "number").blocking.len(), 1);
    drop(waiting);
    let stats = of(&bus, "number");
    assert_eq!((stats.waiting, stats.blocking.len()), (0, 0));
}

#[test]
fn a_publish_that_waits_for_long_is_told_of_once_and_by_name() {
    let bus = bus();
    let mut errors = bus.errors();
    let mut told = || errors.next().now_or_never().flatten();
    let mut slow = bus.subscribe(App::NUMBER).bound(1).name("archive").now().unwrap();
    let task = Task::new();
    let mut first = bus.publish(App::NUMBER, "a", 1);
    assert!(task.poll(&mut first).is_ready());

    let mut second = bus.publish(App::NUMBER, "a", 2);
    assert!(task.poll(&mut second).is_pending());
    assert!(told().is_none(), "it has not waited for ten seconds");
    bus.warn_blocked_after(Duration::ZERO);
    assert!(task.poll(&mut second).is_pending());
    let Some(BusError::Blocked { topic, by, .. }) = told() else { panic!("nothing was told") };
    assert_eq!((topic, by.len()), (App::NUMBER.name(), 1));
    assert_eq!((by[0].name.as_deref(), by[0].bound), (Some("archive"), 1));
    let mut third = bus.publish(App::NUMBER, "b", 3);
    assert!(task.poll(&mut third).is_pending());
    assert!(told().is_none(), "it is still the same wait");

    for number in 1..=3 {
        assert_eq!(slow.try_next().unwrap().payload, number);
    }
    assert!(task.poll(&mut second).is_ready() && task.poll(&mut third).is_ready());
    let mut fourth = [bus.publish(App::NUMBER, "a", 4), bus.publish(App::NUMBER, "a", 5)];
    let ready = fourth.each_mut().map(|publish| task.poll(publish).is_ready());
    assert_eq!(ready, [true, false]);
    assert!(matches!(told(), Some(BusError::Blocked { .. })), "a new wait is told anew");
}
