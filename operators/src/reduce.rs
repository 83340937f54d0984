//! `reduce`, and in the folder its forms without a start value and with failure.

mod reduce_first;
mod try_reduce;

use core::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedFuture, Stream};
use pin_project_lite::pin_project;

pub use self::{
    reduce_first::{ReduceFirst, ReduceFirstOp, reduce_first},
    try_reduce::{TryReduce, TryReduceOp, try_reduce},
};
use crate::{Operator, operator::operator_value};

pin_project! {
    /// A future: all items folded into one value, from a start value on.
    ///
    /// ```text
    /// in   --1---2--3--|
    ///        reduce(0, +)
    /// out  ------------6
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// assert_eq!(block_on(stream::iter(1..=3).flow().reduce(0, |sum, n| sum + n)), 6);
    /// ```
    ///
    /// Gives the start value if there is no item. The source is dropped in the poll that completes. A subscription
    /// never ends: put [`take`](crate::take) before this, or use [`accumulate`](crate::accumulate), which emits every
    /// step.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses what it has accumulated.
    ///
    /// # Panics
    ///
    /// Polling it again after it completed, or after its closure panicked.
    #[must_use = "futures do nothing unless polled"]
    pub struct Reduce<S, A, F> {
        #[pin]
        source: Option<S>,
        accumulated: Option<A>,
        f: F,
    }
}

impl<S, A, F> Future for Reduce<S, A, F>
where
    S: Stream,
    F: FnMut(A, S::Item) -> A,
{
    type Output = A;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<A> {
        let mut this = self.project();
        let (Some(mut source), Some(mut accumulated)) =
            (this.source.as_mut().as_pin_mut(), this.accumulated.take())
        else {
            panic!("`Reduce` polled after it completed or its closure panicked");
        };
        // The accumulator stays in a local while items are ready: written back per item, it costs as much as the
        // rest of the loop.
        loop {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => accumulated = (this.f)(accumulated, item),
                Poll::Ready(None) => {
                    this.source.set(None);
                    return Poll::Ready(accumulated);
                }
                Poll::Pending => {
                    *this.accumulated = Some(accumulated);
                    return Poll::Pending;
                }
            }
        }
    }
}

impl<S, A, F> FusedFuture for Reduce<S, A, F>
where
    S: Stream,
    F: FnMut(A, S::Item) -> A,
{
    fn is_terminated(&self) -> bool {
        self.accumulated.is_none()
    }
}

impl<S: fmt::Debug, A, F> fmt::Debug for Reduce<S, A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reduce").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`reduce`] gives.
    ReduceOp<[T], A, F> { init: A, f: F }
}

/// [`Reduce`] as an operator value.
#[inline]
pub fn reduce<T, A, F>(init: A, f: F) -> ReduceOp<T, A, F>
where
    F: FnMut(A, T) -> A,
{
    ReduceOp { init, f, phantom: PhantomData }
}

impl<S, T, A, F> Operator<S> for ReduceOp<T, A, F>
where
    S: Stream<Item = T>,
    F: FnMut(A, T) -> A,
{
    type Out = Reduce<S, A, F>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Reduce { source: Some(source), accumulated: Some(self.init), f: self.f }
    }
}
