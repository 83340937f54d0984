//! `latest_map`: looks at both last items where they lie.

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::sides::Sides;
use crate::{Flow, Operator, access::pair_access, operator::operator_value};

pin_project! {
    /// What a closure makes of the last items of two streams, whenever either gives one: no clone.
    ///
    /// ```text
    /// in     --1-------2-----|
    /// other  -----10------20-|
    ///          latest_map(other, +)
    /// out    -----11---12-22-|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let sums = stream::iter([1, 2]).flow().latest_map(stream::iter([10, 20]), |a, b| a + b);
    /// assert_eq!(block_on(sums.to_vec()), [11, 12, 22]);
    /// ```
    ///
    /// Begins, takes turns and ends as [`Latest`](crate::Latest), and holds as much.
    #[must_use = "streams do nothing unless polled"]
    pub struct LatestMap<A: Stream, B: Stream, F> {
        #[pin]
        sides: Sides<A, B>,
        f: F,
    }
}

pair_access!(LatestMap<A, B, F> in sides where A: Stream, B: Stream);

impl<A, B, R, F> Stream for LatestMap<A, B, F>
where
    A: Stream,
    B: Stream,
    F: FnMut(&A::Item, &B::Item) -> R,
{
    type Item = R;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let both = ready!(this.sides.poll_both(cx));
        Poll::Ready(both.map(|(left, right)| (this.f)(left, right)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.sides.size_hint()
    }
}

impl<A, B, R, F> FusedStream for LatestMap<A, B, F>
where
    A: Stream,
    B: Stream,
    F: FnMut(&A::Item, &B::Item) -> R,
{
    fn is_terminated(&self) -> bool {
        self.sides.is_terminated()
    }
}

impl<A: Stream + fmt::Debug, B: Stream + fmt::Debug, F> fmt::Debug for LatestMap<A, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sides.debug("LatestMap", f)
    }
}

operator_value! {
    /// What [`latest_map`] gives.
    LatestMapOp<[T], B, F> { other: B, f: F }
}

/// [`LatestMap`] as an operator value.
#[inline]
pub fn latest_map<T, B, R, F>(other: B, f: F) -> LatestMapOp<T, B, F>
where
    B: Stream,
    F: FnMut(&T, &B::Item) -> R,
{
    LatestMapOp { other, f, phantom: PhantomData }
}

impl<A, T, B, R, F> Operator<A> for LatestMapOp<T, B, F>
where
    A: Stream<Item = T>,
    B: Stream,
    F: FnMut(&T, &B::Item) -> R,
{
    type Out = Flow<LatestMap<A, B, F>>;

    #[inline(always)]
    fn apply(self, source: A) -> Self::Out {
        Flow::new(LatestMap { sides: Sides::new(source, self.other), f: self.f })
    }
}
