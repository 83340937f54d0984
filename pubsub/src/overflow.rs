//! What happens when a subscription is full.

/// What happens to an event for which a subscription has no room.
///
/// A subscription holds at most [`bound`](crate::Subscribe::bound) events. Whatever the policy, nothing is lost in
/// silence: an event carries how many were [missed](crate::Event::missed) just before it, and
/// [`Subscription::missed`](crate::Subscription::missed) sums them.
///
/// ```
/// # use pubsub::prelude::*;
/// # #[derive(EventMap)] enum App { Tick(u32) }
/// # let bus = PubSub::<App>::default();
/// let mut ticks = bus.subscribe(App::TICK).bound(2).overflow(Overflow::DropOldest).now()?;
/// for n in 0..5 {
///     bus.publish(App::TICK, "clock", n).now()?;
/// }
/// let first = ticks.try_next()?;
/// assert_eq!((first.payload, first.missed), (3, 3)); // 0, 1 and 2 gave way
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// Publishers wait, in order, until there is room; `.now()` refuses the event instead. Nothing is lost, unless
    /// the bus is [closed with a deadline](crate::Close::until). The default in one process.
    ///
    /// A task that awaits a publish to a topic that it reads itself can wait for itself: give such a subscription
    /// another policy, or read it in a task of its own.
    #[default]
    Backpressure,
    /// The oldest event that was not read yet gives way.
    DropOldest,
    /// The new event is not taken.
    DropNewest,
    /// Of each topic and id only the latest event is kept, in order of arrival; the bound counts ids, and the id
    /// that was updated longest ago gives way.
    LatestPerId,
    /// The subscription ends: what it holds can still be read, then its stream ends with
    /// [`End::Overflowed`](crate::End::Overflowed).
    Fail,
}

/// What a subscription gets that asks for nothing else.
pub mod defaults {
    use std::time::Duration;

    use super::Overflow;

    /// Events that a subscription holds at most.
    pub const BOUND: usize = 1_024;
    /// Events that the inbox of a worker thread, or of its host, holds at most.
    #[cfg(feature = "worker")]
    pub const INBOX: usize = 256;
    /// What happens beyond the bound where publishers can wait: in one process.
    pub const OVERFLOW: Overflow = Overflow::Backpressure;
    /// What happens beyond the bound where they cannot: over a network, whose reading never waits for a subscriber.
    pub const NETWORK_OVERFLOW: Overflow = Overflow::DropOldest;
    /// How long a publish waits before the bus [tells of it](crate::PubSub::warn_blocked_after): 10 s.
    pub const WARN_BLOCKED_AFTER: Duration = Duration::from_secs(10);
}
