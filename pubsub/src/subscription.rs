//! The receiving end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::delivery::{Deliveries, Delivery, End};
use crate::driver::{Notice, Remote};
use crate::engine::{Found, Reader, Taken};
use crate::event::Stored;
use crate::next::Next;
use crate::{Rejection, SubscribeError};

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
    reader: Reader,
    event: fn(Stored, u64) -> E,
    /// Boxed, as most subscriptions never have any of it and there may be many of them.
    rare: Option<Box<Rare>>,
    /// Events taken since the task last had to wait.
    taken: u32,
}

/// Events that are given one after the other, without a wait, before other tasks get a turn. An operator that discards or
/// collects takes all it can get in one poll; a subscription that is always ready would keep its task from ever yielding.
const BUDGET: u32 = 128;

/// What a subscription in one process has only when it lagged or ended.
#[derive(Default)]
struct Rare {
    /// What it has on the other side of a network.
    remote: Option<Remote>,
    /// Read, but something has to be told before it.
    held: Option<Held>,
    ended: Option<Ended>,
}

struct Held {
    stored: Stored,
    /// Lost just before it, and not told yet.
    missed: u64,
}

/// What comes next.
enum Step {
    Event(Held),
    Notice(Notice),
    End,
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
    pub(crate) fn new(reader: Reader, event: fn(Stored, u64) -> E, remote: Option<Remote>) -> Self {
        let rare = remote.map(|remote| Box::new(Rare { remote: Some(remote), ..Rare::default() }));
        Self { reader, event, rare, taken: 0 }
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
    pub async fn ready(&self) -> Result<(), SubscribeError> {
        std::future::poll_fn(|cx| self.poll_ready(cx)).await
    }

    fn remote(&self) -> Option<&Remote> {
        self.rare.as_ref()?.remote.as_ref()
    }

    fn ended(&self) -> Option<&Ended> {
        self.rare.as_ref()?.ended.as_ref()
    }

    fn rare(&mut self) -> &mut Rare {
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
    pub fn try_next(&mut self) -> Result<E, TryNextError> {
        if let Some(stored) = self.next_held() {
            return Ok((self.event)(stored, 0));
        }
        match self.poll_stored(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some((stored, missed))) => Ok((self.event)(stored, missed)),
            Poll::Ready(None) => Err(TryNextError::Ended(self.end().unwrap_or(End::Closed))),
            Poll::Pending => Err(TryNextError::Empty),
        }
    }

    /// How many events this subscription lost so far, including those that its next event will tell in its own
    /// `missed`, and those lost after its last one, which no event tells. Gaps of unknown size are not in it: see
    /// [`gaps`](Self::gaps).
    ///
    /// With [`Overflow::Backpressure`](crate::Overflow::Backpressure) it is 0, unless a bus that was [closed with a
    /// deadline](crate::Close::until) discarded what was not read by then.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.reader.missed() + self.remote().map_or(0, |remote| remote.story.missed())
    }

    /// How many gaps there were so far: times when a network lost events, known or unknown in number. In one process it is
    /// 0. [`deliveries`](Self::deliveries) tells each at its place.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.remote().map_or(0, |remote| remote.story.gaps())
    }

    /// Why the other side refused, if the stream ended with [`End::Rejected`].
    #[must_use]
    pub fn rejection(&self) -> Option<Rejection> {
        self.remote()?.story.refused()
    }

    /// Events that wait to be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.reader.len() + usize::from(self.has_held())
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

    /// The next event as it is stored, and what was missed just before it.
    pub(crate) async fn next_stored(&mut self) -> Option<(Stored, u64)> {
        std::future::poll_fn(|cx| self.poll_within_budget(cx, Self::poll_stored)).await
    }

    /// What makes an event of a stored one.
    pub(crate) fn event(&self) -> fn(Stored, u64) -> E {
        self.event
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
    fn next_held(&mut self) -> Option<Stored> {
        if self.rare.is_some() { None } else { self.reader.next_held() }
    }

    fn has_held(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.held.is_some())
    }

    /// What comes next, in one process.
    fn poll_reader(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if let Some(rare) = &mut self.rare {
            if let Some(held) = rare.held.take() {
                return Poll::Ready(Step::Event(held));
            }
            if rare.ended.is_some() {
                return Poll::Ready(Step::End);
            }
        }
        match ready!(self.reader.poll_next(cx.waker())) {
            Taken::Event { stored, missed } => Poll::Ready(Step::Event(Held { stored, missed })),
            Taken::End { end, missed } => {
                self.rare().ended = Some(Ended { end, missed, is_told: false });
                Poll::Ready(Step::End)
            }
        }
    }

    /// What comes next: what happened on the way stands before the first event that came after it.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            let step = self.poll_reader(cx);
            let Some(rare) = &mut self.rare else { return step };
            let Some(remote) = &rare.remote else { return step };
            match step {
                Poll::Ready(Step::Event(held)) => {
                    // An event that did not come over a wire has no number, and nothing stands before it.
                    let before = held.stored.arrival().map_or(0, |arrival| arrival.sequence);
                    let Some(notice) = remote.story.next_before(before) else {
                        return Poll::Ready(Step::Event(held));
                    };
                    rare.held = Some(held);
                    return Poll::Ready(Step::Notice(notice));
                }
                Poll::Ready(step) => {
                    let notice = remote.story.next_before(u64::MAX);
                    return Poll::Ready(notice.map_or(step, Step::Notice));
                }
                Poll::Pending if !remote.story.has_news(cx.waker()) => return Poll::Pending,
                Poll::Pending => {}
            }
            // There is news. What came before it is in the engine by now, if it was not a moment ago.
            match self.poll_reader(cx) {
                Poll::Ready(Step::Event(held)) => self.rare().held = Some(held),
                Poll::Ready(_) => {}
                Poll::Pending => {
                    let notice = self.remote().and_then(|remote| remote.story.next_before(u64::MAX));
                    if let Some(notice) = notice {
                        return Poll::Ready(Step::Notice(notice));
                    }
                    self.rare().ended = Some(Ended { end: End::Rejected, missed: 0, is_told: false });
                }
            }
        }
    }

    fn poll_stored(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Stored, u64)>> {
        loop {
            let step = ready!(self.poll_step(cx));
            let remote = self.rare.as_mut().and_then(|rare| rare.remote.as_mut());
            match step {
                Step::Event(Held { stored, missed }) => {
                    let in_gaps = remote.map_or(0, |remote| std::mem::take(&mut remote.missed_in_gaps));
                    return Poll::Ready(Some((stored, missed + in_gaps)));
                }
                Step::Notice(Notice::Gap(gap)) => {
                    if let Some(remote) = remote {
                        remote.missed_in_gaps += gap.missed.unwrap_or(0);
                    }
                }
                Step::Notice(_) => {}
                Step::End => return Poll::Ready(None),
            }
        }
    }

    pub(crate) fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery<E>>> {
        self.poll_within_budget(cx, Self::poll_story)
    }

    fn poll_story(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery<E>>> {
        let delivery = match ready!(self.poll_step(cx)) {
            Step::Event(Held { stored, missed: 0 }) => Delivery::Event((self.event)(stored, 0)),
            Step::Event(Held { stored, missed }) => {
                self.rare().held = Some(Held { stored, missed: 0 });
                Delivery::Lagged { missed }
            }
            Step::Notice(Notice::Reconnected) => Delivery::Reconnected,
            Step::Notice(Notice::Gap(gap)) => Delivery::Gap(gap),
            Step::Notice(Notice::Undecodable(undecodable)) => Delivery::Undecodable(undecodable),
            Step::End => return Poll::Ready(self.rare().ended.as_mut().and_then(Ended::tell)),
        };
        Poll::Ready(Some(delivery))
    }

    pub(crate) fn end_is_told(&self) -> bool {
        self.ended().is_some_and(|ended| ended.is_told)
    }
}

impl<E> Stream for Subscription<E> {
    type Item = E;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        // Most events are had like this; the rest of this function is right for them too.
        if self.taken < BUDGET && self.rare.is_none() {
            let mut found = Found::default();
            if let Some(stored) = self.reader.take(cx.waker(), &mut found) {
                self.taken += 1;
                return Poll::Ready(Some((self.event)(stored, found.missed)));
            }
            self.taken = 0;
            let Some(end) = found.end else { return Poll::Pending };
            self.rare().ended = Some(Ended { end, missed: found.missed, is_told: false });
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_within_budget(cx, Self::poll_stored));
        Poll::Ready(next.map(|(stored, missed)| (self.event)(stored, missed)))
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
