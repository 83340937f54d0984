//! `flat`, and in the folder its forms with a closure, for several at once and inside `Ok`.

mod flat_map;
#[cfg(feature = "std")]
mod flat_merge;
mod flat_ok;
mod into_flat;
#[cfg(feature = "std")]
mod turns;

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

#[cfg(feature = "std")]
pub use self::flat_merge::{FlatMerge, FlatMergeOp, flat_merge};
pub use self::{
    flat_map::{FlatMapOp, flat_map},
    flat_ok::{FlatOk, FlatOkOp, flat_ok},
    into_flat::{IntoFlat, ViaIterator, ViaStream},
};
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// The items inside the items, one level deep: of anything iterable, or of streams.
    ///
    /// ```text
    /// in   --[1,2]----[]--[3]--|
    ///        flat()
    /// out  --(1 2)--------3----|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let vectors = stream::iter([vec![1, 2], vec![], vec![3]]).flow().flat();
    /// assert_eq!(block_on(vectors.to_vec()), [1, 2, 3]);
    ///
    /// let streams = stream::iter([2, 3]).flow().map(|n| stream::iter(0..n)).flat();
    /// assert_eq!(block_on(streams.to_vec()), [0, 1, 0, 1, 2]);
    /// ```
    ///
    /// One after the other: the source is asked for the next only when the one before has ended and is dropped. So a
    /// stream that never ends keeps all that follow it waiting. Items that are `Result` are iterable too, and lose
    /// their errors: use [`flat_ok`](crate::Flow::flat_ok). Fused if the source is.
    ///
    /// # Bounds
    ///
    /// Holds one inner iterator or stream. Empty ones in a row are passed in one poll, as by
    /// [`Filter`](crate::Filter).
    #[must_use = "streams do nothing unless polled"]
    pub struct Flat<S, M>
    where
        S: Stream,
        S::Item: IntoFlat<M>,
    {
        #[pin]
        source: S,
        #[pin]
        inner: Option<<S::Item as IntoFlat<M>>::Inner>,
    }
}

source_access!(Flat<S, M> where S: Stream, S::Item: IntoFlat<M>);

impl<S, M> Flat<S, M>
where
    S: Stream,
    S::Item: IntoFlat<M>,
{
    pub(crate) fn new(source: S) -> Self {
        Self { source, inner: None }
    }
}

impl<S, M> Stream for Flat<S, M>
where
    S: Stream,
    S::Item: IntoFlat<M>,
{
    type Item = <S::Item as IntoFlat<M>>::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(inner) = this.inner.as_mut().as_pin_mut() {
                match ready!(S::Item::poll_inner(inner, cx)) {
                    Some(item) => return Poll::Ready(Some(item)),
                    None => this.inner.set(None),
                }
            }
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(item) => this.inner.set(Some(item.into_flat())),
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.inner.as_ref().map_or((0, Some(0)), S::Item::inner_hint);
        // What is still to come may hold any number of items, unless nothing is to come.
        (lower, if self.source.size_hint().1 == Some(0) { upper } else { None })
    }
}

impl<S, M> FusedStream for Flat<S, M>
where
    S: FusedStream,
    S::Item: IntoFlat<M>,
{
    fn is_terminated(&self) -> bool {
        self.inner.is_none() && self.source.is_terminated()
    }
}

impl<S, M> fmt::Debug for Flat<S, M>
where
    S: Stream + fmt::Debug,
    S::Item: IntoFlat<M>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flat")
            .field("source", &self.source)
            .field("inside", &self.inner.is_some())
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`flat`] gives.
    FlatOp<[M]> {}
}

/// [`Flat`] as an operator value.
#[inline]
pub fn flat<M>() -> FlatOp<M> {
    FlatOp { phantom: PhantomData }
}

impl<S, M> Operator<S> for FlatOp<M>
where
    S: Stream,
    S::Item: IntoFlat<M>,
{
    type Out = Flow<Flat<S, M>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Flat::new(source))
    }
}
