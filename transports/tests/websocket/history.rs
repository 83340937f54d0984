//! Each bound of a history: what is at it, and one more.

use pubsub_transports::websocket::wire::GapReason;
use pubsub_transports::websocket::{HistoryConfig, HubConfig, SpokeConfig};

use crate::model::Told;
use crate::world::World;

fn config(history: HistoryConfig) -> HubConfig {
    HubConfig { history, ..HubConfig::default() }
}

/// How many of so many events are kept.
fn kept(history: HistoryConfig, published: usize) -> usize {
    let mut world = World::new(config(history), 0, &SpokeConfig::default());
    (0..published).for_each(|_| world.publish("a", "1"));
    let of_all = world.hub.stats().topics;
    of_all.iter().find(|topic| topic.topic == "a").expect("it is known").history
}

/// What a follower of `followed` gets that was away while one event of each of these ids was published.
fn story(history: HistoryConfig, followed: &str, ids: &[&str]) -> Vec<Told> {
    let mut world = World::new(config(history), 1, &SpokeConfig::default());
    world.follow(0, &followed.parse().unwrap());
    world.settle();
    world.cut(0, true);
    ids.iter().for_each(|id| world.publish("a", id));
    world.settle();
    world.peers[0].expected.story.clone()
}

fn gap(followed: &str, reason: GapReason, missed: Option<u64>) -> Vec<Told> {
    vec![Told::Gap(followed.parse().unwrap(), reason, missed)]
}

#[test]
fn events() {
    let history = HistoryConfig { events: 3, ..Default::default() };
    assert_eq!([2, 3, 4].map(|published| kept(history, published)), [2, 3, 3]);
    assert_eq!(story(history, "a", &["1"; 3]), [1, 2, 3].map(Told::Event));
    assert_eq!(story(history, "a", &["1"; 4]), gap("a", GapReason::Evicted, Some(4)));
    assert_eq!(kept(HistoryConfig::default(), 1025), 1024);
}

#[test]
fn bytes() {
    let bounded = |bytes| HistoryConfig { bytes, ..Default::default() };
    let one = (1..10_000).find(|bytes| kept(bounded(*bytes), 1) == 1).expect("an event has some bytes");
    let written = r#"{"type":"a","id":"1","offset":1,"after":0,"epoch":"","payload":1}"#.len();
    assert!(one > 2 * written, "{one}: its body, and a message by either address");
    assert_eq!(kept(bounded(3 * one), 4), 3);
    assert_eq!(kept(bounded(3 * one - 1), 4), 2);
    assert_eq!(story(bounded(3 * one), "a", &["1"; 3]), [1, 2, 3].map(Told::Event));
    assert_eq!(story(bounded(3 * one - 1), "a", &["1"; 3]), gap("a", GapReason::Evicted, Some(3)));
    assert_eq!(HistoryConfig::default().bytes, 4 * 1024 * 1024);
}

#[test]
fn replay() {
    let history = HistoryConfig { replay: 3, ..Default::default() };
    for followed in ["a", "a:1"] {
        assert_eq!(story(history, followed, &["1"; 3]), [1, 2, 3].map(Told::Event), "{followed}");
        assert_eq!(story(history, followed, &["1"; 4]), gap(followed, GapReason::TooMany, Some(4)));
    }
    assert_eq!(HistoryConfig::default().replay, 1024);
}

/// A follower of an id that nothing happened on loses nothing, as long as it is known of which ids all the evicted events are.
#[test]
fn quiet_ids() {
    let history = HistoryConfig { events: 1, quiet_ids: 2, ..Default::default() };
    let quiet = "a:quiet";
    assert_eq!(story(history, quiet, &["1", "2", "quiet"]), [Told::Event(3)]);
    assert_eq!(story(history, quiet, &["1", "2", "1", "2", "quiet"]), [Told::Event(5)], "ids, not events");
    assert_eq!(story(history, quiet, &["1", "2", "3", "quiet"]), gap(quiet, GapReason::Evicted, None));
    assert_eq!(HistoryConfig::default().quiet_ids, 4096);
}
