//! Every bound and time of a Redis transport, with its default.

use std::time::Duration;

use super::Redis;

/// The defaults.
impl Redis {
    /// Frames that were taken and not answered: 65,536. Beyond it a publish waits in line, or is refused as full.
    pub const OUTBOUND_FRAMES: usize = 65_536;
    /// Their bytes, as they are on the wire: 16 MiB.
    pub const OUTBOUND_BYTES: usize = 16 * 1024 * 1024;
    /// The largest message that is read, and how much is held back while subscriptions are restored: 1 MiB. A larger
    /// message is passed over, and told as undecodable.
    pub const INBOUND_BYTES: usize = 1024 * 1024;
    /// The bytes of a prefix: 255.
    pub const PREFIX_BYTES: usize = 255;
    /// How long opening a connection may take, to the answer that it is ready: 2 s.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
    /// How long a frame waits for a connection before it is given back as not sent: 5 s.
    pub const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);
    /// After how long without a byte the server is asked whether it is there: 5 s.
    pub const PING_INTERVAL: Duration = Duration::from_secs(5);
    /// How long a server that owes an answer may be silent, before the connection counts as lost: 5 s.
    pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
    /// How long closing may take: 5 s.
    pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
    /// The delay before the first try to reconnect is random up to this: 50 ms. It doubles with every try.
    pub const BACKOFF_MIN: Duration = Duration::from_millis(50);
    /// What the delay never exceeds: 2 s.
    pub const BACKOFF_MAX: Duration = Duration::from_secs(2);
}

/// Channels in one SUBSCRIBE.
pub(super) const SUBSCRIBE_BATCH: usize = 512;
/// SUBSCRIBEs that are written before the first is answered. The answers of more would pile up at the server, which
/// disconnects a client that is behind by some megabytes.
pub(super) const SUBSCRIBES_IN_FLIGHT: usize = 16;
/// The bytes asked for in one read.
pub(super) const READ_CHUNK: usize = 64 * 1024;

/// How much room for writing a connection keeps between bursts.
pub(super) const WRITE_KEPT: usize = 1024 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) outbound_frames: usize,
    pub(super) outbound_bytes: usize,
    pub(super) inbound_bytes: usize,
    pub(super) connect_timeout: Duration,
    pub(super) publish_timeout: Duration,
    pub(super) ping_interval: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) close_timeout: Duration,
    pub(super) backoff: (Duration, Duration),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            outbound_frames: Redis::OUTBOUND_FRAMES,
            outbound_bytes: Redis::OUTBOUND_BYTES,
            inbound_bytes: Redis::INBOUND_BYTES,
            connect_timeout: Redis::CONNECT_TIMEOUT,
            publish_timeout: Redis::PUBLISH_TIMEOUT,
            ping_interval: Redis::PING_INTERVAL,
            answer_timeout: Redis::ANSWER_TIMEOUT,
            close_timeout: Redis::CLOSE_TIMEOUT,
            backoff: (Redis::BACKOFF_MIN, Redis::BACKOFF_MAX),
        }
    }
}
