//! `chain`, and in the folder its lazy form.

mod chain_with;

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

pub use self::chain_with::{ChainWith, ChainWithOp, chain_with};
use crate::{
    Flow, Operator,
    access::pair_access,
    operator::operator_value,
    pair::{Hint, hint, poll_released, sum},
};

pin_project! {
    /// All items of one stream, then all of another.
    ///
    /// ```text
    /// in    --1---2--|
    /// next                --3---4--|
    ///         chain(next)
    /// out   --1---2---------3---4--|
    /// ```
    ///
    /// History, then live, without what is in both:
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let (history, live) = (stream::iter([1, 2, 3]), stream::iter([3, 4]));
    /// let all = history.flow().chain(live).dedupe(64, |id| *id);
    /// assert_eq!(block_on(all.to_vec()), [1, 2, 3, 4]);
    /// ```
    ///
    /// `next` is there from the start but is not polled before the first has ended and is dropped. For history and
    /// live that is what is wanted: `live` is already subscribed, so nothing falls between the two. Its own bound
    /// has to hold what arrives meanwhile. To subscribe only at the seam use
    /// [`chain_with`](crate::Flow::chain_with). Fused, even if `next` is not.
    ///
    /// # Bounds
    ///
    /// Holds no item.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Chain<A, B> {
        #[pin]
        left: Option<A>,
        #[pin]
        right: Option<B>,
    }
}

pair_access!(Chain<A, B>);

impl<A, B> Stream for Chain<A, B>
where
    A: Stream,
    B: Stream<Item = A::Item>,
{
    type Item = A::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let mut this = self.project();
        if this.left.is_some() {
            let next = ready!(poll_released(this.left.as_mut(), cx));
            if next.is_some() {
                return Poll::Ready(next);
            }
        }
        poll_released(this.right, cx)
    }

    fn size_hint(&self) -> Hint {
        sum(hint(&self.left), hint(&self.right))
    }
}

impl<A, B> FusedStream for Chain<A, B>
where
    A: Stream,
    B: Stream<Item = A::Item>,
{
    fn is_terminated(&self) -> bool {
        self.left.is_none() && self.right.is_none()
    }
}

impl<A: fmt::Debug, B: fmt::Debug> fmt::Debug for Chain<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("left", &self.left).field("right", &self.right).finish()
    }
}

operator_value! {
    /// What [`chain`] gives.
    ChainOp<[], B> { next: B }
}

/// [`Chain`] as an operator value.
#[inline]
pub fn chain<B: Stream>(next: B) -> ChainOp<B> {
    ChainOp { next, phantom: PhantomData }
}

impl<A, B> Operator<A> for ChainOp<B>
where
    A: Stream,
    B: Stream<Item = A::Item>,
{
    type Out = Flow<Chain<A, B>>;

    #[inline(always)]
    fn apply(self, source: A) -> Self::Out {
        Flow::new(Chain { left: Some(source), right: Some(self.next) })
    }
}
