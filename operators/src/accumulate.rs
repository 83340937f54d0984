//! `accumulate`: the running `reduce`.

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
    /// Folds the items into a state and emits the state after every item.
    ///
    /// ```text
    /// in   --1---2--3--|
    ///        accumulate(0, +=)
    /// out  --1---3--6--|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let totals = stream::iter(1..=3).flow().accumulate(0, |total, n| *total += n);
    /// assert_eq!(block_on(totals.to_vec()), [1, 3, 6]);
    /// ```
    ///
    /// One item out per item in; the start value itself is not emitted. Ends with its source, and is fused if the
    /// source is.
    ///
    /// # Bounds
    ///
    /// Holds the state, and clones it per item: put what is large behind an `Arc`.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Accumulate<S, A, F> {
        #[pin]
        source: S,
        state: A,
        f: F,
    }
}

source_access!(Accumulate<S, A, F>);

impl<S, A, F> Stream for Accumulate<S, A, F>
where
    S: Stream,
    A: Clone,
    F: FnMut(&mut A, S::Item),
{
    type Item = A;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A>> {
        let this = self.project();
        match ready!(this.source.poll_next(cx)) {
            Some(item) => {
                (this.f)(this.state, item);
                Poll::Ready(Some(this.state.clone()))
            }
            None => Poll::Ready(None),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.source.size_hint()
    }
}

impl<S, A, F> FusedStream for Accumulate<S, A, F>
where
    S: FusedStream,
    A: Clone,
    F: FnMut(&mut A, S::Item),
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, A, F> fmt::Debug for Accumulate<S, A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accumulate").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`accumulate`] gives.
    AccumulateOp<[T], A, F> { init: A, f: F }
}

/// [`Accumulate`] as an operator value.
#[inline]
pub fn accumulate<T, A, F>(init: A, f: F) -> AccumulateOp<T, A, F>
where
    A: Clone,
    F: FnMut(&mut A, T),
{
    AccumulateOp { init, f, phantom: PhantomData }
}

impl<S, T, A, F> Operator<S> for AccumulateOp<T, A, F>
where
    S: Stream<Item = T>,
    A: Clone,
    F: FnMut(&mut A, T),
{
    type Out = Flow<Accumulate<S, A, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Accumulate { source, state: self.init, f: self.f })
    }
}
