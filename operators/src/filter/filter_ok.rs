//! `filter_ok`: the filter for streams of results.

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Keeps the `Ok` items for which a predicate is true, and every `Err`, in order.
    ///
    /// ```text
    /// in   --1---2--E---4--|     numbers are Ok, E is an Err
    ///        filter_ok(even)
    /// out  ------2--E---4--|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let even = stream::iter([Ok(1), Ok(2), Err("lost"), Ok(4)]).flow().filter_ok(|n| n % 2 == 0);
    /// assert_eq!(block_on(even.to_vec()), [Ok(2), Err("lost"), Ok(4)]);
    /// ```
    ///
    /// Ends with its source, and is fused if the source is. Bounds as [`Filter`](crate::Filter).
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct FilterOk<S, F> {
        #[pin]
        source: S,
        predicate: F,
    }
}

source_access!(FilterOk<S, F>);

impl<S, T, E, F> Stream for FilterOk<S, F>
where
    S: Stream<Item = Result<T, E>>,
    F: FnMut(&T) -> bool,
{
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(Ok(item)) if !(this.predicate)(&item) => {}
                kept_or_end => return Poll::Ready(kept_or_end),
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.source.size_hint().1)
    }
}

impl<S, T, E, F> FusedStream for FilterOk<S, F>
where
    S: FusedStream<Item = Result<T, E>>,
    F: FnMut(&T) -> bool,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for FilterOk<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterOk").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`filter_ok`] gives.
    FilterOkOp<[T], F> { predicate: F }
}

/// [`FilterOk`] as an operator value.
#[inline]
pub fn filter_ok<T, F>(predicate: F) -> FilterOkOp<T, F>
where
    F: FnMut(&T) -> bool,
{
    FilterOkOp { predicate, phantom: PhantomData }
}

impl<S, T, E, F> Operator<S> for FilterOkOp<T, F>
where
    S: Stream<Item = Result<T, E>>,
    F: FnMut(&T) -> bool,
{
    type Out = Flow<FilterOk<S, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(FilterOk { source, predicate: self.predicate })
    }
}
