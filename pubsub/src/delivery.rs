//! The full story of a subscription: events, losses, and why it ended.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::next::Next;
use crate::{Gap, Subscription, Undecodable};

/// What happened on a subscription.
///
/// In one process there are only events, lag and the end; the rest is what only a network can do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery<E> {
    /// An event. Its `missed` is 0: the loss before it, if any, was an item of its own.
    Event(E),
    /// The subscription lost events: its bound was reached, and its [`Overflow`](crate::Overflow) policy drops.
    Lagged {
        /// How many, since the last item.
        missed: u64,
    },
    /// The network lost events, or may have.
    Gap(Gap),
    /// The connection was lost and is there again. If anything was lost meanwhile, a [`Gap`](Self::Gap) follows.
    Reconnected,
    /// Something came to an address of this subscription and is no event of it. It was passed over, and is counted by the
    /// bus's [errors](crate::PubSub::errors) too.
    Undecodable(Undecodable),
    /// The last item: why no more will come.
    Ended(End),
}

/// Why a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The bus was closed, or its last handle dropped. What had been accepted was delivered first.
    Closed,
    /// The subscription was full and its policy is [`Overflow::Fail`](crate::Overflow::Fail).
    Overflowed,
    /// The other side does not allow it (any more): [`Subscription::rejection`] says why.
    Rejected,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the bus is closed",
            Self::Overflowed => "the subscription was full and its overflow policy is to fail",
            Self::Rejected => "the other side does not allow it",
        })
    }
}

/// The full story of a subscription, as a stream: [`Subscription::deliveries`].
///
/// Cancel safe: it borrows the subscription, which keeps everything; dropping it at any point loses nothing.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Deliveries<'a, E> {
    subscription: &'a mut Subscription<E>,
}

impl<'a, E> Deliveries<'a, E> {
    pub(crate) fn new(subscription: &'a mut Subscription<E>) -> Self {
        Self { subscription }
    }

    /// The next delivery; `None` after [`Delivery::Ended`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }
}

impl<E> Stream for Deliveries<'_, E> {
    type Item = Delivery<E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery<E>>> {
        self.subscription.poll_delivery(cx)
    }
}

impl<E> FusedStream for Deliveries<'_, E> {
    fn is_terminated(&self) -> bool {
        self.subscription.end_is_told()
    }
}
