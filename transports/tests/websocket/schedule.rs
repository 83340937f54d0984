//! What happens to a hub, its spokes and their connections, step by step, held against the model.

use std::time::Duration;

use pubsub_transports::Address;
use pubsub_transports::websocket::{HistoryConfig, HubConfig, OutboxConfig, Overflow, SpokeConfig};

use super::model::Told;
use super::world::{TOPICS, World};

pub(crate) const IDS: [&str; 3] = ["1", "2", "3"];

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Publish(&'static str, &'static str),
    PublishFrom(usize, &'static str, &'static str),
    Follow(usize, Address),
    Unfollow(usize, Address),
    Up(usize, usize),
    Pull(usize, usize),
    Down(usize, usize),
    Cut(usize, bool),
    CutAtHub(usize),
    Lose(usize),
    NoticeHalfOpen,
    Restart,
    Forget(&'static str),
    Window(usize, &'static str, Option<u32>),
    Handle(usize, usize),
    Advance(u64),
}

#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) peers: usize,
    pub(crate) history: usize,
    pub(crate) replay: usize,
    pub(crate) queue: usize,
    pub(crate) steps: Vec<Step>,
}

/// What a schedule came to: events and gaps.
pub(crate) fn run(schedule: &Schedule) -> (u64, u64) {
    let config = HubConfig {
        history: HistoryConfig { events: schedule.history, replay: schedule.replay, ..Default::default() },
        outbox: OutboxConfig {
            bytes: schedule.queue,
            hard_bytes: 3 * schedule.queue + 4000,
            answer_bytes: 4000,
        },
        overflow_of: [("b".into(), Overflow::DropOldest), ("c".into(), Overflow::LatestPerId)].into(),
        ..Default::default()
    };
    let mut world = World::new(config, schedule.peers, &SpokeConfig::default());
    for step in &schedule.steps {
        match step {
            Step::Publish(topic, id) => world.publish(topic, id),
            Step::PublishFrom(peer, topic, id) => drop(world.publish_from(*peer, topic, id)),
            Step::Follow(peer, address) => world.follow(*peer, address),
            Step::Unfollow(peer, address) => world.unfollow(*peer, address),
            Step::Up(peer, count) => world.up(*peer, *count),
            Step::Pull(peer, bytes) => drop(world.pull(*peer, *bytes)),
            Step::Down(peer, count) => world.down(*peer, *count),
            Step::Cut(peer, hub_notices) => world.cut(*peer, *hub_notices),
            Step::CutAtHub(peer) => world.cut_at_hub(*peer),
            Step::Lose(peer) => world.lose(*peer),
            Step::NoticeHalfOpen => world.notice_half_open(),
            Step::Restart => world.restart(),
            Step::Forget(topic) => world.forget(topic),
            Step::Window(peer, topic, window) => world.set_window(*peer, topic, *window),
            Step::Handle(peer, count) => world.handle(*peer, *count),
            Step::Advance(ms) => world.advance(Duration::from_millis(*ms)),
        }
    }
    // What was lost without a word shows by what comes after it.
    world.come_to_rest();
    for (topic, id) in TOPICS.into_iter().flat_map(|topic| IDS.map(|id| (topic, id))) {
        world.publish(topic, id);
        world.come_to_rest();
    }
    world.settle();
    let told: Vec<_> = world.peers.iter().flat_map(|peer| &peer.expected.story).collect();
    let gaps = told.iter().filter(|told| matches!(told, Told::Gap(..))).count();
    ((told.len() - gaps) as u64, gaps as u64)
}
