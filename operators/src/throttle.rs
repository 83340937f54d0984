//! `throttle`: not more often than.

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::{
    Clock, Flow, Operator, Timer,
    access::source_access,
    operator::operator_value,
    time::{Alarm, Monotonic},
};

pin_project! {
    /// At most one item per period: the first at once, and of those that follow within the period the last, when it
    /// is over.
    ///
    /// ```text
    /// in   --1-2-3-----------4------|
    ///        throttle(6 ticks, timer)
    /// out  --1-----3---------4------|
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{FutureExt, channel::mpsc};
    /// use pubsub_operators::{ManualTimer, StreamOps};
    ///
    /// let timer = ManualTimer::new();
    /// let (prices, source) = mpsc::unbounded();
    /// let mut shown = source.flow().throttle(Duration::from_secs(1), timer.clone());
    ///
    /// for price in [10, 11, 12] {
    ///     prices.unbounded_send(price).unwrap();
    /// }
    /// assert_eq!(shown.next().now_or_never(), Some(Some(10)));
    /// assert_eq!(shown.next().now_or_never(), None);
    /// timer.advance(Duration::from_secs(1));
    /// assert_eq!(shown.next().now_or_never(), Some(Some(12)));
    /// ```
    ///
    /// A period begins when an item is emitted. The last item before a pause is never lost, so what is shown is what
    /// is. With `period` zero every item passes. The end of the source emits the item that waits, at once, and
    /// releases source and timer. Fused.
    ///
    /// # Bounds
    ///
    /// Holds one item and one timer, made at the first wait. [`suppressed`](Self::suppressed) counts what was
    /// dropped. What is ready is taken in one poll, as by [`Filter`](crate::Filter): a source that is always ready
    /// needs [`yielding`](crate::Flow::yielding).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of `next` loses nothing. Dropping the adaptor drops the item that waits: take it with
    /// [`take_buffered`](Self::take_buffered) first.
    ///
    /// # Panics
    ///
    /// When polled, if the timer does.
    #[must_use = "streams do nothing unless polled"]
    pub struct Throttle<S: Stream, T: Timer> {
        #[pin]
        source: Option<S>,
        waiting: Option<S::Item>,
        gate: Gate<<T as Clock>::Instant>,
        period: Duration,
        suppressed: u64,
        time: Monotonic<T>,
        timer: T,
        #[pin]
        alarm: Alarm<T>,
    }
}

#[derive(Clone, Copy)]
enum Gate<I> {
    Open,
    // For ever, if the clock cannot tell when the period is over.
    ClosedUntil(Option<I>),
}

impl<I: Copy + Ord> Gate<I> {
    fn is_open(&self, now: I) -> bool {
        match self {
            Self::Open => true,
            Self::ClosedUntil(until) => until.is_some_and(|until| now >= until),
        }
    }
}

source_access!(released Throttle<S, T> where S: Stream, T: Timer);

impl<S: Stream, T: Timer> Throttle<S, T> {
    /// How many items were dropped because another followed in the same period.
    pub fn suppressed(&self) -> u64 {
        self.suppressed
    }

    /// Takes the item that waits, for instance before dropping the adaptor.
    pub fn take_buffered(self: Pin<&mut Self>) -> Option<S::Item> {
        self.project().waiting.take()
    }
}

impl<S: Stream, T: Timer> Stream for Throttle<S, T> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            let now = this.time.read(this.timer);
            let open = this.gate.is_open(now);
            if open && this.waiting.is_some() {
                *this.gate = Gate::ClosedUntil(T::checked_add(now, *this.period));
                return Poll::Ready(this.waiting.take());
            }
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) if open => {
                    *this.gate = Gate::ClosedUntil(T::checked_add(now, *this.period));
                    return Poll::Ready(Some(item));
                }
                Poll::Ready(Some(item)) => {
                    *this.suppressed += u64::from(this.waiting.is_some());
                    *this.waiting = Some(item);
                }
                Poll::Ready(None) => {
                    this.source.set(None);
                    this.alarm.release();
                    return Poll::Ready(this.waiting.take());
                }
                Poll::Pending => {
                    let until = match this.gate {
                        Gate::ClosedUntil(until) if this.waiting.is_some() => *until,
                        _ => None,
                    };
                    ready!(this.alarm.as_mut().poll_at(this.timer, this.time, until, cx));
                    *this.gate = Gate::Open;
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(source) = &self.source else {
            return (0, Some(0));
        };
        let (lower, upper) = source.size_hint();
        let waiting = usize::from(self.waiting.is_some());
        // The last item always leaves.
        (lower.saturating_add(waiting).min(1), upper.and_then(|upper| upper.checked_add(waiting)))
    }
}

impl<S: Stream, T: Timer> FusedStream for Throttle<S, T> {
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug, T: Timer> fmt::Debug for Throttle<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("source", &self.source)
            .field("waiting", &self.waiting.is_some())
            .field("period", &self.period)
            .field("suppressed", &self.suppressed)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`throttle`] gives.
    ThrottleOp<[], T> { period: Duration, timer: T }
}

/// [`Throttle`] as an operator value.
#[inline]
pub fn throttle<T: Timer>(period: Duration, timer: T) -> ThrottleOp<T> {
    ThrottleOp { period, timer, phantom: PhantomData }
}

impl<S: Stream, T: Timer> Operator<S> for ThrottleOp<T> {
    type Out = Flow<Throttle<S, T>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Throttle {
            source: Some(source),
            waiting: None,
            gate: Gate::Open,
            period: self.period,
            suppressed: 0,
            time: Monotonic::new(),
            timer: self.timer,
            alarm: Alarm::new(),
        })
    }
}
