//! Subscribing as one of a group.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::bus::Handle;
use crate::driver::Queued;
use crate::engine::Make;
use crate::interest::Interest;
use crate::{EventMap, QueueSubscription, Selector, SubscribeError};

/// A subscription as one of a group that is about to be made, by [`PubSub::queue_subscribe`](crate::PubSub::queue_subscribe).
///
/// Nothing happens until it is awaited, or completed by [`now`](Self::now) from code that is not async.
///
/// # Cancel safety
/// Dropped before it is ready, nothing was subscribed: what the group had given to it goes to others.
#[must_use = "nothing is subscribed until this is awaited or `.now()` is called"]
pub struct QueueSubscribe<'a, E> {
    handle: &'a Handle,
    group: String,
    interest: Interest,
    make: fn() -> Make<E>,
    prefetch: usize,
    is_complete: bool,
    /// Waits for the host's answer.
    pending: Option<Queued>,
}

/// Nothing in it is ever pinned.
impl<E> Unpin for QueueSubscribe<'_, E> {}

impl<'a, E> QueueSubscribe<'a, E> {
    pub(crate) fn new<M, S>(handle: &'a Handle, selector: &S, group: String) -> Self
    where
        M: EventMap,
        S: Selector<M, Event = E>,
    {
        let interest = Interest::of(selector);
        Self { handle, group, interest, make: S::__make, prefetch: 1, is_complete: false, pending: None }
    }

    /// How many events the group gives to it at once, the one at work included: at least 1, which is the default. In a worker
    /// process more of them hide the way there and back; those that wait in it are stuck while it is stalled, and go to
    /// others when it fails. On a worker thread it changes nothing: there is no way.
    pub fn prefetch(mut self, events: usize) -> Self {
        self.prefetch = events.max(1);
        self
    }

    /// Subscribes, from code that is not async. In a worker process it does not wait for the host's answer: where that is no, the
    /// stream ends, and [`QueueSubscription::rejection`] says why.
    ///
    /// # Errors
    /// [`NoTopic`](SubscribeError::NoTopic), [`NoQueueGroups`](SubscribeError::NoQueueGroups),
    /// [`Closed`](SubscribeError::Closed), [`Address`](SubscribeError::Address), and on a worker thread
    /// [`Rejected`](SubscribeError::Rejected): there is no such group, or it selects something else.
    ///
    /// # Panics
    /// If it was polled before: a subscription is either awaited or completed by this.
    pub fn now(mut self) -> Result<QueueSubscription<E>, SubscribeError> {
        let mut queued = self.join()?;
        match queued.poll_joined(std::task::Waker::noop()) {
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(QueueSubscription::new(queued, (self.make)())),
        }
    }

    fn join(&mut self) -> Result<Queued, SubscribeError> {
        assert!(
            !std::mem::replace(&mut self.is_complete, true),
            "`QueueSubscribe` polled after it was ready"
        );
        if self.interest.is_empty() {
            return Err(SubscribeError::NoTopic);
        }
        let driver = self.handle.driver.as_ref().ok_or(SubscribeError::NoQueueGroups)?;
        driver.join_queue(std::mem::take(&mut self.group), &self.interest, self.prefetch)
    }
}

impl<E> Future for QueueSubscribe<'_, E> {
    type Output = Result<QueueSubscription<E>, SubscribeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut queued = match self.pending.take() {
            Some(pending) => pending,
            None => self.join()?,
        };
        match queued.poll_joined(cx.waker()) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(QueueSubscription::new(queued, (self.make)()))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.pending = Some(queued);
                Poll::Pending
            }
        }
    }
}

impl<E> fmt::Debug for QueueSubscribe<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueSubscribe")
            .field("group", &self.group)
            .field("prefetch", &self.prefetch)
            .finish_non_exhaustive()
    }
}
