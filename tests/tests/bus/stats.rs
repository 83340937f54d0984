//! Statistics: what goes through each topic, and for whom publishers wait.

use pubsub::prelude::*;
use pubsub::{PubSub, TopicStats};

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
