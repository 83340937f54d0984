//! `try_reduce`: folding that can fail.

use core::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedFuture, Stream};
use pin_project_lite::pin_project;

use crate::{Operator, operator::operator_value};

pin_project! {
    /// A future: all items folded into one value, until a step fails.
    ///
    /// ```text
    /// in   --1---2--E--4--|
    ///        try_reduce(0, |sum, n| Ok(sum + n?))
    /// out  ---------Err(E)
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let bytes = stream::iter([200_u8, 50, 10]);
    /// let sum = bytes.flow().try_reduce(0_u8, |sum, n| sum.checked_add(n).ok_or("too much"));
    /// assert_eq!(block_on(sum), Err("too much"));
    /// ```
    ///
    /// The source is dropped in the poll that completes, be it at the end or at the first `Err`. Cancel safety and
    /// panics as [`Reduce`](crate::Reduce).
    #[must_use = "futures do nothing unless polled"]
    pub struct TryReduce<S, A, F> {
        #[pin]
        source: Option<S>,
        accumulated: Option<A>,
        f: F,
    }
}

impl<S, A, E, F> Future for TryReduce<S, A, F>
where
    S: Stream,
    F: FnMut(A, S::Item) -> Result<A, E>,
{
    type Output = Result<A, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(mut source), Some(mut accumulated)) =
            (this.source.as_mut().as_pin_mut(), this.accumulated.take())
        else {
            panic!("`TryReduce` polled after it completed or its closure panicked");
        };
        let result = loop {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => match (this.f)(accumulated, item) {
                    Ok(next) => accumulated = next,
                    Err(error) => break Err(error),
                },
                Poll::Ready(None) => break Ok(accumulated),
                Poll::Pending => {
                    *this.accumulated = Some(accumulated);
                    return Poll::Pending;
                }
            }
        };
        this.source.set(None);
        Poll::Ready(result)
    }
}

impl<S, A, E, F> FusedFuture for TryReduce<S, A, F>
where
    S: Stream,
    F: FnMut(A, S::Item) -> Result<A, E>,
{
    fn is_terminated(&self) -> bool {
        self.accumulated.is_none()
    }
}

impl<S: fmt::Debug, A, F> fmt::Debug for TryReduce<S, A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryReduce").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`try_reduce`] gives.
    TryReduceOp<[T], A, F> { init: A, f: F }
}

/// [`TryReduce`] as an operator value.
#[inline]
pub fn try_reduce<T, A, E, F>(init: A, f: F) -> TryReduceOp<T, A, F>
where
    F: FnMut(A, T) -> Result<A, E>,
{
    TryReduceOp { init, f, phantom: PhantomData }
}

impl<S, T, A, E, F> Operator<S> for TryReduceOp<T, A, F>
where
    S: Stream<Item = T>,
    F: FnMut(A, T) -> Result<A, E>,
{
    type Out = TryReduce<S, A, F>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        TryReduce { source: Some(source), accumulated: Some(self.init), f: self.f }
    }
}
