//! `debounce`: the last word.

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
    /// Emits an item once no other has followed it for a while; those that were followed sooner are dropped.
    ///
    /// ```text
    /// in   --1-2-3--------4---------|
    ///        debounce(4 ticks, timer)
    /// out  ----------3--------4-----|
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{FutureExt, channel::mpsc};
    /// use pubsub_operators::{ManualTimer, StreamOps};
    ///
    /// let timer = ManualTimer::new();
    /// let (keys, source) = mpsc::unbounded();
    /// let mut searches = source.flow().debounce(Duration::from_millis(300), timer.clone());
    ///
    /// keys.unbounded_send("q").unwrap();
    /// keys.unbounded_send("quake").unwrap();
    /// assert_eq!(searches.next().now_or_never(), None);
    /// timer.advance(Duration::from_millis(300));
    /// assert_eq!(searches.next().now_or_never(), Some(Some("quake")));
    /// ```
    ///
    /// The time counts from the poll that took the item. An item whose time is up leaves before anything further is
    /// taken. With `quiet` zero every item passes; with [`Duration::MAX`] only the last does, at the end: the end of
    /// the source emits the item that waits, at once, and releases source and timer. Fused.
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
    pub struct Debounce<S: Stream, T: Timer> {
        #[pin]
        source: Option<S>,
        waiting: Option<S::Item>,
        // When the item that waits may leave.
        due: Option<<T as Clock>::Instant>,
        quiet: Duration,
        suppressed: u64,
        time: Monotonic<T>,
        timer: T,
        #[pin]
        alarm: Alarm<T>,
    }
}

source_access!(released Debounce<S, T> where S: Stream, T: Timer);

impl<S: Stream, T: Timer> Debounce<S, T> {
    /// How many items were dropped because another followed too soon.
    pub fn suppressed(&self) -> u64 {
        self.suppressed
    }

    /// Takes the item that waits, for instance before dropping the adaptor.
    pub fn take_buffered(self: Pin<&mut Self>) -> Option<S::Item> {
        self.project().waiting.take()
    }
}

impl<S: Stream, T: Timer> Stream for Debounce<S, T> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            let now = this.time.read(this.timer);
            if this.waiting.is_some() && this.due.is_some_and(|due| now >= due) {
                return Poll::Ready(this.waiting.take());
            }
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    *this.suppressed += u64::from(this.waiting.is_some());
                    *this.waiting = Some(item);
                    *this.due = T::checked_add(now, *this.quiet);
                }
                Poll::Ready(None) => {
                    this.source.set(None);
                    this.alarm.release();
                    return Poll::Ready(this.waiting.take());
                }
                Poll::Pending => {
                    let due = this.due.filter(|_| this.waiting.is_some());
                    ready!(this.alarm.poll_at(this.timer, this.time, due, cx));
                    return Poll::Ready(this.waiting.take());
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

impl<S: Stream, T: Timer> FusedStream for Debounce<S, T> {
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug, T: Timer> fmt::Debug for Debounce<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debounce")
            .field("source", &self.source)
            .field("waiting", &self.waiting.is_some())
            .field("quiet", &self.quiet)
            .field("suppressed", &self.suppressed)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`debounce`] gives.
    DebounceOp<[], T> { quiet: Duration, timer: T }
}

/// [`Debounce`] as an operator value.
#[inline]
pub fn debounce<T: Timer>(quiet: Duration, timer: T) -> DebounceOp<T> {
    DebounceOp { quiet, timer, phantom: PhantomData }
}

impl<S: Stream, T: Timer> Operator<S> for DebounceOp<T> {
    type Out = Flow<Debounce<S, T>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Debounce {
            source: Some(source),
            waiting: None,
            due: None,
            quiet: self.quiet,
            suppressed: 0,
            time: Monotonic::new(),
            timer: self.timer,
            alarm: Alarm::new(),
        })
    }
}
