//! Publishing one event.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use crate::engine::{Address, At, Engine, Pin, Refused, Store, Waiting};
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
    offer: Offer<'a, P, I>,
    /// The engine has the event and gives it a place when there is room.
    waiting: Option<Waiting>,
}

/// Nothing in it is ever pinned.
impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Unpin for Publish<'_, P, I> {}

/// What an event is made of. It is made when somebody is found who gets it, and not before.
pub(crate) struct Offer<'a, P, I: TopicId + ?Sized> {
    /// Its place in the map, and its name.
    topic: (usize, &'static str),
    id: &'a I,
    pin: Option<Pin>,
    event_id: Option<EventId>,
    /// Until the event is made, or turns out to be nobody's.
    payload: Option<P>,
}

impl<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Publish<'a, P, I> {
    #[inline]
    pub(crate) fn new(engine: &'a Arc<Engine>, offer: Offer<'a, P, I>) -> Self {
        Self { engine, offer, waiting: None }
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
        assert!(self.offer.payload.is_some(), "`Publish::event_id` called after it was polled");
        self.offer.event_id = Some(event_id);
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
    #[inline(always)]
    pub fn now(self) -> Result<(), PublishError<P, I>> {
        let Self { engine, offer, .. } = self;
        assert!(offer.payload.is_some(), "`Publish::now` called after it was polled");
        if engine.is_idle(offer.topic.0) {
            return Ok(());
        }
        // Moved here, so that it is put together only if somebody listens.
        let mut offer = offer;
        offer.hand_to(engine, None).map(|_| ())
    }
}

impl<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Offer<'a, P, I> {
    #[inline]
    pub(crate) fn new(topic: (usize, &'static str), id: &'a I, pin: Option<Pin>, payload: P) -> Self {
        Self { topic, id, pin, event_id: None, payload: Some(payload) }
    }

    /// To `engine`, which stores the event, or refuses it: then it comes back in the error. Where there is no room and
    /// a waker, it waits.
    ///
    /// Not inlined, so that where nobody listens an event need not be put together for it.
    #[inline(never)]
    pub(crate) fn hand_to(
        &mut self,
        engine: &Arc<Engine>,
        waker: Option<&Waker>,
    ) -> Result<Option<Waiting>, PublishError<P, I>> {
        let written = self.id.__write();
        let at = self.pin.map_or_else(|| At::Id(self.id.__text(&written)), At::Pin);
        let address = Address { topic: self.topic.0, at };
        let mut making = Making { owned: self.id.__to_owned_early(), written: &written, offer: self };
        engine.publish(address, &mut making, waker).map_err(|refused| self.refuse(refused))
    }

    #[cold]
    fn refuse(&mut self, refused: Refused) -> PublishError<P, I> {
        let payload = self.payload.take().expect("a refused event was not stored");
        let id = self.id;
        let data = EventData::new(self.topic, id.__to_owned(None), id.__write(), payload, self.event_id);
        let event = Event::new(Arc::new(data), 0);
        match refused {
            Refused::Full => PublishError::Full(event),
            Refused::Closed => PublishError::Closed(event),
        }
    }
}

/// An offer, with what of an event is code of users and done already.
struct Making<'m, 'a, P, I: TopicId + ?Sized> {
    offer: &'m mut Offer<'a, P, I>,
    owned: Option<I::Owned>,
    written: &'m I::__Text,
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Store for Making<'_, '_, P, I> {
    #[inline(always)]
    fn store(&mut self, known: Option<&IdString>) -> Stored {
        let Offer { topic, id, event_id, payload, .. } = &mut *self.offer;
        let payload = payload.take().expect("an event is stored once");
        let id = self.owned.take().unwrap_or_else(|| id.__to_owned(known));
        Stored::new(EventData::<P, I>::new(*topic, id, self.written.clone(), payload, *event_id))
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
        assert!(this.offer.payload.is_some(), "`Publish` polled after it was ready");
        let engine = this.engine;
        if !engine.is_idle(this.offer.topic.0) {
            this.waiting = this.offer.hand_to(engine, Some(cx.waker()))?;
        }
        // Accepted although nobody took it.
        this.offer.payload = None;
        if this.waiting.is_some() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> fmt::Debug for Publish<'_, P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (&self.offer.payload, &self.waiting) {
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
