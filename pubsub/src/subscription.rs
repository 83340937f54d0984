//! The receiving end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::delivery::{Deliveries, Delivery, End};
use crate::driver::{Came, Notice, Remote, Step};
use crate::engine::{Found, Make, Reader, Seat};
use crate::next::Next;
use crate::{Positions, Rejection, SubscribeError};

/// A stream of events; what [`PubSub::subscribe`](crate::PubSub::subscribe) completes to.
///
/// It has been following its topics since before it was returned, and stops when it is dropped. The stream ends
/// after the last event when the bus is [closed](crate::PubSub::close) or its last handle dropped. Loss never ends
/// it: see [`Event::missed`](crate::Event::missed), [`missed`](Self::missed) and [`deliveries`](Self::deliveries).
///
/// As a stream it gives other tasks a turn after 128 events in a row: it is pending once, and wakes its task at once.
/// [`try_next`](Self::try_next) knows no turns, and is the way to take all there is now.
///
/// ```
/// # use pubsub::prelude::*;
/// # #[derive(EventMap)] enum App { Note(String) }
/// # futures::executor::block_on(async {
/// let bus = PubSub::<App>::default();
/// let mut notes = bus.subscribe(App::NOTE).await?;
/// bus.publish(App::NOTE, "desk", "tidy".to_owned()).await?;
/// drop(bus);
/// while let Some(event) = notes.next().await {
///     println!("{}: {}", event.id, event.payload);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use = "a subscription ends when it is dropped"]
pub struct Subscription<E> {
    reader: Reader<E>,
    /// Boxed, as most subscriptions never have any of it and there may be many of them.
    rare: Option<Box<Rare<E>>>,
    /// Events taken since the task last had to wait.
    taken: u32,
}

/// Events that are given one after the other, without a wait, before other tasks get a turn. An operator that discards or
/// collects takes all it can get in one poll; a subscription that is always ready would keep its task from ever yielding.
const BUDGET: u32 = 128;

/// What most subscriptions in one process never have.
struct Rare<E> {
    /// What it has on the other side of a network.
    remote: Option<Remote>,
    /// Read for [`Deliveries`], which tells the loss before the event as an item of its own.
    held: Option<E>,
    ended: Option<Ended>,
}

impl<E> Default for Rare<E> {
    fn default() -> Self {
        Self { remote: None, held: None, ended: None }
    }
}

/// How the story ends.
struct Ended {
    end: End,
    /// Lost after the last event, and not told by [`Deliveries`] yet.
    missed: u64,
    is_told: bool,
}

impl Ended {
    /// What is left to tell: the loss, then the end.
    fn tell<E>(&mut self) -> Option<Delivery<E>> {
        match std::mem::take(&mut self.missed) {
            0 if std::mem::replace(&mut self.is_told, true) => None,
            0 => Some(Delivery::Ended(self.end)),
            missed => Some(Delivery::Lagged { missed }),
        }
    }
}

impl<E> Subscription<E> {
    pub(crate) fn new(seat: Seat, remote: Option<Remote>, make: fn() -> Make<E>) -> Self {
        let rare = remote.map(|remote| Box::new(Rare { remote: Some(remote), ..Rare::default() }));
        Self { reader: Reader::new(seat, make), rare, taken: 0 }
    }

    /// Ready when every event published from now on is delivered: over a network when the other side acknowledged the
    /// subscription, in one process at once. For subscriptions that were made by [`now`](crate::Subscribe::now); one that was
    /// awaited is ready.
    ///
    /// # Errors
    /// [`Rejected`](SubscribeError::Rejected) if the other side refused, [`Closed`](SubscribeError::Closed) if the bus was
    /// closed first.
    ///
    /// # Cancel safety
    /// It only waits.
    pub async fn ready(&mut self) -> Result<(), SubscribeError> {
        std::future::poll_fn(|cx| self.poll_ready(cx)).await
    }

    fn remote(&self) -> Option<&Remote> {
        self.rare.as_ref()?.remote.as_ref()
    }

    fn ended(&self) -> Option<&Ended> {
        self.rare.as_ref()?.ended.as_ref()
    }

    fn rare(&mut self) -> &mut Rare<E> {
        self.rare.get_or_insert_default()
    }

    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), SubscribeError>> {
        self.remote().map_or(Poll::Ready(Ok(())), |remote| remote.poll_live(cx))
    }

    /// The next event; `None` once the subscription has [ended](Self::end).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: an event is taken only when it is returned.
    pub fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }

    /// The next event if there is one now, from code that is not async too.
    ///
    /// # Errors
    /// [`Empty`](TryNextError::Empty) if there is none yet, [`Ended`](TryNextError::Ended) if none will come.
    #[inline]
    pub fn try_next(&mut self) -> Result<E, TryNextError> {
        if let Some(event) = self.next_held() {
            return Ok(event);
        }
        match self.poll_event(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(event)) => Ok(event),
            Poll::Ready(None) => Err(TryNextError::Ended(self.end().unwrap_or(End::Closed))),
            Poll::Pending => Err(TryNextError::Empty),
        }
    }

    /// How many events this subscription lost so far, including those that its next event will tell in its own
    /// `missed`, and those lost after its last one, which no event tells. Gaps of unknown size are not in it: see
    /// [`gaps`](Self::gaps).
    ///
    /// In one process and with [`Overflow::Backpressure`](crate::Overflow::Backpressure) it is 0, unless a bus that was [closed
    /// with a deadline](crate::Close::until) discarded what was not read by then.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.reader.missed() + self.remote().map_or(0, |remote| remote.notices.missed())
    }

    /// How many gaps there were so far: times when a network lost events, known or unknown in number. In one process it is
    /// 0. [`deliveries`](Self::deliveries) tells each at its place.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.remote().map_or(0, |remote| remote.notices.gaps())
    }

    /// Why the other side refused; what came before that can still be read, then the stream ends with [`End::Rejected`].
    #[must_use]
    pub fn rejection(&self) -> Option<Rejection> {
        self.remote()?.notices.refused()
    }

    /// How far this subscription is in the history of each topic that it follows: everything up to there was given. Where it
    /// was given nothing yet, that is where it began. To be stored, and given to [`since`](crate::Subscribe::since) by who goes on.
    ///
    /// It is empty where the transport keeps no [history](crate::guarantees::Guarantees::history), and before the subscription
    /// is [ready](Self::ready). An event counts when it was given, whatever becomes of it afterwards; who has to be sure that it
    /// was dealt with [notes](Positions::note) each when it was.
    #[must_use]
    pub fn positions(&self) -> Positions {
        self.remote().map(Remote::positions).unwrap_or_default()
    }

    /// Events that wait to be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.reader.len() + self.remote().map_or(0, Remote::waiting) + usize::from(self.has_held())
    }

    /// Whether no event waits to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Why the stream ended; `None` before it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.ended().map(|ended| ended.end)
    }

    /// The full story: events, losses as items of their own, and why the subscription ended.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Tick(u32) }
    /// # futures::executor::block_on(async {
    /// # let bus = PubSub::<App>::default();
    /// let mut ticks = bus.subscribe(App::TICK).bound(1).overflow(Overflow::DropOldest).await?;
    /// bus.publish(App::TICK, "clock", 1).await?;
    /// bus.publish(App::TICK, "clock", 2).await?;
    /// bus.close().await;
    /// let mut deliveries = ticks.deliveries();
    /// assert!(matches!(deliveries.next().await, Some(Delivery::Lagged { missed: 1 })));
    /// assert!(matches!(deliveries.next().await, Some(Delivery::Event(event)) if event.payload == 2));
    /// assert!(matches!(deliveries.next().await, Some(Delivery::Ended(End::Closed))));
    /// assert!(deliveries.next().await.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn deliveries(&mut self) -> Deliveries<'_, E> {
        Deliveries::new(self)
    }

    /// Polls, but gives other tasks a turn after [`BUDGET`] items in a row.
    fn poll_within_budget<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: fn(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.taken == BUDGET && self.ended().is_none() {
            self.taken = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = poll(self, cx);
        self.taken = if polled.is_ready() { (self.taken + 1).min(BUDGET) } else { 0 };
        polled
    }

    /// The next event, if nothing but the event has to be told, and it can be had without a lock.
    #[inline]
    fn next_held(&mut self) -> Option<E> {
        if self.rare.is_some() { None } else { self.reader.next_held() }
    }

    fn has_held(&self) -> bool {
        let has_held =
            |rare: &Rare<E>| rare.held.is_some() || rare.remote.as_ref().is_some_and(Remote::has_held);
        self.rare.as_deref().is_some_and(has_held)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<E>> {
        if let Some(rare) = &mut self.rare {
            if let Some(event) = rare.held.take() {
                return Poll::Ready(Some(event));
            }
            if rare.ended.is_some() {
                return Poll::Ready(None);
            }
            if let Some(remote) = &mut rare.remote {
                let step = ready!(remote.poll_event(&mut self.reader, cx.waker()));
                return Poll::Ready(self.event_of(step));
            }
        }
        let mut found = Found::default();
        if let Some(event) = self.reader.take(cx.waker(), true, &mut found) {
            return Poll::Ready(Some(event));
        }
        let Some(end) = found.end else { return Poll::Pending };
        self.finish(end, found.missed);
        Poll::Ready(None)
    }

    fn event_of(&mut self, step: Step) -> Option<E> {
        match step {
            Step::Event(Came { stored, missed }) => {
                if let Some(remote) = self.rare.as_mut().and_then(|rare| rare.remote.as_mut()) {
                    remote.give(&stored);
                }
                Some(self.reader.make(stored, missed))
            }
            Step::Notice(_) => unreachable!("only events were asked for"),
            Step::End(end, missed) => {
                self.finish(end, missed);
                None
            }
        }
    }

    fn finish(&mut self, end: End, missed: u64) {
        // One that was refused could be in the way of others, as long as it is not dropped.
        if end == End::Rejected {
            self.reader.leave();
        }
        let rare = self.rare();
        rare.ended = Some(Ended { end, missed, is_told: false });
        if let Some(remote) = &mut rare.remote {
            remote.leave();
        }
    }

    pub(crate) fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery<E>>> {
        self.poll_within_budget(cx, Self::poll_story)
    }

    fn poll_story(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery<E>>> {
        if let Some(rare) = &mut self.rare {
            if let Some(event) = rare.held.take() {
                return Poll::Ready(Some(Delivery::Event(event)));
            }
            if let Some(ended) = &mut rare.ended {
                let notice = rare.remote.as_ref().filter(|_| !ended.is_told);
                let notice = notice.and_then(|remote| remote.notices.next_before(u64::MAX));
                return Poll::Ready(notice.map_or_else(|| ended.tell(), |notice| Some(notice.into())));
            }
            if let Some(remote) = &mut rare.remote {
                return match ready!(remote.poll_step(&mut self.reader, cx.waker())) {
                    Step::Event(Came { stored, missed: 0 }) => {
                        remote.give(&stored);
                        Poll::Ready(Some(Delivery::Event(self.reader.make(stored, 0))))
                    }
                    Step::Event(Came { stored, missed }) => {
                        remote.hold(stored);
                        Poll::Ready(Some(Delivery::Lagged { missed }))
                    }
                    Step::Notice(notice) => Poll::Ready(Some(notice.into())),
                    Step::End(end, missed) => {
                        self.finish(end, missed);
                        self.poll_story(cx)
                    }
                };
            }
        }
        let mut found = Found::default();
        let event = self.reader.take(cx.waker(), false, &mut found);
        let Found { missed, end } = found;
        match (event, end) {
            (Some(event), _) => Poll::Ready(Some(self.event_after(event, missed))),
            (None, Some(end)) => {
                self.finish(end, missed);
                self.poll_story(cx)
            }
            (None, None) => Poll::Pending,
        }
    }

    /// The event, or the loss before it: then the event comes next.
    fn event_after(&mut self, event: E, missed: u64) -> Delivery<E> {
        if missed == 0 {
            return Delivery::Event(event);
        }
        self.rare().held = Some(event);
        Delivery::Lagged { missed }
    }

    pub(crate) fn end_is_told(&self) -> bool {
        self.ended().is_some_and(|ended| ended.is_told)
    }
}

impl<E> From<Notice> for Delivery<E> {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Reconnected => Self::Reconnected,
            Notice::Gap(gap) => Self::Gap(gap),
            Notice::Undecodable(undecodable) => Self::Undecodable(undecodable),
        }
    }
}

impl<E> Stream for Subscription<E> {
    type Item = E;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        // Most events are had like this; the rest of this function is right for them too.
        if self.taken < BUDGET
            && let Some(event) = self.next_held()
        {
            self.taken += 1;
            return Poll::Ready(Some(event));
        }
        self.poll_within_budget(cx, Self::poll_event)
    }

    /// Nothing is promised before the end: closing a bus with a deadline may discard what waits to be read.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let held = usize::from(self.has_held());
        (held, self.ended().map(|_| held))
    }
}

impl<E> FusedStream for Subscription<E> {
    fn is_terminated(&self) -> bool {
        self.ended().is_some() && !self.has_held()
    }
}

impl<E> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("len", &self.len())
            .field("missed", &self.missed())
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

/// Why [`Subscription::try_next`] gave no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryNextError {
    /// There is none now; later there may be.
    Empty,
    /// There will be none.
    Ended(End),
}

impl fmt::Display for TryNextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no event waits to be read"),
            Self::Ended(end) => write!(f, "the subscription has ended: {end}"),
        }
    }
}

impl std::error::Error for TryNextError {}
