//! Publishing one event.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::engine::{Address, At, Engine, Pin, Refused, Waiting};
use crate::event::{EventData, Stored};
use crate::{Event, EventId, IdString, TopicId};

/// An event that is about to be published; made by [`PubSub::publish`](crate::PubSub::publish).
///
/// Nothing happens until it is awaited, or completed by [`now`](Self::now) from code that is not async.
///
/// # Cancel safety
/// A publish is never half done. Dropped before it was polled, or while there is no room, the event reached nobody. While
/// it waits, whoever makes room accepts the event at that moment, to keep its turn: dropped between that and its next
/// poll, it reached all. So a publish that was cancelled while it waited reached all or nobody, and which is not told.
#[must_use = "nothing is published until this is awaited or `.now()` is called"]
pub struct Publish<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static = str> {
    engine: &'a Arc<Engine>,
    pin: Option<Pin>,
    /// Until it is handed to the engine.
    data: Option<EventData<P, I>>,
    /// The engine has the event and gives it a place when there is room.
    waiting: Option<Waiting>,
}

/// Nothing in it is ever pinned.
impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Unpin for Publish<'_, P, I> {}

impl<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Publish<'a, P, I> {
    #[inline]
    pub(crate) fn new(engine: &'a Arc<Engine>, pin: Option<Pin>, data: EventData<P, I>) -> Self {
        Self { engine, pin, data: Some(data), waiting: None }
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
        let Some(data) = &mut self.data else { panic!("`Publish::event_id` called after it was polled") };
        data.event_id = Some(event_id);
        self
    }

    /// Publishes without waiting, from code that is not async.
    ///
    /// # Errors
    /// [`Full`](PublishError::Full) if a subscription with [backpressure](crate::Overflow::Backpressure) has no
    /// room, [`Closed`](PublishError::Closed) if the bus is closed. The event comes back, and reached nobody.
    ///
    /// # Panics
    /// If it was polled before: a publish is either awaited or completed by this.
    #[inline]
    pub fn now(mut self) -> Result<(), PublishError<P, I>> {
        let Some(data) = &self.data else { panic!("`Publish::now` called after it was polled") };
        if self.engine.is_idle(data.index) {
            return Ok(());
        }
        offer(&mut self.data, self.pin, |address, store| self.engine.try_publish(address, store))
    }
}

/// Hands the event to `engine`, which takes it out and stores it, or refuses it: then it comes back in the error.
#[inline]
pub(crate) fn offer<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static, T>(
    offered: &mut Option<EventData<P, I>>,
    pin: Option<Pin>,
    engine: impl FnOnce(Address<'_>, &mut dyn FnMut() -> Stored) -> Result<T, Refused>,
) -> Result<T, PublishError<P, I>> {
    let data = offered.as_ref().expect("an event is offered once");
    let topic = data.index;
    let id = match pin {
        None => IdString::from(data.id_text()),
        Some(_) => IdString::default(),
    };
    let mut store = || Stored::new(offered.take().expect("an event is stored once"));
    let at = pin.map_or_else(|| At::Id(&id), At::Pin);
    let result = engine(Address { topic, at }, &mut store);
    result.map_err(|refused| refuse(offered, refused))
}

#[cold]
fn refuse<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static>(
    offered: &mut Option<EventData<P, I>>,
    refused: Refused,
) -> PublishError<P, I> {
    let data = offered.take().expect("a refused event was not stored");
    let event = Event::new(Arc::new(data), 0);
    match refused {
        Refused::Full => PublishError::Full(event),
        Refused::Closed => PublishError::Closed(event),
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Future for Publish<'_, P, I> {
    type Output = Result<(), PublishError<P, I>>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(waiting) = &this.waiting {
            let result = ready!(waiting.poll(cx.waker()));
            this.waiting = None;
            return Poll::Ready(result.map_err(|stored| PublishError::Closed(stored.into_event(0))));
        }
        let Some(data) = &this.data else { panic!("`Publish` polled after it was ready") };
        let engine = this.engine;
        if engine.is_idle(data.index) {
            this.data = None;
            return Poll::Ready(Ok(()));
        }
        let publish = |address: Address<'_>, store: &mut dyn FnMut() -> Stored| {
            engine.publish(address, store, cx.waker())
        };
        this.waiting = offer(&mut this.data, this.pin, publish)?;
        // Accepted although nobody took it.
        this.data = None;
        if this.waiting.is_some() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> fmt::Debug for Publish<'_, P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (&self.data, &self.waiting) {
            (Some(_), _) => "new",
            (None, Some(_)) => "waiting for room",
            (None, None) => "done",
        };
        f.debug_struct("Publish").field("state", &format_args!("{state}")).finish_non_exhaustive()
    }
}

/// Why an event was not published. It reached nobody, and comes back.
#[non_exhaustive]
pub enum PublishError<P, I: TopicId + ?Sized = str> {
    /// A subscription with [backpressure](crate::Overflow::Backpressure) has no room; only from [`Publish::now`],
    /// since a publish that is awaited waits.
    Full(Event<P, I>),
    /// The bus is closed.
    Closed(Event<P, I>),
}

impl<P, I: TopicId + ?Sized> PublishError<P, I> {
    /// Whether the same publish may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// The event that was not published.
    #[must_use]
    pub fn event(&self) -> &Event<P, I> {
        let (Self::Full(event) | Self::Closed(event)) = self;
        event
    }

    /// The event that was not published, by value.
    #[must_use]
    pub fn into_event(self) -> Event<P, I> {
        let (Self::Full(event) | Self::Closed(event)) = self;
        event
    }
}

impl<P, I: TopicId + ?Sized> fmt::Debug for PublishError<P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Full(_) => "Full",
            Self::Closed(_) => "Closed",
        };
        f.debug_tuple(name).field(self.event()).finish()
    }
}

impl<P, I: TopicId + ?Sized> fmt::Display for PublishError<P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topic = self.event().topic;
        match self {
            Self::Full(_) => write!(f, "a subscription to `{topic}` is full and asks publishers to wait"),
            Self::Closed(_) => write!(f, "`{topic}` cannot be published: the bus is closed"),
        }
    }
}

impl<P, I: TopicId + ?Sized> std::error::Error for PublishError<P, I> {}
