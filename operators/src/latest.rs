//! `latest`, and in the folder its forms without copies and with one side leading.

mod latest_map;
mod sampled;
mod sides;
mod with_latest;
mod with_latest_map;

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use self::sides::Sides;
pub use self::{
    latest_map::{LatestMap, LatestMapOp, latest_map},
    with_latest::{WithLatest, WithLatestOp, with_latest},
    with_latest_map::{WithLatestMap, WithLatestMapOp, with_latest_map},
};
use crate::{Flow, Operator, access::pair_access, operator::operator_value};

pin_project! {
    /// The last items of two streams, whenever either gives one.
    ///
    /// ```text
    /// in     --1-------2---------3--|
    /// other  -----a--------b--|
    ///          latest(other)
    /// out    -----1a---2a--2b----3b-|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let both = stream::iter([1, 2]).flow().latest(stream::iter(['a', 'b']));
    /// assert_eq!(block_on(both.to_vec()), [(1, 'a'), (2, 'a'), (2, 'b')]);
    /// ```
    ///
    /// Begins when each has given an item; until then only the newest of each is kept. One item is taken at a time
    /// and the streams take turns, so no combination is skipped. A stream that ends is dropped and its last item stays
    /// in use; ends when both have ended, or one without any item. Fused.
    ///
    /// # Bounds
    ///
    /// Holds one item of each, and clones both per item out; [`latest_map`](crate::Flow::latest_map) does not.
    #[must_use = "streams do nothing unless polled"]
    pub struct Latest<A: Stream, B: Stream> {
        #[pin]
        sides: Sides<A, B>,
    }
}

pair_access!(Latest<A, B> in sides where A: Stream, B: Stream);

impl<A, B> Stream for Latest<A, B>
where
    A: Stream,
    B: Stream,
    A::Item: Clone,
    B::Item: Clone,
{
    type Item = (A::Item, B::Item);

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let both = ready!(this.sides.poll_both(cx));
        Poll::Ready(both.map(|(left, right)| (left.clone(), right.clone())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.sides.size_hint()
    }
}

impl<A, B> FusedStream for Latest<A, B>
where
    A: Stream,
    B: Stream,
    A::Item: Clone,
    B::Item: Clone,
{
    fn is_terminated(&self) -> bool {
        self.sides.is_terminated()
    }
}

impl<A: Stream + fmt::Debug, B: Stream + fmt::Debug> fmt::Debug for Latest<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sides.debug("Latest", f)
    }
}

operator_value! {
    /// What [`latest`] gives.
    LatestOp<[], B> { other: B }
}

/// [`Latest`] as an operator value.
#[inline]
pub fn latest<B: Stream>(other: B) -> LatestOp<B> {
    LatestOp { other, phantom: PhantomData }
}

impl<A, B> Operator<A> for LatestOp<B>
where
    A: Stream,
    B: Stream,
    A::Item: Clone,
    B::Item: Clone,
{
    type Out = Flow<Latest<A, B>>;

    #[inline(always)]
    fn apply(self, source: A) -> Self::Out {
        Flow::new(Latest { sides: Sides::new(source, self.other) })
    }
}
