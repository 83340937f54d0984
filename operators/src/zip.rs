//! `zip`: by position.

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
    pair::{Hint, hint, poll_released},
};

pin_project! {
    /// Pairs the items of two streams by their position.
    ///
    /// ```text
    /// in     --1-------2---3--|
    /// other  -----a-----b--|
    ///          zip(other)
    /// out    -----1a----2b-|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let pairs = stream::iter([1, 2, 3]).flow().zip(stream::iter(['a', 'b']));
    /// assert_eq!(block_on(pairs.to_vec()), [(1, 'a'), (2, 'b')]);
    /// ```
    ///
    /// Ends when either has ended and its last item is paired; then both are dropped, with an item that found no
    /// partner. Fused.
    ///
    /// # Bounds
    ///
    /// Holds one item, of the stream that is ahead; that stream is not asked for more.
    #[must_use = "streams do nothing unless polled"]
    pub struct Zip<A: Stream, B: Stream> {
        #[pin]
        left: Option<A>,
        #[pin]
        right: Option<B>,
        left_item: Option<A::Item>,
        right_item: Option<B::Item>,
    }
}

pair_access!(Zip<A, B> where A: Stream, B: Stream);

impl<A: Stream, B: Stream> Stream for Zip<A, B> {
    type Item = (A::Item, B::Item);

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let mut ended = false;
        if this.left_item.is_none() {
            match poll_released(this.left.as_mut(), cx) {
                Poll::Ready(Some(item)) => *this.left_item = Some(item),
                Poll::Ready(None) => ended = true,
                Poll::Pending => {}
            }
        }
        if !ended && this.right_item.is_none() {
            match poll_released(this.right.as_mut(), cx) {
                Poll::Ready(Some(item)) => *this.right_item = Some(item),
                Poll::Ready(None) => ended = true,
                Poll::Pending => {}
            }
        }
        if ended {
            this.left.set(None);
            this.right.set(None);
            *this.left_item = None;
            *this.right_item = None;
            return Poll::Ready(None);
        }
        if this.left_item.is_none() || this.right_item.is_none() {
            return Poll::Pending;
        }
        Poll::Ready(this.left_item.take().zip(this.right_item.take()))
    }

    fn size_hint(&self) -> Hint {
        let (left, right) = (hint(&self.left), hint(&self.right));
        let held = (usize::from(self.left_item.is_some()), usize::from(self.right_item.is_some()));
        let lower = left.0.saturating_add(held.0).min(right.0.saturating_add(held.1));
        let left = left.1.and_then(|upper| upper.checked_add(held.0));
        let right = right.1.and_then(|upper| upper.checked_add(held.1));
        let upper = match (left, right) {
            (Some(left), Some(right)) => Some(left.min(right)),
            (one, other) => one.or(other),
        };
        (lower, upper)
    }
}

impl<A: Stream, B: Stream> FusedStream for Zip<A, B> {
    fn is_terminated(&self) -> bool {
        self.left.is_none() && self.right.is_none()
    }
}

impl<A: Stream + fmt::Debug, B: Stream + fmt::Debug> fmt::Debug for Zip<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zip").field("left", &self.left).field("right", &self.right).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`zip`] gives.
    ZipOp<[], B> { other: B }
}

/// [`Zip`] as an operator value.
#[inline]
pub fn zip<B: Stream>(other: B) -> ZipOp<B> {
    ZipOp { other, phantom: PhantomData }
}

impl<A: Stream, B: Stream> Operator<A> for ZipOp<B> {
    type Out = Flow<Zip<A, B>>;

    #[inline(always)]
    fn apply(self, source: A) -> Self::Out {
        Flow::new(Zip { left: Some(source), right: Some(self.other), left_item: None, right_item: None })
    }
}
