//! Hub and spokes together, message by message: what was missed comes, once, or is said to be lost.

use std::time::Duration;

use pubsub_transports::websocket::wire::GapReason;
use pubsub_transports::websocket::{
    HistoryConfig, HubConfig, OutboxConfig, Overflow, SpokeConfig, SpokeState,
};
use pubsub_transports::{Address, SendError};

use crate::model::Told;
use crate::world::World;

fn world(config: HubConfig, peers: usize) -> World {
    World::new(config, peers, &SpokeConfig::default())
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn history(events: usize) -> HubConfig {
    HubConfig { history: HistoryConfig { events, ..Default::default() }, ..Default::default() }
}

fn queue(bytes: usize, overflow: Overflow) -> HubConfig {
    let outbox = OutboxConfig { bytes, hard_bytes: 2 * bytes, ..Default::default() };
    HubConfig { outbox, overflow, ..Default::default() }
}

fn events(numbers: std::ops::RangeInclusive<u64>) -> Vec<Told> {
    numbers.map(Told::Event).collect()
}

#[test]
fn recovery_storm() {
    let mut world = world(HubConfig::default(), 3);
    for peer in 0..3 {
        world.follow(peer, &address(["a", "a:1", "a:2"][peer]));
    }
    world.settle();
    for round in 0..300 {
        world.publish("a", ["1", "2"][round % 2]);
        let peer = round % 3;
        world.up(peer, round % 4);
        world.pull(peer, 100 * (round % 5));
        world.down(peer, round % 3);
        if round % 2 == 0 {
            world.cut(peer, round % 4 == 0);
        }
        world.advance(Duration::from_millis(400));
    }
    world.settle();
    assert_eq!(world.peers[0].expected.story, events(1..=300));
    assert_eq!(world.peers[1].expected.story.len(), 150);
    assert_eq!(world.peers[2].expected.story.len(), 150);
}

#[test]
fn recover_with_zero_events_seen() {
    for followed in ["a", "a:1"] {
        let mut world = world(HubConfig::default(), 1);
        world.follow(0, &address(followed));
        world.settle();
        world.cut(0, true);
        (0..3).for_each(|_| world.publish("a", "1"));
        world.settle();
        assert_eq!(world.peers[0].expected.story, events(1..=3), "{followed}");
    }
}

#[test]
fn epoch_change_is_a_gap() {
    let mut world = world(HubConfig::default(), 1);
    world.follow(0, &address("a"));
    world.settle();
    world.publish("a", "1");
    world.settle();
    world.restart();
    world.publish("a", "1");
    world.settle();
    let gap = Told::Gap(address("a"), GapReason::Epoch, None);
    assert_eq!(world.peers[0].expected.story, [Told::Event(1), gap.clone()]);
    // And where the hub lives, and its history does not.
    world.forget("a");
    world.publish("a", "1");
    world.settle();
    assert_eq!(world.peers[0].expected.story, [Told::Event(1), gap.clone(), gap, Told::Event(3)]);
}

#[test]
fn boundary_event_replayed_once() {
    // The connection ends after each of the messages in turn, also right before and after `__subscribed`.
    for arrived in 0..14 {
        let mut world = world(HubConfig::default(), 1);
        world.follow(0, &address("a"));
        world.settle();
        world.cut(0, true);
        (0..5).for_each(|_| world.publish("a", "1"));
        world.advance(Duration::from_secs(1));
        world.up(0, 2);
        world.publish("a", "1");
        world.pull(0, 1 << 16);
        world.publish("a", "1");
        world.pull(0, 1 << 16);
        world.down(0, arrived);
        world.cut(0, true);
        world.settle();
        assert_eq!(world.peers[0].expected.story, events(1..=7), "after {arrived} messages");
    }
}

#[test]
fn history_evicted_says_so() {
    let mut world = world(history(2), 1);
    world.follow(0, &address("a"));
    world.follow(0, &address("b:1"));
    world.settle();
    world.cut(0, true);
    (0..5).for_each(|_| world.publish("a", "1"));
    (0..5).for_each(|_| world.publish("b", "1"));
    world.settle();
    // What is left of it would be a truncated replay: it is not delivered.
    let story = &world.peers[0].expected.story;
    let whole = Told::Gap(address("a"), GapReason::Evicted, Some(5));
    assert_eq!(*story, [whole, Told::Gap(address("b:1"), GapReason::Evicted, None)]);
    world.publish("a", "1");
    world.settle();
    assert_eq!(world.peers[0].expected.story[2..], [Told::Event(11)]);
}

#[test]
fn a_quiet_id_is_recovered_though_others_were_evicted() {
    let mut world = world(history(2), 1);
    world.follow(0, &address("a:quiet"));
    world.settle();
    world.publish("a", "quiet");
    world.settle();
    (0..50).for_each(|_| world.publish("a", "loud"));
    world.cut(0, true);
    world.publish("a", "quiet");
    world.settle();
    assert_eq!(world.peers[0].expected.story, [Told::Event(1), Told::Event(52)]);
}

#[test]
fn more_than_is_replayed_says_so() {
    let replay = HistoryConfig { replay: 3, ..Default::default() };
    let mut world = world(HubConfig { history: replay, ..Default::default() }, 1);
    world.follow(0, &address("a:1"));
    world.settle();
    world.cut(0, true);
    (0..4).for_each(|_| world.publish("a", "1"));
    world.settle();
    assert_eq!(world.peers[0].expected.story, [Told::Gap(address("a:1"), GapReason::TooMany, Some(4))]);
}

#[test]
fn replay_larger_than_queue_does_not_loop() {
    for overflow in [Overflow::Disconnect, Overflow::DropOldest, Overflow::LatestPerId] {
        let mut world = world(queue(500, overflow), 1);
        world.follow(0, &address("a"));
        world.settle();
        world.cut(0, true);
        (0..500).for_each(|_| world.publish("a", "1"));
        world.settle();
        assert_eq!(world.peers[0].expected.story, events(1..=500), "{overflow:?}");
        let connected = world.peers[0].states.iter().filter(|state| **state == SpokeState::Connected);
        assert_eq!(connected.count(), 2, "{overflow:?}");
    }
}

#[test]
fn unsubscribe_during_replay_delivers_nothing_after() {
    for arrived in 0..12 {
        let mut world = world(HubConfig::default(), 1);
        world.follow(0, &address("a"));
        world.settle();
        world.cut(0, true);
        (0..8).for_each(|_| world.publish("a", "1"));
        world.advance(Duration::from_secs(1));
        world.up(0, 2);
        world.pull(0, 700);
        world.down(0, arrived);
        let before = world.peers[0].expected.story.clone();
        // From here on the model takes any event for one too many.
        world.unfollow(0, &address("a"));
        world.settle();
        assert_eq!(world.peers[0].expected.story, before);
        assert_eq!(world.hub.routes(), 0);
    }
}

#[test]
fn lag_is_a_typed_gap_and_the_loop_goes_on() {
    let mut world = world(queue(1000, Overflow::DropOldest), 1);
    world.follow(0, &address("a"));
    world.settle();
    (0..100).for_each(|_| world.publish("a", "1"));
    let connection = world.peers[0].socket.as_ref().unwrap().connection.unwrap();
    assert!(world.hub.queued_bytes(connection) <= 1000);
    world.settle();
    let story = &world.peers[0].expected.story;
    let kept = story.len() as u64 - 1;
    assert!(kept > 5, "{story:?}");
    assert_eq!(story[0], Told::Gap(address("a"), GapReason::Overflow, Some(100 - kept)));
    assert_eq!(story[1..], events(100 - kept + 1..=100));
    world.publish("a", "1");
    world.settle();
    assert_eq!(world.peers[0].expected.story.last(), Some(&Told::Event(101)));
    assert_eq!(world.peers[0].states.len(), 2, "one connection lasted through it");
}

#[test]
fn the_latest_of_each_id_is_kept() {
    let mut world = world(queue(1000, Overflow::LatestPerId), 1);
    world.follow(0, &address("a"));
    world.settle();
    world.publish("a", "quiet");
    (0..500).for_each(|_| world.publish("a", "loud"));
    world.settle();
    let story = &world.peers[0].expected.story;
    assert_eq!(story[0], Told::Event(1), "the only one of its id");
    assert_eq!(story.last(), Some(&Told::Event(501)));
    let missed: u64 =
        story.iter().filter_map(|told| if let Told::Gap(.., missed) = told { *missed } else { None }).sum();
    let events = story.iter().filter(|told| matches!(told, Told::Event(_))).count() as u64;
    assert_eq!(missed + events, 501, "what is not there is counted");
}

#[test]
fn publish_is_acknowledged_once_across_reconnects() {
    // The connection ends after each message in turn, so also when the event was accepted and the answer was not read.
    for (sent, answered) in [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (3, 3)] {
        let mut world = world(HubConfig::default(), 2);
        world.follow(1, &address("a"));
        world.settle();
        let first = world.publish_from(0, "a", "1");
        let second = world.publish_from(0, "a", "1");
        world.up(0, sent);
        world.pull(0, 1 << 16);
        world.down(0, answered);
        world.cut(0, true);
        let third = world.publish_from(0, "a", "1");
        world.settle();
        let outcome = |id| world.peers[0].expected.outcome(id).unwrap().clone();
        assert_eq!([outcome(first), outcome(second), outcome(third)], [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(world.peers[1].expected.story, events(1001..=1003));
    }
}

#[test]
fn what_another_hub_may_not_know_is_ambiguous() {
    let mut world = world(HubConfig::default(), 1);
    world.settle();
    let written = world.publish_from(0, "a", "1");
    world.restart();
    let not_written = {
        world.down(0, 1);
        world.publish_from(0, "a", "1")
    };
    world.settle();
    assert_eq!(world.peers[0].expected.outcome(written), Some(&Err(SendError::Ambiguous)));
    assert_eq!(world.peers[0].expected.outcome(not_written), Some(&Ok(1)));
}

#[test]
fn a_wider_address_waits_for_what_a_narrower_one_replays() {
    let mut world = world(HubConfig::default(), 1);
    world.follow(0, &address("a:1"));
    world.settle();
    world.cut(0, true);
    (0..20).for_each(|_| world.publish("a", "1"));
    world.follow(0, &address("a"));
    world.advance(Duration::from_secs(1));
    world.up(0, 2);
    world.pull(0, 800);
    world.publish("a", "1");
    world.publish("a", "2");
    world.settle();
    assert_eq!(world.peers[0].expected.story, events(1..=22));
    // And the narrower one is there when the wider goes.
    world.unfollow(0, &address("a"));
    world.publish("a", "1");
    world.publish("a", "2");
    world.settle();
    assert_eq!(world.peers[0].expected.story, events(1..=23));
}
