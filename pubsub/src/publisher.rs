//! Publishing to one address again and again.

use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_sink::Sink;
use pubsub_transports::Patience;

use crate::bus::Handle;
use crate::engine;
use crate::offer::Offer;
use crate::publish::AtWork;
use crate::{Publish, PublishError, TopicId};

/// Publishes to one topic and id, which are looked up once; made by [`PubSub::publisher`](crate::PubSub::publisher).
///
/// It reaches whoever follows the address when it publishes, however subscriptions come and go. It is a handle of
/// the bus: the bus stays open while it lives. A clone is another publisher to the same address.
///
/// It is a [`Sink`] too, of payloads:
///
/// * An item given to the sink is published at once where there is room; otherwise it waits in the line, and the
///   sink is ready for the next one when it was accepted. Flushing waits for that, and closing is flushing.
/// * Cancelling a wait for the sink loses nothing: the sink keeps the item and its turn. Dropping the publisher
///   withdraws an item that still waits, so flush before.
/// * In one process its only error is [`Closed`](PublishError::Closed); over a network it has those of an awaited
///   publish, each told by the next call after the item that it belongs to, with the event in it.
///
/// ```
/// use futures::SinkExt;
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum App { Note(String) }
///
/// # futures::executor::block_on(async {
/// let bus = PubSub::<App>::default();
/// let mut desk = bus.publisher(App::NOTE, "desk");
/// let mut notes = bus.subscribe(App::NOTE).await?;
/// desk.publish("tidy".to_owned()).await?;
/// desk.send("dust".to_owned()).await?; // as a sink
/// assert_eq!(notes.try_next()?.payload, "tidy");
/// assert_eq!(notes.try_next()?.payload, "dust");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Publisher<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static = str> {
    handle: Arc<Handle>,
    pin: engine::Pin,
    topic: &'static str,
    index: usize,
    id: I::Owned,
    /// The item of the sink that waits for room.
    waiting: Option<Box<AtWork>>,
    payload: std::marker::PhantomData<fn(P)>,
}

/// Nothing in it is ever pinned.
impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Unpin for Publisher<P, I> {}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Publisher<P, I> {
    pub(crate) fn new(handle: &Arc<Handle>, topic: &'static str, index: usize, id: I::Owned) -> Self {
        Self {
            pin: handle.engine.pin(index, id.borrow().__text(&id.borrow().__write())),
            handle: Arc::clone(handle),
            topic,
            index,
            id,
            waiting: None,
            payload: std::marker::PhantomData,
        }
    }

    /// Publishes `payload`: complete it with `.await`, or with `.now()` from code that is not async. As
    /// [`PubSub::publish`](crate::PubSub::publish), without the search for who follows.
    ///
    /// # Errors
    /// [`PublishError`], with the event in it.
    #[inline]
    pub fn publish(&self, payload: P) -> Publish<'_, P, I> {
        Publish::new(&self.handle, self.offer(payload))
    }

    #[inline]
    fn offer(&self, payload: P) -> Offer<'_, P, I> {
        Offer::new((self.index, self.topic), self.id(), Some(self.pin), payload)
    }

    /// The name of the topic.
    #[must_use]
    pub fn topic(&self) -> &'static str {
        self.topic
    }

    /// The id that scopes the topic.
    #[inline]
    #[must_use]
    pub fn id(&self) -> &I {
        self.id.borrow()
    }

    fn poll_accepted(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PublishError<P, I>>> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(Ok(())) };
        let accepted = ready!(waiting.poll(cx));
        self.waiting = None;
        Poll::Ready(accepted)
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Sink<P> for Publisher<P, I> {
    type Error = PublishError<P, I>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_accepted(cx)
    }

    /// # Panics
    /// If the sink was not ready.
    fn start_send(mut self: Pin<&mut Self>, payload: P) -> Result<(), Self::Error> {
        assert!(self.waiting.is_none(), "`start_send` on a sink that is not ready");
        if let Some(driver) = &self.handle.driver {
            let outgoing = driver.send(self.offer(payload).make(), Patience::Wait)?;
            self.waiting = Some(Box::new(AtWork::Link(outgoing)));
            return Ok(());
        }
        // Whoever polls the sink next says who is to be woken.
        let waiting = self.offer(payload).hand_to(&self.handle.engine, Some(Waker::noop()))?;
        self.waiting = waiting.map(|waiting| Box::new(AtWork::Engine(waiting)));
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_accepted(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_accepted(cx)
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Clone for Publisher<P, I> {
    fn clone(&self) -> Self {
        Self::new(&self.handle, self.topic, self.index, self.id.clone())
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Drop for Publisher<P, I> {
    fn drop(&mut self) {
        self.handle.engine.unpin(self.pin);
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> fmt::Debug for Publisher<P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("topic", &self.topic)
            .field("id", &format_args!("{}", self.id))
            .field("waiting", &self.waiting.is_some())
            .finish()
    }
}
