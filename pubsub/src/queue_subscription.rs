//! The receiving end of one of a group.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::driver::Queued;
use crate::engine::Make;
use crate::next::Next;
use crate::{Rejection, SubscribeError};

/// A stream of the events that are given to one of a group; what
/// [`PubSub::queue_subscribe`](crate::PubSub::queue_subscribe) completes to.
///
/// It holds no event but the one that it gave last. That is done when the next is asked for, or when this is dropped; if it is
/// dropped since its thread panics, or its process ends before, the event counts as unfinished, which the host is told. So
/// handle an event before you ask for the next.
///
/// What it cannot read, since its bus has another payload for the topic, is passed over, and the host is told:
/// [`UndecodableInPool`](crate::BusError::UndecodableInPool).
///
/// The stream ends when the host or the pool is closed and every event was begun on a thread or done in a process, by whomever; when
/// its worker is [stopped](crate::Worker::stop); or when its own bus is closed.
/// As a [`Subscription`](crate::Subscription) does, it gives other tasks a turn after 128 events in a row.
#[must_use = "a subscription ends when it is dropped"]
pub struct QueueSubscription<E> {
    queued: Queued,
    make: Make<E>,
    is_ended: bool,
    /// Events taken since the task last had to wait.
    taken: u32,
}

/// As that of a [`Subscription`](crate::Subscription).
const TURN: u32 = 128;

impl<E> QueueSubscription<E> {
    pub(crate) fn new(queued: Queued, make: Make<E>) -> Self {
        Self { queued, make, is_ended: false, taken: 0 }
    }

    /// The next event, which nobody else gets; `None` when there will be none. What it gave before is done.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: an event is taken only when it is returned.
    pub fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }

    /// Why the host refused, where that came after the subscription was made: by
    /// [`now`](crate::QueueSubscribe::now) in a worker process.
    #[must_use]
    pub fn rejection(&mut self) -> Option<Rejection> {
        match self.queued.poll_joined(Waker::noop()) {
            Poll::Ready(Err(SubscribeError::Rejected(rejection))) => Some(rejection),
            _ => None,
        }
    }
}

/// Nothing in it is ever pinned.
impl<E> Unpin for QueueSubscription<E> {}

impl<E> Stream for QueueSubscription<E> {
    type Item = E;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        let this = &mut *self;
        if this.is_ended {
            return Poll::Ready(None);
        }
        if this.taken == TURN {
            this.taken = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = this.queued.poll_next(cx.waker());
        this.taken = if polled.is_ready() { this.taken + 1 } else { 0 };
        polled.map(|stored| {
            this.is_ended = stored.is_none();
            stored.map(|stored| this.make.one(stored, 0))
        })
    }
}

impl<E> FusedStream for QueueSubscription<E> {
    fn is_terminated(&self) -> bool {
        self.is_ended
    }
}

impl<E> fmt::Debug for QueueSubscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueSubscription").field("ended", &self.is_ended).finish_non_exhaustive()
    }
}
