//! Subscribing.

use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::bus::Handle;
use crate::driver::Remote;
use crate::engine::{Make, Seat, Terms};
use crate::errors::BusError;
use crate::handler::{self, HandlerResult};
use crate::interest::Interest;
use crate::overflow::{Overflow, defaults};
use crate::{
    AddressError, EventMap, Handler, Rejection, Selector, Since, Subscription, TopicInfo, TryNextError,
};

/// A subscription that is about to be made, by [`PubSub::subscribe`](crate::PubSub::subscribe).
///
/// Nothing happens until it is awaited, or completed by [`now`](Self::now) from code that is not async. Once it
/// is, every event published from then on is delivered. Over a network it is ready when the other side acknowledged;
/// [`now`](Self::now) does not wait for that, and [`Subscription::ready`] does.
///
/// # Cancel safety
/// Dropped before it is ready, nothing was subscribed.
#[must_use = "nothing is subscribed until this is awaited or `.now()` is called"]
pub struct Subscribe<'a, E> {
    handle: &'a Handle,
    topics: &'static [TopicInfo],
    interest: Interest,
    make: fn() -> Make<E>,
    bound: usize,
    overflow: Option<Overflow>,
    /// Boxed, since most have nothing of it.
    rare: Option<Box<Rare>>,
    is_complete: bool,
    /// Waits for the other side's acknowledgement.
    pending: Option<Subscription<E>>,
}

/// What few subscriptions ask for.
#[derive(Default)]
struct Rare {
    name: Option<Box<str>>,
    since: Option<Since>,
    acknowledges: bool,
}

/// Nothing in it is ever pinned.
impl<E> Unpin for Subscribe<'_, E> {}

impl<'a, E> Subscribe<'a, E> {
    pub(crate) fn new<M, S>(handle: &'a Handle, selector: &S) -> Self
    where
        M: EventMap,
        S: Selector<M, Event = E>,
    {
        Self {
            handle,
            topics: M::TOPICS,
            interest: Interest::of(selector),
            make: S::__make,
            bound: defaults::BOUND,
            overflow: None,
            rare: None,
            is_complete: false,
            pending: None,
        }
    }

    /// How many events the subscription holds at most: at least 1, by default [`defaults::BOUND`].
    ///
    /// Memory for them is taken as they come.
    pub fn bound(mut self, events: usize) -> Self {
        self.bound = events;
        self
    }

    /// What happens to an event beyond the bound; by default publishers wait ([`defaults::OVERFLOW`]), or the oldest gives
    /// way where they cannot ([`defaults::NETWORK_OVERFLOW`]).
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = Some(overflow);
        self
    }

    /// What the subscription is called in [statistics](crate::PubSub::stats), where it says for whom publishers
    /// wait.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.rare.get_or_insert_default().name = Some(name.into().into());
        self
    }

    /// Acknowledged delivery: an event is handled when the next is asked for, in a [handler](Self::on) when that has ended, and at
    /// most [`bound`](Self::bound) events of each address are under way that were not handled. So a slow subscriber holds up neither
    /// its connection nor the publishers, and loses nothing that the other side still has.
    ///
    /// Over a hub, what waits is in the hub's history: what that has to give up meanwhile is a gap. After a lost connection nothing
    /// comes twice. In one process, and wherever [publishers can wait](crate::guarantees::Guarantees::backpressure), they do.
    /// The overflow policy says nothing then.
    ///
    /// Subscriptions of one topic on one bus share the smallest bound, those too that acknowledge nothing, and what all of them
    /// have handled is acknowledged: give who must not wait for another a bus of its own. What was sent before the hub knew
    /// of the bound is held beyond it.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Job(u32) }
    /// # futures::executor::block_on(async {
    /// # let bus = PubSub::<App>::default();
    /// let mut jobs = bus.subscribe(App::JOB).bound(2).acknowledged().await?;
    /// bus.publish(App::JOB, "a", 1).await?;
    /// bus.publish(App::JOB, "b", 2).await?;
    /// assert_eq!(jobs.next().await.map(|job| job.into_payload()), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn acknowledged(mut self) -> Self {
        self.rare.get_or_insert_default().acknowledges = true;
        self
    }

    /// Begins in the past, where the transport keeps a [history](crate::guarantees::Guarantees::history): after the
    /// [`Positions`](crate::Positions) that a subscriber has stored, after an event, or at the [beginning](Since::Beginning) of what is kept. Then
    /// what comes follows, without a hole and without a repetition.
    ///
    /// What was to come and is kept no more is a gap, told where it belongs. While the past comes the sender waits for this
    /// subscription, whatever its overflow policy is: at most [`bound`](Self::bound) events are held. A topic of which no position
    /// is known begins with what comes.
    ///
    /// ```no_run
    /// # #[cfg(feature = "redis")] mod program {
    /// use pubsub::redis::Retention;
    /// use pubsub::{Positions, Redis};
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { OrderPlaced(u32) }
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    ///
    /// let redis = Redis::durable(Retention::last(100_000)).connect("redis://localhost").await?;
    /// let bus = PubSub::<App>::new(redis);
    /// let stored: Positions = match std::fs::read("positions.json") {
    ///     Ok(json) => serde_json::from_slice(&json)?,
    ///     Err(_) => Positions::new(),
    /// };
    /// let mut orders = bus.subscribe(App::ORDER_PLACED).since(stored).await?;
    /// while let Some(order) = orders.next().await {
    ///     println!("{}", order.payload);
    ///     std::fs::write("positions.json", serde_json::to_vec(&orders.positions())?)?;
    /// }
    /// # Ok(()) }
    /// # }
    /// ```
    pub fn since(mut self, since: impl Into<Since>) -> Self {
        self.rare.get_or_insert_default().since = Some(since.into());
        self
    }

    /// Subscribes, from code that is not async.
    ///
    /// # Errors
    /// [`ZeroBound`](SubscribeError::ZeroBound), [`NoTopic`](SubscribeError::NoTopic), [`NoHistory`](SubscribeError::NoHistory),
    /// [`Closed`](SubscribeError::Closed), and over a network [`NoBackpressure`](SubscribeError::NoBackpressure) or
    /// [`Address`](SubscribeError::Address).
    ///
    /// # Panics
    /// If it was polled before: a subscription is either awaited or completed by this.
    pub fn now(mut self) -> Result<Subscription<E>, SubscribeError> {
        self.complete()
    }

    /// Subscribes at once and handles every event by `handle`; what [`PubSub::on`](crate::PubSub::on) does, with the
    /// options of a subscription.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Tick(u32) }
    /// # let bus = PubSub::<App>::default();
    /// let handler = bus.subscribe(App::TICK).bound(8).overflow(Overflow::DropOldest).on(async |event| {
    ///     println!("{} after {} missed", event.payload, event.missed);
    /// });
    /// # drop(handler);
    /// ```
    ///
    /// # Errors
    /// The handler is ready with a [`SubscribeError`] if nothing was subscribed, as of [`PubSub::on`](crate::PubSub::on).
    ///
    /// # Cancel safety
    /// Dropping the handler drops the event it is handling, and what it had not handled yet.
    pub fn on<F, R>(
        mut self,
        handle: F,
    ) -> Handler<impl Future<Output = Result<(), SubscribeError>> + use<E, F, R>>
    where
        F: AsyncFnMut(E) -> R,
        R: HandlerResult,
    {
        let topics = self.interest.addresses(self.topics);
        let errors = self.handle.errors.clone();
        let make = self.make;
        // Each event is made when it is handled, where a panic of that is caught.
        let seat = self.seat();
        let subscription = seat.map(|(seat, remote)| Subscription::new(seat, remote, || Make::STORED));
        if let Err(error) = &subscription {
            errors.report(BusError::HandlerNotSubscribed { topics: topics.clone(), error: error.clone() });
        }
        Handler::new(topics, async move {
            let mut subscription = subscription?;
            subscription.ready().await?;
            handler::run(subscription, make(), errors, handle).await
        })
    }

    fn complete(&mut self) -> Result<Subscription<E>, SubscribeError> {
        let (seat, remote) = self.seat()?;
        Ok(Subscription::new(seat, remote, self.make))
    }

    fn seat(&mut self) -> Result<(Seat, Option<Remote>), SubscribeError> {
        assert!(!std::mem::replace(&mut self.is_complete, true), "`Subscribe` polled after it was ready");
        if self.bound == 0 {
            return Err(SubscribeError::ZeroBound);
        }
        let interest = std::mem::take(&mut self.interest);
        if interest.is_empty() {
            return Err(SubscribeError::NoTopic);
        }
        let driver = self.handle.driver.as_ref();
        let interest = interest.for_identity(|| driver?.identity());
        let publishers_wait = driver.is_none_or(|driver| driver.guarantees().backpressure);
        let Rare { name, since, acknowledges } = self.rare.take().map(|rare| *rare).unwrap_or_default();
        let has_window = acknowledges && !publishers_wait;
        if has_window && !driver.is_some_and(|driver| driver.guarantees().acknowledgement) {
            return Err(SubscribeError::NoAcknowledgement);
        }
        let overflow = match self.overflow.filter(|_| !acknowledges) {
            Some(Overflow::Backpressure) if !publishers_wait => return Err(SubscribeError::NoBackpressure),
            Some(overflow) => overflow,
            None if publishers_wait => defaults::OVERFLOW,
            None => defaults::NETWORK_OVERFLOW,
        };
        let window = has_window.then(|| u32::try_from(self.bound).unwrap_or(u32::MAX));
        // What comes is bounded where it is sent.
        let bound = if has_window { usize::MAX } else { self.bound };
        let terms = Terms { bound, overflow, name, observes: false };
        if let Some(since) = since {
            let driver = driver.filter(|driver| driver.guarantees().history);
            let (seat, remote) =
                driver.ok_or(SubscribeError::NoHistory)?.join_past(interest, terms, &since)?;
            return Ok((seat, Some(remote)));
        }
        let followed = driver.map(|driver| (driver, driver.positions(&interest), interest.clone()));
        let seat = self.handle.engine.subscribe(interest, terms).map_err(|_| SubscribeError::Closed)?;
        // After the engine, so that whatever comes has where to go.
        let remote =
            followed.map(|(driver, begins, interest)| driver.join(&interest, begins, window)).transpose()?;
        Ok((seat, remote))
    }
}

impl<E> Future for Subscribe<'_, E> {
    type Output = Result<Subscription<E>, SubscribeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let subscription = match self.pending.take() {
            Some(pending) => pending,
            None => self.complete()?,
        };
        match subscription.poll_ready(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(subscription)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.pending = Some(subscription);
                Poll::Pending
            }
        }
    }
}

impl<E> fmt::Debug for Subscribe<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe")
            .field("topics", &self.interest.addresses(self.topics))
            .field("bound", &self.bound)
            .field("overflow", &self.overflow)
            .field("since", &self.rare.as_ref().and_then(|rare| rare.since.as_ref()))
            .finish_non_exhaustive()
    }
}

/// Why nothing was subscribed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The bound is 0: such a subscription could never hold an event.
    ZeroBound,
    /// The selector is an empty list: no event would ever match.
    NoTopic,
    /// The bus is closed.
    Closed,
    /// [`Overflow::Backpressure`] was asked for where publishers cannot wait: over a network.
    NoBackpressure,
    /// [`since`](Subscribe::since) was asked for where nothing is kept.
    NoHistory,
    /// [`acknowledged`](Subscribe::acknowledged) was asked for where nobody is told what was handled.
    NoAcknowledgement,
    /// A topic and id are no address on a wire.
    Address(AddressError),
    /// The other side refused.
    Rejected(Rejection),
    /// There are no queue groups here: pools are those of a [`WorkerHost`](crate::WorkerHost), for it and its workers.
    #[cfg(feature = "worker")]
    NoQueueGroups,
}

impl SubscribeError {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Rejected(rejection) if rejection.is_retryable())
    }

    /// How long the other side asked to wait before the next try; `None` if it did not say.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(rejection) => rejection.retry_after(),
            _ => None,
        }
    }
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroBound => {
                "a subscription with a bound of 0 could hold no event: pass `.bound(1)` or more"
            }
            Self::NoTopic => "the selector is empty, so no event would ever match: name at least one topic",
            Self::Closed => "the bus is closed",
            Self::NoBackpressure => {
                "publishers on a network cannot wait for a subscription: pass `.overflow(Overflow::DropOldest)` or leave it away"
            }
            Self::NoHistory => {
                "this transport keeps no history: leave `.since(..)` away, or choose one that does, such as `Redis::durable`"
            }
            Self::NoAcknowledgement => {
                "this transport acknowledges nothing: leave `.acknowledged()` away, or choose one that does, such as a `Spoke`"
            }
            Self::Address(error) => return error.fmt(f),
            Self::Rejected(rejection) => return rejection.fmt(f),
            #[cfg(feature = "worker")]
            Self::NoQueueGroups => {
                "queue groups are the pools of a `WorkerHost`: subscribe on its bus or on that of a worker"
            }
        })
    }
}

impl std::error::Error for SubscribeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }
}

/// A subscription that was completed. [`Subscribe`] is none: its methods below exist for the sake of the error.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "nothing is subscribed yet",
    label = "complete the subscription first",
    note = "`subscribe(..)` is completed by `.await?`, or by `.now()?` in code that is not async: `let mut events = bus.subscribe(..).await?;`"
)]
pub trait Completed {}

#[doc(hidden)]
impl<E> Subscribe<'_, E> {
    pub fn next(&mut self) -> Ready<Option<E>>
    where
        Self: Completed,
    {
        ready(None)
    }

    pub fn try_next(&mut self) -> Result<E, TryNextError>
    where
        Self: Completed,
    {
        Err(TryNextError::Empty)
    }

    pub fn unwrap(self) -> Subscription<E>
    where
        Self: Completed,
    {
        unreachable!("nothing is `Completed`")
    }

    pub fn expect(self, _: &str) -> Subscription<E>
    where
        Self: Completed,
    {
        unreachable!("nothing is `Completed`")
    }
}
