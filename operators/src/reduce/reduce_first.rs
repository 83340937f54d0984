//! `reduce_first`: the first item is the start value.

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
    /// A future: all items folded into one, starting from the first. `None` if there is no item.
    ///
    /// ```text
    /// in   --3---9--4--|
    ///        reduce_first(max)
    /// out  ------------Some(9)
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// assert_eq!(block_on(stream::iter([3, 9, 4]).flow().reduce_first(i32::max)), Some(9));
    /// ```
    ///
    /// The source is dropped in the poll that completes. Cancel safety and panics as [`Reduce`](crate::Reduce).
    #[must_use = "futures do nothing unless polled"]
    pub struct ReduceFirst<S: Stream, F> {
        #[pin]
        source: Option<S>,
        // The outer option says whether the closure holds the accumulator, because it panicked.
        accumulated: Option<Option<S::Item>>,
        f: F,
    }
}

impl<S, F> Future for ReduceFirst<S, F>
where
    S: Stream,
    F: FnMut(S::Item, S::Item) -> S::Item,
{
    type Output = Option<S::Item>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(mut source), Some(mut accumulated)) =
            (this.source.as_mut().as_pin_mut(), this.accumulated.take())
        else {
            panic!("`ReduceFirst` polled after it completed or its closure panicked");
        };
        loop {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    accumulated = Some(match accumulated {
                        Some(before) => (this.f)(before, item),
                        None => item,
                    });
                }
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

impl<S, F> FusedFuture for ReduceFirst<S, F>
where
    S: Stream,
    F: FnMut(S::Item, S::Item) -> S::Item,
{
    fn is_terminated(&self) -> bool {
        self.accumulated.is_none()
    }
}

impl<S: Stream + fmt::Debug, F> fmt::Debug for ReduceFirst<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReduceFirst").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`reduce_first`] gives.
    ReduceFirstOp<[T], F> { f: F }
}

/// [`ReduceFirst`] as an operator value.
#[inline]
pub fn reduce_first<T, F>(f: F) -> ReduceFirstOp<T, F>
where
    F: FnMut(T, T) -> T,
{
    ReduceFirstOp { f, phantom: PhantomData }
}

impl<S, T, F> Operator<S> for ReduceFirstOp<T, F>
where
    S: Stream<Item = T>,
    F: FnMut(T, T) -> T,
{
    type Out = ReduceFirst<S, F>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        ReduceFirst { source: Some(source), accumulated: Some(None), f: self.f }
    }
}
