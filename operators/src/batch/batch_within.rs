//! `batch_within`: batches by size or age.

use alloc::vec::Vec;
use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::gathered::{self, Gathered};
use crate::{Flow, Operator, Timer, access::source_access, operator::operator_value};

pin_project! {
    /// Gathers items into vectors of `max`, or of fewer as soon as the first of them is `age` old.
    ///
    /// ```text
    /// in   --1---2-------3---4---5--|
    ///        batch_within(2, 6 ticks, timer)
    /// out  ------[1,2]-------[3,4]--([5]|)     all filled in time
    ///
    /// in   --1---2---------3--------|
    ///        batch_within(9, 6 ticks, timer)
    /// out  --------[1,2]---------[3]|
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{FutureExt, channel::mpsc};
    /// use pubsub_operators::{ManualTimer, StreamOps};
    ///
    /// let timer = ManualTimer::new();
    /// let (numbers, source) = mpsc::unbounded();
    /// let mut batches = source.flow().batch_within(3, Duration::from_secs(1), timer.clone());
    ///
    /// numbers.unbounded_send(1).unwrap();
    /// assert_eq!(batches.next().now_or_never(), None);
    /// timer.advance(Duration::from_millis(999));
    /// numbers.unbounded_send(2).unwrap();
    /// assert_eq!(batches.next().now_or_never(), None);
    /// timer.advance(Duration::from_millis(1));
    /// assert_eq!(batches.next().now_or_never(), Some(Some(vec![1, 2])));
    /// ```
    ///
    /// A batch is never empty. Its age counts from the poll that took its first item, not from the batch before, so
    /// nothing happens while nothing comes. What is ready is taken before the age is looked at: a batch that is due
    /// takes it along, up to `max`. With an `age` of zero that is all the batching there is, as by
    /// [`BatchReady`](crate::BatchReady); with [`Duration::MAX`] batches go by size alone. The end of the source
    /// flushes what is gathered and releases source and timer. Fused.
    ///
    /// # Bounds
    ///
    /// Holds up to `max - 1` items between polls, and one timer, which is made when an item first has to wait and set
    /// anew after that. One allocation per batch, none per item.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of `next` loses nothing. Dropping the adaptor drops the gathered items: take them with
    /// [`take_buffered`](Self::take_buffered) first.
    ///
    /// # Panics
    ///
    /// At construction, if `max` is 0. When polled, if the timer does.
    #[must_use = "streams do nothing unless polled"]
    pub struct BatchWithin<S: Stream, T: Timer> {
        #[pin]
        source: Option<S>,
        #[pin]
        gathered: Gathered<S::Item, T>,
    }
}

source_access!(released BatchWithin<S, T> where S: Stream, T: Timer);

impl<S: Stream, T: Timer> BatchWithin<S, T> {
    /// Takes the items gathered for the next batch, for instance before dropping the adaptor.
    pub fn take_buffered(self: Pin<&mut Self>) -> Vec<S::Item> {
        self.project().gathered.take().unwrap_or_default()
    }
}

impl<S: Stream, T: Timer> Stream for BatchWithin<S, T> {
    type Item = Vec<S::Item>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    if let Some(batch) = this.gathered.as_mut().push(item) {
                        return Poll::Ready(Some(batch));
                    }
                }
                Poll::Ready(None) => {
                    this.source.set(None);
                    return Poll::Ready(this.gathered.flush());
                }
                Poll::Pending => {
                    let batch = ready!(this.gathered.poll_due(cx));
                    return Poll::Ready(Some(batch));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(source) = &self.source else {
            return (0, Some(0));
        };
        let (lower, upper) = source.size_hint();
        let held = self.gathered.items.len();
        // At best every batch is full; at worst every further item is late and leaves alone.
        (
            lower.saturating_add(held).div_ceil(self.gathered.max),
            upper.and_then(|upper| upper.checked_add(usize::from(held > 0))),
        )
    }
}

impl<S: Stream, T: Timer> FusedStream for BatchWithin<S, T> {
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug, T: Timer> fmt::Debug for BatchWithin<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWithin")
            .field("source", &self.source)
            .field("gathered", &self.gathered.items.len())
            .field("max", &self.gathered.max)
            .field("age", &self.gathered.age)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`batch_within`] gives.
    BatchWithinOp<[], T> { max: usize, age: Duration, timer: T }
}

/// [`BatchWithin`] as an operator value.
///
/// # Panics
///
/// If `max` is 0.
#[inline]
pub fn batch_within<T: Timer>(max: usize, age: Duration, timer: T) -> BatchWithinOp<T> {
    gathered::check(max);
    BatchWithinOp { max, age, timer, phantom: PhantomData }
}

impl<S: Stream, T: Timer> Operator<S> for BatchWithinOp<T> {
    type Out = Flow<BatchWithin<S, T>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(BatchWithin {
            source: Some(source),
            gathered: Gathered::new(self.max, self.age, self.timer),
        })
    }
}
