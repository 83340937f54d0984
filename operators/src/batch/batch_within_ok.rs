//! `batch_within_ok`: batches of `Ok` items by size or age.

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
    /// Gathers `Ok` items into vectors of `max`, or of fewer as soon as the first of them is `age` old; an `Err`
    /// passes in order, after what came before it, and the batches go on.
    ///
    /// ```text
    /// in   --1---2---E-------3---------|     numbers are Ok, E is an Err
    ///        batch_within_ok(9, 6 ticks, timer)
    /// out  ----------([1,2]E)------[3]-|
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::{ManualTimer, StreamOps};
    ///
    /// let results = stream::iter([Ok(1), Err("lost"), Ok(2), Ok(3)]);
    /// let batches = results.flow().batch_within_ok(2, Duration::from_secs(1), ManualTimer::new());
    /// assert_eq!(block_on(batches.to_vec()), [Ok(vec![1]), Err("lost"), Ok(vec![2, 3])]);
    /// ```
    ///
    /// Age, end, bounds, cancel safety and panics as [`BatchWithin`](crate::BatchWithin); holds one error besides.
    #[must_use = "streams do nothing unless polled"]
    pub struct BatchWithinOk<S, I, E, T: Timer> {
        #[pin]
        source: Option<S>,
        #[pin]
        gathered: Gathered<I, T>,
        // The error that cut a batch short; it leaves right after that batch.
        error: Option<E>,
    }
}

source_access!(released BatchWithinOk<S, I, E, T> where T: Timer);

impl<S, I, E, T: Timer> BatchWithinOk<S, I, E, T> {
    /// Takes the items gathered for the next batch, for instance before dropping the adaptor.
    pub fn take_buffered(self: Pin<&mut Self>) -> Vec<I> {
        self.project().gathered.take().unwrap_or_default()
    }
}

impl<S, I, E, T> Stream for BatchWithinOk<S, I, E, T>
where
    S: Stream<Item = Result<I, E>>,
    T: Timer,
{
    type Item = Result<Vec<I>, E>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Some(error) = this.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(item))) => {
                    if let Some(batch) = this.gathered.as_mut().push(item) {
                        return Poll::Ready(Some(Ok(batch)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(match this.gathered.take() {
                        Some(batch) => {
                            *this.error = Some(error);
                            Ok(batch)
                        }
                        None => Err(error),
                    }));
                }
                Poll::Ready(None) => {
                    this.source.set(None);
                    return Poll::Ready(this.gathered.flush().map(Ok));
                }
                Poll::Pending => {
                    let batch = ready!(this.gathered.poll_due(cx));
                    return Poll::Ready(Some(Ok(batch)));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let error = usize::from(self.error.is_some());
        let Some(source) = &self.source else {
            return (error, Some(error));
        };
        let (lower, upper) = source.size_hint();
        let held = self.gathered.items.len();
        (
            lower.saturating_add(held).div_ceil(self.gathered.max).saturating_add(error),
            upper.and_then(|upper| upper.checked_add(usize::from(held > 0) + error)),
        )
    }
}

impl<S, I, E, T> FusedStream for BatchWithinOk<S, I, E, T>
where
    S: Stream<Item = Result<I, E>>,
    T: Timer,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none() && self.error.is_none()
    }
}

impl<S: fmt::Debug, I, E, T: Timer> fmt::Debug for BatchWithinOk<S, I, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWithinOk")
            .field("source", &self.source)
            .field("gathered", &self.gathered.items.len())
            .field("max", &self.gathered.max)
            .field("age", &self.gathered.age)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`batch_within_ok`] gives.
    BatchWithinOkOp<[], T> { max: usize, age: Duration, timer: T }
}

/// [`BatchWithinOk`] as an operator value.
///
/// # Panics
///
/// If `max` is 0.
#[inline]
pub fn batch_within_ok<T: Timer>(max: usize, age: Duration, timer: T) -> BatchWithinOkOp<T> {
    gathered::check(max);
    BatchWithinOkOp { max, age, timer, phantom: PhantomData }
}

impl<S, I, E, T> Operator<S> for BatchWithinOkOp<T>
where
    S: Stream<Item = Result<I, E>>,
    T: Timer,
{
    type Out = Flow<BatchWithinOk<S, I, E, T>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(BatchWithinOk {
            source: Some(source),
            gathered: Gathered::new(self.max, self.age, self.timer),
            error: None,
        })
    }
}
