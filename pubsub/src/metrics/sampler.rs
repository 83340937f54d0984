//! What is counted anyway, recorded when it is asked for.

use std::collections::BTreeMap;

use metrics::{counter, gauge};

use super::name;
use crate::TopicStats;

/// Records the [figures](crate::PubSub::stats) of one bus. Several buses with one map add up, each with a sampler of its own.
///
/// When it is dropped, its part of the gauges is taken back.
///
/// ```
/// # use pubsub::prelude::*;
/// # #[derive(EventMap)] enum App { Note(String) }
/// # let bus = PubSub::<App>::default();
/// let mut sampler = pubsub::metrics::BusSampler::new();
/// sampler.record(&bus.stats());
/// ```
#[derive(Debug, Default)]
pub struct BusSampler {
    before: BTreeMap<&'static str, Sample>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Sample {
    published: u64,
    dropped: u64,
    subscriptions: usize,
    queued: u64,
    waiting: usize,
}

impl BusSampler {
    /// Which has recorded nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records what has changed since it was last told.
    pub fn record(&mut self, stats: &[TopicStats]) {
        for stats in stats {
            let now = Sample {
                published: stats.published,
                dropped: stats.lost,
                subscriptions: stats.subscriptions,
                queued: stats.queued,
                waiting: stats.waiting,
            };
            let before = self.before.insert(stats.topic, now).unwrap_or_default();
            now.record(stats.topic, before);
        }
    }
}

impl Sample {
    fn record(self, topic: &'static str, before: Self) {
        counter!(name::PUBLISHED, "topic" => topic)
            .increment(self.published.saturating_sub(before.published));
        counter!(name::DROPPED, "topic" => topic).increment(self.dropped.saturating_sub(before.dropped));
        let gauges = [
            (name::SUBSCRIPTIONS, self.subscriptions as f64, before.subscriptions as f64),
            (name::QUEUED, self.queued as f64, before.queued as f64),
            (name::WAITING, self.waiting as f64, before.waiting as f64),
        ];
        for (name, now, before) in gauges {
            gauge!(name, "topic" => topic).increment(now - before);
        }
    }
}

impl Drop for BusSampler {
    fn drop(&mut self) {
        for (topic, before) in std::mem::take(&mut self.before) {
            let gone = Sample { published: before.published, dropped: before.dropped, ..Sample::default() };
            gone.record(topic, before);
        }
    }
}

/// Records the [figures](pubsub_transports::websocket::Hub::stats) of one hub, as a [`BusSampler`] those of a bus.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = pubsub::Hub::bind("127.0.0.1:0").await?;
/// let mut sampler = pubsub::metrics::HubSampler::new();
/// sampler.record(&hub.stats());
/// # hub.close().await;
/// # Ok(()) }
/// ```
#[cfg(feature = "websocket")]
#[derive(Debug, Default)]
pub struct HubSampler {
    before: HubSample,
}

#[cfg(feature = "websocket")]
#[derive(Debug, Default, Clone, Copy)]
struct HubSample {
    connections: usize,
    subscriptions: usize,
    longest_queue: usize,
    gaps: u64,
    missed: u64,
    slow_consumers: u64,
    undecodable: u64,
    upstream_connected: bool,
}

#[cfg(feature = "websocket")]
impl HubSampler {
    /// Which has recorded nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records what has changed since it was last told.
    pub fn record(&mut self, stats: &pubsub_transports::websocket::HubStats) {
        let now = HubSample {
            connections: stats.connections,
            subscriptions: stats.subscriptions,
            longest_queue: stats.queues.first().map_or(0, |queue| queue.queued_bytes),
            gaps: stats.gaps,
            missed: stats.missed,
            slow_consumers: stats.slow_consumers,
            undecodable: stats.undecodable,
            upstream_connected: stats.upstream_connected == Some(true),
        };
        now.record(std::mem::replace(&mut self.before, now));
    }
}

#[cfg(feature = "websocket")]
impl HubSample {
    fn record(self, before: Self) {
        counter!(name::HUB_GAPS).increment(self.gaps.saturating_sub(before.gaps));
        counter!(name::HUB_MISSED).increment(self.missed.saturating_sub(before.missed));
        counter!(name::HUB_UNDECODABLE).increment(self.undecodable.saturating_sub(before.undecodable));
        counter!(name::HUB_SLOW).increment(self.slow_consumers.saturating_sub(before.slow_consumers));
        let is_connected = |sample: &Self| f64::from(u8::from(sample.upstream_connected));
        gauge!(name::HUB_UPSTREAM).increment(is_connected(&self) - is_connected(&before));
        gauge!(name::HUB_CONNECTIONS).increment(self.connections as f64 - before.connections as f64);
        gauge!(name::HUB_SUBSCRIPTIONS).increment(self.subscriptions as f64 - before.subscriptions as f64);
        gauge!(name::HUB_LONGEST_QUEUE).increment(self.longest_queue as f64 - before.longest_queue as f64);
    }
}

#[cfg(feature = "websocket")]
impl Drop for HubSampler {
    fn drop(&mut self) {
        let HubSample { gaps, missed, slow_consumers, undecodable, .. } = self.before;
        let gone = HubSample { gaps, missed, slow_consumers, undecodable, ..HubSample::default() };
        gone.record(self.before);
    }
}
