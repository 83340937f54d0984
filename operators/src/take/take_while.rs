//! `take_while`: stops at the first item that is not wanted.

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
    /// The items up to the first for which a predicate is false.
    ///
    /// ```text
    /// in   --1---2--9---4--|
    ///        take_while(< 5)
    /// out  --1---2--|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let small = stream::iter([1, 2, 9, 4]).flow().take_while(|n| *n < 5);
    /// assert_eq!(block_on(small.to_vec()), [1, 2]);
    /// ```
    ///
    /// The item that ends it is dropped, and the source with it, in the same poll. Fused. Holds nothing.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct TakeWhile<S, F> {
        #[pin]
        source: Option<S>,
        predicate: F,
    }
}

source_access!(released TakeWhile<S, F>);

impl<S, F> Stream for TakeWhile<S, F>
where
    S: Stream,
    F: FnMut(&S::Item) -> bool,
{
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let Some(source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        match ready!(source.poll_next(cx)) {
            Some(item) if (this.predicate)(&item) => Poll::Ready(Some(item)),
            _ => {
                this.source.set(None);
                Poll::Ready(None)
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.source.as_ref().map_or(Some(0), |source| source.size_hint().1))
    }
}

impl<S, F> FusedStream for TakeWhile<S, F>
where
    S: Stream,
    F: FnMut(&S::Item) -> bool,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for TakeWhile<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeWhile").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`take_while`] gives.
    TakeWhileOp<[T], F> { predicate: F }
}

/// [`TakeWhile`] as an operator value.
#[inline]
pub fn take_while<T, F>(predicate: F) -> TakeWhileOp<T, F>
where
    F: FnMut(&T) -> bool,
{
    TakeWhileOp { predicate, phantom: PhantomData }
}

impl<S, T, F> Operator<S> for TakeWhileOp<T, F>
where
    S: Stream<Item = T>,
    F: FnMut(&T) -> bool,
{
    type Out = Flow<TakeWhile<S, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(TakeWhile { source: Some(source), predicate: self.predicate })
    }
}
