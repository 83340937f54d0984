//! How much may wait for a connection, and what happens beyond it.

/// What happens to an event for a connection whose queue is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The connection is closed with 4002, at the hard bound at once and before it when it makes no progress. Nothing
    /// is lost: the client recovers from the history.
    #[default]
    Disconnect,
    /// The oldest events go, and the client is told how many.
    DropOldest,
    /// An older event of the same id goes, and the client is told; if there is none, the oldest.
    LatestPerId,
}

/// The bounds of the queue of each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxConfig {
    /// How many bytes of events wait before it is full: 1 MiB.
    pub bytes: usize,
    /// How many wait before the connection is closed at once, where events are not dropped: 4 MiB.
    pub hard_bytes: usize,
    /// How many bytes of answers wait before it is: 256 KiB.
    pub answer_bytes: usize,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self { bytes: 1 << 20, hard_bytes: 4 << 20, answer_bytes: 256 * 1024 }
    }
}
