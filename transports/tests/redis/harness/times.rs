//! Times of a network on one machine.
// A part of the library of the workspace's tests too, for which it is public.
#![allow(unreachable_pub)]

use std::time::Duration;

use pubsub_transports::codec::Codec;
use pubsub_transports::redis::RedisBuilder;

/// Whoever lost a connection is soon back. What has to be answered may take its time: a machine that is busy is no fault.
pub fn quick<C: Codec>(builder: RedisBuilder<C>) -> RedisBuilder<C> {
    let patience = Duration::from_secs(5);
    builder
        .ping_interval(Duration::from_millis(50))
        .answer_timeout(patience)
        .connect_timeout(patience)
        .publish_timeout(Duration::from_secs(20))
        .backoff(Duration::from_millis(5), Duration::from_millis(50))
}

/// The same, and who does not answer is soon given up, for those who wait for that. It may happen without a reason too.
pub fn hasty<C: Codec>(builder: RedisBuilder<C>) -> RedisBuilder<C> {
    let patience = Duration::from_millis(500);
    quick(builder).answer_timeout(patience).connect_timeout(patience)
}
