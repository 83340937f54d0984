//! Publishing one event.

#[cfg(feature = "websocket")]
mod to_client;
#[cfg(feature = "tracing")]
mod traced;

use std::fmt;
use std::task::{Context, Poll, ready};

use pubsub_transports::Patience;

use crate::bus::Handle;
use crate::driver::{Driver, Outgoing};
use crate::engine::Waiting;
use crate::offer::Offer;
use crate::{EventId, PublishError, TopicId};

/// An event that is about to be published; made by [`PubSub::publish`](crate::PubSub::publish).
///
/// Nothing happens until it is awaited, or completed by [`now`](Self::now) from code that is not async.
///
/// # Cancel safety
/// A publish is never half done. Dropped before it was polled, or while there is no room, the event reached nobody. While
/// it waits, whoever makes room accepts the event at that moment, to keep its turn: dropped between that and its next
/// poll, it reached all. So a publish that was cancelled while it waited reached all or nobody, and which is not told. Over
/// a network the same is true from its first poll on.
#[must_use = "nothing is published until this is awaited or `.now()` is called"]
pub struct Publish<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static = str> {
    handle: &'a Handle,
    offer: Offer<'a, P, I>,
    /// Boxed, as most publishes never have to wait.
    at_work: Option<Box<AtWork>>,
}

/// Nothing in it is ever pinned.
impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Unpin for Publish<'_, P, I> {}

/// Who has the event of a publish that is not over.
pub(crate) enum AtWork {
    /// The engine, which gives it a place when there is room.
    Engine(Waiting),
    /// The other side has to answer.
    Link(Outgoing),
}

impl AtWork {
    pub(crate) fn poll<P, I>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PublishError<P, I>>>
    where
        P: Send + Sync + 'static,
        I: TopicId + ?Sized + 'static,
    {
        match self {
            Self::Engine(waiting) => {
                waiting.poll(cx.waker()).map_err(|stored| PublishError::Closed(stored.into_event(0)))
            }
            Self::Link(outgoing) => outgoing.poll(cx).map_err(PublishError::of_link),
        }
    }
}

impl<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Publish<'a, P, I> {
    #[inline]
    pub(crate) fn new(handle: &'a Handle, offer: Offer<'a, P, I>) -> Self {
        Self { handle, offer, at_work: None }
    }

    /// Gives the event an id, by which it is recognised when it arrives twice: see
    /// [`dedupe_id`](crate::EventOperators::dedupe_id).
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Paid(u32) }
    /// # let bus = PubSub::<App>::default();
    /// let id = pubsub::EventId::derive("payments", ["order 17", "first try"]);
    /// bus.publish(App::PAID, "order 17", 250).event_id(id).now()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If it was polled before.
    pub fn event_id(mut self, event_id: EventId) -> Self {
        assert!(self.offer.is_open(), "`Publish::event_id` called after it was polled");
        self.offer.set_event_id(event_id);
        self
    }

    /// Publishes without waiting, from code that is not async.
    ///
    /// # Errors
    /// [`Full`](PublishError::Full) if a subscription with [backpressure](crate::Overflow::Backpressure) has no
    /// room, or the queue of a network transport; [`Closed`](PublishError::Closed) if the bus is closed;
    /// [`Encode`](PublishError::Encode) if a network transport cannot encode it. The event comes back, and reached nobody.
    ///
    /// # Panics
    /// If it was polled before: a publish is either awaited or completed by this.
    #[inline(always)]
    pub fn now(self) -> Result<(), PublishError<P, I>> {
        let Self { handle, offer, .. } = self;
        assert!(offer.is_open(), "`Publish::now` called after it was polled");
        if let Some(driver) = &handle.driver {
            return send_now(driver, offer);
        }
        if handle.engine.is_idle(offer.topic()) {
            return Ok(());
        }
        // Moved here, so that it is put together only if somebody listens.
        let mut offer = offer;
        offer.hand_to(&handle.engine, None).map(|_| ())
    }
}

/// Hands the event to the link, which answers at once.
#[cold]
fn send_now<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static>(
    driver: &Driver,
    mut offer: Offer<'_, P, I>,
) -> Result<(), PublishError<P, I>> {
    driver.send(offer.make(), Patience::Now)?.answer().map_err(PublishError::of_link)
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Future for Publish<'_, P, I> {
    type Output = Result<(), PublishError<P, I>>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(at_work) = &mut this.at_work {
            let result = ready!(at_work.poll(cx));
            this.at_work = None;
            return Poll::Ready(result);
        }
        assert!(this.offer.is_open(), "`Publish` polled after it was ready");
        if let Some(driver) = &this.handle.driver {
            let mut outgoing = driver.send(this.offer.make(), Patience::Wait)?;
            if let Poll::Ready(answer) = outgoing.poll(cx) {
                return Poll::Ready(answer.map_err(PublishError::of_link));
            }
            this.at_work = Some(Box::new(AtWork::Link(outgoing)));
            return Poll::Pending;
        }
        let engine = &this.handle.engine;
        if !engine.is_idle(this.offer.topic()) {
            this.at_work = this
                .offer
                .hand_to(engine, Some(cx.waker()))?
                .map(|waiting| Box::new(AtWork::Engine(waiting)));
        }
        // Accepted although nobody took it.
        this.offer.discard();
        if this.at_work.is_some() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> fmt::Debug for Publish<'_, P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.offer.is_open(), self.at_work.as_deref()) {
            (true, _) => "new",
            (false, Some(AtWork::Engine(_))) => "waiting for room",
            (false, Some(AtWork::Link(_))) => "waiting for an answer",
            (false, None) => "done",
        };
        f.debug_struct("Publish").field("state", &format_args!("{state}")).finish_non_exhaustive()
    }
}

/// A publish that was completed. [`Publish`] is none: its methods below exist for the sake of the error.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "nothing is published yet",
    label = "complete the publish first",
    note = "`publish(..)` is completed by `.await?`, or by `.now()?` in code that is not async: `bus.publish(..).await?;`"
)]
pub trait Completed {}

#[doc(hidden)]
impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Publish<'_, P, I> {
    pub fn unwrap(self)
    where
        Self: Completed,
    {
    }

    pub fn expect(self, _: &str)
    where
        Self: Completed,
    {
    }
}
