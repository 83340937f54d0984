//! What a bus is doing, in figures.

use crate::engine::{Blocking, Engine, Figures};
use crate::{EventMap, TopicInfo};

/// Figures of one topic; what [`PubSub::stats`](crate::PubSub::stats) gives, one for each topic of the map.
///
/// They are gathered when they are asked for, subscription by subscription, so they are not of one moment while
/// others publish. Publishing to a topic that nobody follows leaves no trace in them.
///
/// ```
/// # use pubsub::prelude::*;
/// # #[derive(EventMap)] enum App { Note(String) }
/// # let bus = PubSub::<App>::default();
/// let slow = bus.subscribe(App::NOTE).bound(1).name("archive").now()?;
/// bus.publish(App::NOTE, "desk", "tidy".to_owned()).now()?;
/// let stats = &bus.stats()[0];
/// assert_eq!((stats.topic, stats.published, stats.subscriptions, stats.queued), ("Note", 1, 1, 1));
/// # drop(slow);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicStats {
    /// The name of the topic.
    pub topic: &'static str,
    /// Events that were accepted while somebody followed their address.
    pub published: u64,
    /// Events that a bound cost a subscription: one that two subscriptions lost counts twice.
    pub lost: u64,
    /// Subscriptions that follow the topic or a part of it.
    pub subscriptions: usize,
    /// Events that wait to be read: one that two subscriptions have still to read counts twice.
    pub queued: u64,
    /// Publishes that wait for room.
    pub waiting: usize,
    /// The full subscriptions that they wait for.
    pub blocking: Vec<BlockingSubscription>,
}

/// A full subscription that makes publishers wait.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingSubscription {
    /// What it was [called](crate::Subscribe::name), if anything.
    pub name: Option<String>,
    /// The bound that it has reached.
    pub bound: usize,
}

pub(crate) fn stats<M: EventMap>(engine: &Engine) -> Vec<TopicStats> {
    M::TOPICS.iter().zip(engine.figures()).map(|(topic, figures)| of_topic(topic, figures)).collect()
}

/// The full subscriptions for which publishes to this topic wait.
pub(crate) fn blocking(engine: &Engine, topic: usize) -> Vec<BlockingSubscription> {
    let figures = engine.figures().into_iter().nth(topic);
    figures.into_iter().flat_map(|figures| figures.blocking).map(BlockingSubscription::of).collect()
}

impl BlockingSubscription {
    fn of(blocking: Blocking) -> Self {
        Self { name: blocking.name.map(String::from), bound: blocking.bound }
    }
}

fn of_topic(topic: &TopicInfo, figures: Figures) -> TopicStats {
    let blocking = figures.blocking.into_iter().map(BlockingSubscription::of);
    TopicStats {
        topic: topic.name,
        published: figures.published,
        lost: figures.lost,
        subscriptions: figures.subscriptions,
        queued: figures.queued,
        waiting: figures.waiting,
        blocking: blocking.collect(),
    }
}
