//! `with_latest`: one side leads.

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
    /// Each item with the last item of another stream.
    ///
    /// ```text
    /// in     --1-----2-----3------4--|
    /// other  ----a------b----c--|
    ///          with_latest(other)
    /// out    --------2a----3b-----4c-|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let readings = stream::iter([1, 2]).flow().with_latest(stream::iter(["off", "on"]));
    /// assert_eq!(block_on(readings.to_vec()), [(1, "on"), (2, "on")]);
    /// ```
    ///
    /// Items that come before the other stream has given anything are dropped. Ends with its source, or when the
    /// other ends without any item; then both are dropped. Fused.
    ///
    /// # Bounds
    ///
    /// Holds one item of the other stream, and clones it per item out;
    /// [`with_latest_map`](crate::Flow::with_latest_map) does not. All that is ready of the other stream is taken in
    /// one poll: if it is always ready it needs [`yielding`](crate::Flow::yielding).
    #[must_use = "streams do nothing unless polled"]
    pub struct WithLatest<A: Stream, B: Stream> {
        #[pin]
        sampled: Sampled<A, B>,
    }
}

pair_access!(WithLatest<A, B> in sampled where A: Stream, B: Stream);

impl<A, B> Stream for WithLatest<A, B>
where
    A: Stream,
    B: Stream,
    B::Item: Clone,
{
    type Item = (A::Item, B::Item);

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let both = ready!(this.sampled.poll_left(cx));
        Poll::Ready(both.map(|(item, latest)| (item, latest.clone())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.sampled.size_hint()
    }
}

impl<A, B> FusedStream for WithLatest<A, B>
where
    A: Stream,
    B: Stream,
    B::Item: Clone,
{
    fn is_terminated(&self) -> bool {
        self.sampled.is_terminated()
    }
}

impl<A: Stream + fmt::Debug, B: Stream + fmt::Debug> fmt::Debug for WithLatest<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sampled.debug("WithLatest", f)
    }
}

operator_value! {
    /// What [`with_latest`] gives.
    WithLatestOp<[], B> { other: B }
}

/// [`WithLatest`] as an operator value.
#[inline]
pub fn with_latest<B: Stream>(other: B) -> WithLatestOp<B> {
    WithLatestOp { other, phantom: PhantomData }
}

impl<A, B> Operator<A> for WithLatestOp<B>
where
    A: Stream,
    B: Stream,
    B::Item: Clone,
{
    type Out = Flow<WithLatest<A, B>>;

    #[inline(always)]
    fn apply(self, source: A) -> Self::Out {
        Flow::new(WithLatest { sampled: Sampled::new(source, self.other) })
    }
}
