//! The receiving end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::IdString;
use crate::delivery::{Deliveries, Delivery, End};
use crate::engine::{Found, Reader, Taken};
use crate::event::Stored;

/// A stream of events; what [`PubSub::subscribe`](crate::PubSub::subscribe) completes to.
///
/// It has been following its topics since before it was returned, and stops when it is dropped. The stream ends
/// after the last event when the bus is [closed](crate::PubSub::close) or its last handle dropped. Loss never ends
/// it: see [`Event::missed`](crate::Event::missed), [`missed`](Self::missed) and [`deliveries`](Self::deliveries).
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
    /// Read for [`Deliveries`], which tells the loss before the event as an item of its own.
    held: Option<Stored>,
    end: Option<(End, bool)>,
    /// Events taken since the task last had to wait.
    taken: u32,
}

/// Events that are given one after the other, without a wait, before other tasks get a turn. An operator that discards or
/// collects takes all it can get in one poll; a subscription that is always ready would keep its task from ever yielding.
const BUDGET: u32 = 128;

impl<E> Subscription<E> {
    pub(crate) fn new(reader: Reader, event: fn(Stored, u64) -> E) -> Self {
        Self { reader, event, held: None, end: None, taken: 0 }
    }

    /// The next event; `None` once the subscription has [ended](Self::end).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: an event is taken only when it is returned.
    pub async fn next(&mut self) -> Option<E> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
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
    /// `missed`. With [`Overflow::Backpressure`](crate::Overflow::Backpressure) always 0.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.reader.missed()
    }

    /// Events that wait to be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.reader.len() + usize::from(self.held.is_some())
    }

    /// Whether no event waits to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Why the stream ended; `None` before it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end.map(|(end, _)| end)
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

    /// The next event with its topic and id, for reports.
    pub(crate) async fn next_with_address(&mut self) -> Option<(E, &'static str, IdString)> {
        let (stored, missed) =
            std::future::poll_fn(|cx| self.poll_within_budget(cx, Self::poll_stored)).await?;
        let (topic, id) = (stored.name(), stored.id_text());
        Some(((self.event)(stored, missed), topic, id))
    }

    /// Polls, but gives other tasks a turn after [`BUDGET`] items in a row.
    fn poll_within_budget<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: fn(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.taken == BUDGET {
            self.taken = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = poll(self, cx);
        self.taken = if polled.is_ready() { self.taken + 1 } else { 0 };
        polled
    }

    /// The next event, if nothing but the event has to be told, and it can be had without a lock.
    #[inline]
    fn next_held(&mut self) -> Option<Stored> {
        if self.held.is_some() { None } else { self.reader.next_held() }
    }

    /// The next event and what was missed just before it.
    fn poll_stored(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Stored, u64)>> {
        if let Some(stored) = self.held.take() {
            return Poll::Ready(Some((stored, 0)));
        }
        if self.end.is_some() {
            return Poll::Ready(None);
        }
        match ready!(self.reader.poll_next(cx.waker())) {
            Taken::Event { stored, missed } => Poll::Ready(Some((stored, missed))),
            Taken::End { end, .. } => {
                self.end = Some((end, false));
                Poll::Ready(None)
            }
        }
    }

    pub(crate) fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery<E>>> {
        self.poll_within_budget(cx, Self::poll_story)
    }

    fn poll_story(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery<E>>> {
        match self.held.take() {
            Some(stored) => return Poll::Ready(Some(Delivery::Event((self.event)(stored, 0)))),
            None if self.end.is_some() => return Poll::Ready(self.tell_end()),
            None => {}
        }
        let (missed, held) = match ready!(self.reader.poll_next(cx.waker())) {
            Taken::Event { stored, missed: 0 } => {
                return Poll::Ready(Some(Delivery::Event((self.event)(stored, 0))));
            }
            Taken::Event { stored, missed } => (missed, Some(stored)),
            Taken::End { end, missed } => {
                self.end = Some((end, false));
                if missed == 0 {
                    return Poll::Ready(self.tell_end());
                }
                (missed, None)
            }
        };
        self.held = held;
        Poll::Ready(Some(Delivery::Lagged { missed }))
    }

    fn tell_end(&mut self) -> Option<Delivery<E>> {
        match &mut self.end {
            Some((end, told @ false)) => {
                *told = true;
                Some(Delivery::Ended(*end))
            }
            _ => None,
        }
    }

    pub(crate) fn end_is_told(&self) -> bool {
        matches!(self.end, Some((_, true)))
    }
}

impl<E> Stream for Subscription<E> {
    type Item = E;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        // Most events are had like this; the rest of this function is right for them too.
        if self.taken < BUDGET && self.held.is_none() && self.end.is_none() {
            let mut found = Found::default();
            if let Some(stored) = self.reader.take(cx.waker(), &mut found) {
                self.taken += 1;
                return Poll::Ready(Some((self.event)(stored, found.missed)));
            }
            self.taken = 0;
            let Some(end) = found.end else { return Poll::Pending };
            self.end = Some((end, false));
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_within_budget(cx, Self::poll_stored));
        Poll::Ready(next.map(|(stored, missed)| (self.event)(stored, missed)))
    }

    /// Nothing is promised before the end: closing a bus with a deadline may discard what waits to be read.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let held = usize::from(self.held.is_some());
        (held, self.end.map(|_| held))
    }
}

impl<E> FusedStream for Subscription<E> {
    fn is_terminated(&self) -> bool {
        self.end.is_some() && self.held.is_none()
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
