//! `merge`: whichever is ready.

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::{
    Flow, Operator,
    access::pair_access,
    operator::operator_value,
    pair::{Hint, hint, poll_released, sum},
};

pin_project! {
    /// The items of two streams, as they come.
    ///
    /// ```text
    /// in     --1-------2---------|
    /// other  -----a-------b--|
    ///          merge(other)
    /// out    --1--a----2--b------|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let both = stream::iter([1, 2, 3]).flow().merge(stream::iter([10, 20]));
    /// assert_eq!(block_on(both.to_vec()), [1, 10, 2, 20, 3]);
    /// ```
    ///
    /// Each stream keeps its order. After an item of one the other is asked first, so neither can starve the other.
    /// Each is dropped when it ends; the merged stream ends with the longer. Fused.
    ///
    /// # Bounds
    ///
    /// Holds no item.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Merge<A, B> {
        #[pin]
        left: Option<A>,
        #[pin]
        right: Option<B>,
        right_first: bool,
    }
}

pair_access!(Merge<A, B>);

impl<A, B> Stream for Merge<A, B>
where
    A: Stream,
    B: Stream<Item = A::Item>,
{
    type Item = A::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let mut this = self.project();
        let mut waiting = false;
        let mut right = *this.right_first;
        for _ in 0..2 {
            let next = if right {
                poll_released(this.right.as_mut(), cx)
            } else {
                poll_released(this.left.as_mut(), cx)
            };
            match next {
                Poll::Ready(Some(item)) => {
                    *this.right_first = !right;
                    return Poll::Ready(Some(item));
                }
                Poll::Ready(None) => {}
                Poll::Pending => waiting = true,
            }
            right = !right;
        }
        if waiting { Poll::Pending } else { Poll::Ready(None) }
    }

    fn size_hint(&self) -> Hint {
        sum(hint(&self.left), hint(&self.right))
    }
}

impl<A, B> FusedStream for Merge<A, B>
where
    A: Stream,
    B: Stream<Item = A::Item>,
{
    fn is_terminated(&self) -> bool {
        self.left.is_none() && self.right.is_none()
    }
}

impl<A: fmt::Debug, B: fmt::Debug> fmt::Debug for Merge<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merge").field("left", &self.left).field("right", &self.right).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`merge`] gives.
    MergeOp<[], B> { other: B }
}

/// [`Merge`] as an operator value.
#[inline]
pub fn merge<B: Stream>(other: B) -> MergeOp<B> {
    MergeOp { other, phantom: PhantomData }
}

impl<A, B> Operator<A> for MergeOp<B>
where
    A: Stream,
    B: Stream<Item = A::Item>,
{
    type Out = Flow<Merge<A, B>>;

    #[inline(always)]
    fn apply(self, source: A) -> Self::Out {
        Flow::new(Merge { left: Some(source), right: Some(self.other), right_first: false })
    }
}
