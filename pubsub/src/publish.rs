//! Publishing one event.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use pubsub_transports::{Patience, Rejection};

use crate::bus::Handle;
use crate::driver::{Driver, Outgoing};
use crate::engine::{Address, At, Pin, Refused, Waiting};
use crate::event::{EventData, Stored};
use crate::{EncodeError, Event, EventId, IdString, TopicId};

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
    pin: Option<Pin>,
    /// Until it is handed over.
    data: Option<EventData<P, I>>,
    at_work: Option<AtWork>,
}

/// Who has the event of a publish that is not over.
pub(crate) enum AtWork {
    /// The engine, which gives it a place when there is room.
    Engine(Waiting),
    /// The other side has to answer.
    Link(Box<Outgoing>),
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

/// Nothing in it is ever pinned.
impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Unpin for Publish<'_, P, I> {}

impl<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Publish<'a, P, I> {
    #[inline]
    pub(crate) fn new(handle: &'a Handle, pin: Option<Pin>, data: EventData<P, I>) -> Self {
        Self { handle, pin, data: Some(data), at_work: None }
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
        data.set_event_id(event_id);
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
    #[inline]
    pub fn now(mut self) -> Result<(), PublishError<P, I>> {
        let Some(data) = &self.data else { panic!("`Publish::now` called after it was polled") };
        if let Some(driver) = &self.handle.driver {
            return send_now(driver, &mut self.data);
        }
        let engine = &self.handle.engine;
        if engine.is_idle(data.index) {
            return Ok(());
        }
        offer(&mut self.data, self.pin, |address, store| engine.try_publish(address, store))
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

/// Hands the event to the link, which answers at once.
#[cold]
fn send_now<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static>(
    driver: &Driver,
    data: &mut Option<EventData<P, I>>,
) -> Result<(), PublishError<P, I>> {
    let data = data.take().expect("an event is sent once");
    let mut outgoing = driver.send(data, Patience::Now)?;
    match outgoing.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.map_err(PublishError::of_link),
        Poll::Pending => Ok(()),
    }
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
        if let Some(at_work) = &mut this.at_work {
            let result = ready!(at_work.poll(cx));
            this.at_work = None;
            return Poll::Ready(result);
        }
        let Some(data) = &this.data else { panic!("`Publish` polled after it was ready") };
        if let Some(driver) = &this.handle.driver {
            let data = this.data.take().expect("just seen");
            let at_work = this.at_work.insert(AtWork::Link(Box::new(driver.send(data, Patience::Wait)?)));
            let result = ready!(at_work.poll(cx));
            this.at_work = None;
            return Poll::Ready(result);
        }
        let engine = &this.handle.engine;
        if engine.is_idle(data.index) {
            this.data = None;
            return Poll::Ready(Ok(()));
        }
        let publish = |address: Address<'_>, store: &mut dyn FnMut() -> Stored| {
            engine.publish(address, store, cx.waker())
        };
        this.at_work = offer(&mut this.data, this.pin, publish)?.map(AtWork::Engine);
        // Accepted although nobody took it.
        this.data = None;
        if this.at_work.is_some() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> fmt::Debug for Publish<'_, P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (&self.data, &self.at_work) {
            (Some(_), _) => "new",
            (None, Some(AtWork::Engine(_))) => "waiting for room",
            (None, Some(AtWork::Link(_))) => "waiting for an answer",
            (None, None) => "done",
        };
        f.debug_struct("Publish").field("state", &format_args!("{state}")).finish_non_exhaustive()
    }
}

/// Why an event was not published. It comes back, and reached nobody, but for [`Ambiguous`](Self::Ambiguous).
#[non_exhaustive]
pub enum PublishError<P, I: TopicId + ?Sized = str> {
    /// A subscription with [backpressure](crate::Overflow::Backpressure) has no room, or the queue of a network transport;
    /// only from [`Publish::now`], since a publish that is awaited waits.
    Full(Event<P, I>),
    /// The bus is closed.
    Closed(Event<P, I>),
    /// A network transport cannot encode it.
    Encode(Event<P, I>, EncodeError),
    /// There was no connection for as long as the transport waits for one: nothing was written.
    NotSent(Event<P, I>),
    /// It was written, and the connection was lost before an answer came: it may have been accepted or not. Sent again with
    /// the same [event id](Publish::event_id), it can be recognised if it was.
    Ambiguous(Event<P, I>),
    /// The other side refused it.
    Rejected(Event<P, I>, Rejection),
}

impl<P, I: TopicId + ?Sized> PublishError<P, I> {
    /// Whether the same publish may succeed later, and cannot arrive twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Full(_) | Self::NotSent(_) => true,
            Self::Rejected(_, rejection) => rejection.is_retryable(),
            Self::Closed(_) | Self::Encode(..) | Self::Ambiguous(_) => false,
        }
    }

    /// How long the other side asked to wait before the next try; `None` if it did not say.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(_, rejection) => rejection.retry_after(),
            _ => None,
        }
    }

    /// The event that was not published.
    #[must_use]
    pub fn event(&self) -> &Event<P, I> {
        match self {
            Self::Full(event) | Self::Closed(event) | Self::NotSent(event) | Self::Ambiguous(event) => event,
            Self::Encode(event, _) | Self::Rejected(event, _) => event,
        }
    }

    /// The event that was not published, by value.
    #[must_use]
    pub fn into_event(self) -> Event<P, I> {
        match self {
            Self::Full(event) | Self::Closed(event) | Self::NotSent(event) | Self::Ambiguous(event) => event,
            Self::Encode(event, _) | Self::Rejected(event, _) => event,
        }
    }
}

impl<P, I: TopicId + ?Sized> fmt::Debug for PublishError<P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Full(_) => "Full",
            Self::Closed(_) => "Closed",
            Self::Encode(..) => "Encode",
            Self::NotSent(_) => "NotSent",
            Self::Ambiguous(_) => "Ambiguous",
            Self::Rejected(..) => "Rejected",
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
            Self::Encode(_, error) => write!(f, "`{topic}` cannot be published: {error}"),
            Self::NotSent(_) => write!(f, "`{topic}` was not published: there is no connection"),
            Self::Ambiguous(_) => {
                write!(f, "`{topic}` may be published or not: the connection was lost before an answer came")
            }
            Self::Rejected(_, rejection) => write!(f, "`{topic}` was not published: {rejection}"),
        }
    }
}

impl<P, I: TopicId + ?Sized> std::error::Error for PublishError<P, I> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encode(_, error) => Some(error),
            Self::Rejected(_, rejection) => Some(rejection),
            _ => None,
        }
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
