//! `with_latest_map`: one side leads, and the other is looked at where it lies.

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::sampled::Sampled;
use crate::{Flow, Operator, access::pair_access, operator::operator_value};

pin_project! {
    /// What a closure makes of each item and the last item of another stream: no clone.
    ///
    /// ```text
    /// in     --1-----2-----3--|
    /// other  ----10-----20--|
    ///          with_latest_map(other, +)
    /// out    --------12----23-|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let priced = stream::iter([1, 2]).flow().with_latest_map(stream::iter([10]), |n, price| n * price);
    /// assert_eq!(block_on(priced.to_vec()), [10, 20]);
    /// ```
    ///
    /// Begins and ends as [`WithLatest`](crate::WithLatest), and holds as much.
    #[must_use = "streams do nothing unless polled"]
    pub struct WithLatestMap<A: Stream, B: Stream, F> {
        #[pin]
        sampled: Sampled<A, B>,
        f: F,
    }
}

pair_access!(WithLatestMap<A, B, F> in sampled where A: Stream, B: Stream);

impl<A, B, R, F> Stream for WithLatestMap<A, B, F>
where
    A: Stream,
    B: Stream,
    F: FnMut(A::Item, &B::Item) -> R,
{
    type Item = R;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let both = ready!(this.sampled.poll_left(cx));
        Poll::Ready(both.map(|(item, latest)| (this.f)(item, latest)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.sampled.size_hint()
    }
}

impl<A, B, R, F> FusedStream for WithLatestMap<A, B, F>
where
    A: Stream,
    B: Stream,
    F: FnMut(A::Item, &B::Item) -> R,
{
    fn is_terminated(&self) -> bool {
        self.sampled.is_terminated()
    }
}

impl<A: Stream + fmt::Debug, B: Stream + fmt::Debug, F> fmt::Debug for WithLatestMap<A, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sampled.debug("WithLatestMap", f)
    }
}

operator_value! {
    /// What [`with_latest_map`] gives.
    WithLatestMapOp<[T], B, F> { other: B, f: F }
}

/// [`WithLatestMap`] as an operator value.
#[inline]
pub fn with_latest_map<T, B, R, F>(other: B, f: F) -> WithLatestMapOp<T, B, F>
where
    B: Stream,
    F: FnMut(T, &B::Item) -> R,
{
    WithLatestMapOp { other, f, phantom: PhantomData }
}

impl<A, T, B, R, F> Operator<A> for WithLatestMapOp<T, B, F>
where
    A: Stream<Item = T>,
    B: Stream,
    F: FnMut(T, &B::Item) -> R,
{
    type Out = Flow<WithLatestMap<A, B, F>>;

    #[inline(always)]
    fn apply(self, source: A) -> Self::Out {
        Flow::new(WithLatestMap { sampled: Sampled::new(source, self.other), f: self.f })
    }
}
