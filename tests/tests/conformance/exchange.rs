//! What the suite asks of a transport.

use pubsub::PubSub;

use crate::harness::App;

/// Whatever connects some buses of one map.
pub(crate) trait Exchange: Send + Sync + Sized + 'static {
    /// Starts what the buses meet at.
    async fn start() -> Self;

    /// Another bus, or another handle on the only one there is.
    async fn bus(&self) -> PubSub<App>;

    /// Whether all buses are one, so that closing one closes all.
    const IS_ONE_BUS: bool = false;

    /// How many addresses the buses follow, where that can be asked.
    async fn followed(&self) -> Option<usize>;

    /// Puts something on the wire for those who follow the topic `number` and this id. Says whether there is a wire.
    async fn put(&self, id: &str, bad: Bad) -> bool;
}

/// What a peer may send that is no event of the map.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bad {
    /// No message of the codec.
    Garbage,
    /// A message of a type that the map does not have.
    UnknownType,
    /// A text where there should be a number.
    WrongPayload,
}
