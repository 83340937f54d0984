//! `chain_with`: what follows is made when it is needed.

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
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
    /// All items of one stream, then all of another, which is made when the first has ended.
    ///
    /// ```text
    /// in   --1---2--|
    ///        chain_with(make)
    /// made           --3---4--|
    /// out  --1---2-----3---4--|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let pages = stream::iter([1, 2]).flow().chain_with(|| stream::iter([3]));
    /// assert_eq!(block_on(pages.to_vec()), [1, 2, 3]);
    /// ```
    ///
    /// The closure is called once, after the first is dropped, in the same poll; never, if the adaptor is dropped
    /// before. Fused. Holds no item.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct ChainWith<A, B, F> {
        #[pin]
        left: Option<A>,
        #[pin]
        right: Option<B>,
        make: Option<F>,
    }
}

pair_access!(ChainWith<A, B, F>);

impl<A, B, F> Stream for ChainWith<A, B, F>
where
    A: Stream,
    B: Stream<Item = A::Item>,
    F: FnOnce() -> B,
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
        if let Some(make) = this.make.take() {
            this.right.set(Some(make()));
        }
        poll_released(this.right, cx)
    }

    fn size_hint(&self) -> Hint {
        if self.make.is_some() { (hint(&self.left).0, None) } else { hint(&self.right) }
    }
}

impl<A, B, F> FusedStream for ChainWith<A, B, F>
where
    A: Stream,
    B: Stream<Item = A::Item>,
    F: FnOnce() -> B,
{
    fn is_terminated(&self) -> bool {
        self.left.is_none() && self.make.is_none() && self.right.is_none()
    }
}

impl<A: fmt::Debug, B: fmt::Debug, F> fmt::Debug for ChainWith<A, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainWith")
            .field("left", &self.left)
            .field("right", &self.right)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`chain_with`] gives.
    ChainWithOp<[], F> { make: F }
}

/// [`ChainWith`] as an operator value.
#[inline]
pub fn chain_with<B, F>(make: F) -> ChainWithOp<F>
where
    B: Stream,
    F: FnOnce() -> B,
{
    ChainWithOp { make, phantom: PhantomData }
}

impl<A, B, F> Operator<A> for ChainWithOp<F>
where
    A: Stream,
    B: Stream<Item = A::Item>,
    F: FnOnce() -> B,
{
    type Out = Flow<ChainWith<A, B, F>>;

    #[inline(always)]
    fn apply(self, source: A) -> Self::Out {
        Flow::new(ChainWith { left: Some(source), right: None, make: Some(self.make) })
    }
}
