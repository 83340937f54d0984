//! Publishing to one worker.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pubsub_transports::{Frame, Patience, SendError, Sending};

use super::core::Core;
use super::slot::Slot;
use crate::bus::Handle;
use crate::driver::Outgoing;
use crate::event::EventData;
use crate::{EventId, PublishError, TopicId};

/// An event that is about to be published to one worker; made by [`Worker::publish`](super::Worker::publish).
///
/// Nothing happens until it is awaited, or completed by [`now`](Self::now) from code that is not async.
///
/// # Cancel safety
/// As that of [`Publish`](crate::Publish): it reaches the worker or nobody.
#[must_use = "nothing is published until this is awaited or `.now()` is called"]
pub struct PublishTo<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static = str> {
    core: &'a Core,
    slot: &'a Slot,
    handle: &'a Handle,
    data: Option<EventData<P, I>>,
    outgoing: Option<Box<Outgoing>>,
}

/// Nothing in it is ever pinned.
impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Unpin for PublishTo<'_, P, I> {}

impl<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> PublishTo<'a, P, I> {
    pub(super) fn new(core: &'a Core, slot: &'a Slot, handle: &'a Handle, data: EventData<P, I>) -> Self {
        Self { core, slot, handle, data: Some(data), outgoing: None }
    }

    /// Gives the event an id: see [`Publish::event_id`](crate::Publish::event_id).
    ///
    /// # Panics
    /// If it was polled before.
    pub fn event_id(mut self, event_id: EventId) -> Self {
        let Some(data) = &mut self.data else { panic!("`PublishTo::event_id` called after it was polled") };
        data.set_event_id(event_id);
        self
    }

    /// Publishes without waiting, from code that is not async.
    ///
    /// # Errors
    /// [`Full`](PublishError::Full) if the inbox of the worker has no room; [`Closed`](PublishError::Closed) if it has ended,
    /// is between two runs, or gets nothing more.
    ///
    /// # Panics
    /// If it was polled before.
    pub fn now(mut self) -> Result<(), PublishError<P, I>> {
        let Some(data) = self.data.take() else { panic!("`PublishTo::now` called after it was polled") };
        let mut outgoing = self.send(data, Patience::Now)?;
        match outgoing.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer.map_err(PublishError::of_link),
            Poll::Pending => Ok(()),
        }
    }

    fn send(&self, data: EventData<P, I>, patience: Patience) -> Result<Outgoing, PublishError<P, I>> {
        let driver = self.handle.driver.as_ref().unwrap_or_else(|| unreachable!("the host's bus has a link"));
        driver.send_by(data, |frame: Frame| match self.slot.member() {
            Some(member) => self.core.exchange.publish_to(self.core.host, member, frame, patience),
            None => Sending::Done(Err(SendError::Closed)),
        })
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Future for PublishTo<'_, P, I> {
    type Output = Result<(), PublishError<P, I>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut outgoing = match this.outgoing.take() {
            Some(outgoing) => outgoing,
            None => {
                let Some(data) = this.data.take() else { panic!("`PublishTo` polled after it was ready") };
                Box::new(this.send(data, Patience::Wait)?)
            }
        };
        match outgoing.poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.map_err(PublishError::of_link)),
            Poll::Pending => {
                this.outgoing = Some(outgoing);
                Poll::Pending
            }
        }
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> fmt::Debug for PublishTo<'_, P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishTo").field("worker", &self.slot.name).finish_non_exhaustive()
    }
}
