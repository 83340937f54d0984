//! Hubs behind Redis.

use std::fmt;
use std::sync::Arc;

use super::{Hub, HubBuilder};
use crate::Inlet;
use crate::codec::Codec;
use crate::redis::Redis;
use crate::transport::{Connection, connect};

/// Why a hub cannot be behind a Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BehindError {
    /// It keeps nothing, so nobody could recover at another hub: it has to be [durable](Redis::durable).
    NotDurable,
}

impl fmt::Display for BehindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDurable => {
                f.write_str("a hub needs a Redis that keeps events: connect it with `Redis::durable`")
            }
        }
    }
}

impl std::error::Error for BehindError {}

impl Hub {
    /// Settings, to start with, of a hub that is one of several behind this Redis: see [`HubBuilder::behind`].
    ///
    /// # Errors
    /// If it is not durable.
    pub fn behind<C: Codec>(redis: Redis<C>) -> Result<HubBuilder<C>, BehindError> {
        Self::builder().behind(redis)
    }
}

impl<C: Codec> HubBuilder<C> {
    /// Makes the hub one of several: all that are behind this Redis, with the same prefix, are one bus. The hub has the codec of the
    /// Redis, in place of all that were named before.
    ///
    /// What is published at one of them is in Redis when it is accepted, and comes back to each that has asked for its type, in the
    /// order of the stream. Epochs and offsets are those of the stream, so a spoke recovers at any of the hubs. A hub asks Redis
    /// for a type while somebody follows it there; what it keeps of it is the end of the stream, and as much as
    /// [`HistoryConfig`](crate::websocket::HistoryConfig) says is read from the stream for who comes back. An event that is published
    /// twice with one event id, at whatever hubs, is accepted once, as long as Redis remembers it.
    ///
    /// While Redis is away, what is known of a type is served still, a new type is refused after
    /// [`guard_timeout`](Self::guard_timeout), and an event after the
    /// [`publish_timeout`](crate::redis::RedisBuilder::publish_timeout) of the Redis, both so that they may be tried again. Of events
    /// no more wait than [`outbound_frames`](crate::redis::RedisBuilder::outbound_frames) and
    /// [`outbound_bytes`](crate::redis::RedisBuilder::outbound_bytes) say. When Redis is back everything goes on after what was seen
    /// last, or with a gap. A Redis that has lost what it knew does not know an event that is published again either.
    ///
    /// # Errors
    /// If it is not [durable](Redis::durable).
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pubsub_transports::redis::{Redis, Retention};
    /// use pubsub_transports::websocket::Hub;
    ///
    /// let redis = Redis::durable(Retention::default()).connect("redis://localhost").await?;
    /// let hub = Hub::behind(redis)?.bind("0.0.0.0:8080").await?;
    /// # Ok(()) }
    /// ```
    pub fn behind<D: Codec>(self, redis: Redis<D>) -> Result<HubBuilder<D>, BehindError> {
        if !redis.is_durable() {
            return Err(BehindError::NotDurable);
        }
        let mut builder = self.with_codec(redis.codec());
        builder.behind = Some(Box::new(move |inlet: Arc<dyn Inlet>| match connect(redis) {
            Connection::Link { attach, .. } => attach(inlet),
            Connection::InProcess => unreachable!("Redis is a link"),
        }));
        Ok(builder)
    }
}
