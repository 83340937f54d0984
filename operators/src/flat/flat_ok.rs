//! `flat_ok`: the items inside the `Ok` items.

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::IntoFlat;
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// The items inside the `Ok` items, each as `Ok`; every `Err` passes, in order.
    ///
    /// ```text
    /// in   --[1,2]-------E--[3]--|     vectors are Ok, E is an Err
    ///        flat_ok()
    /// out  --(1 2)-------E--3----|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let items = stream::iter([Ok(vec![1, 2]), Err("lost"), Ok(vec![3])]).flow().flat_ok();
    /// assert_eq!(block_on(items.to_vec()), [Ok(1), Ok(2), Err("lost"), Ok(3)]);
    /// ```
    ///
    /// Order, bounds and fusing as [`Flat`](crate::Flat).
    #[must_use = "streams do nothing unless polled"]
    pub struct FlatOk<S, T, M>
    where
        T: IntoFlat<M>,
    {
        #[pin]
        source: S,
        #[pin]
        inner: Option<T::Inner>,
    }
}

source_access!(FlatOk<S, T, M> where T: IntoFlat<M>);

impl<S, T, E, M> Stream for FlatOk<S, T, M>
where
    S: Stream<Item = Result<T, E>>,
    T: IntoFlat<M>,
{
    type Item = Result<T::Item, E>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(inner) = this.inner.as_mut().as_pin_mut() {
                match ready!(T::poll_inner(inner, cx)) {
                    Some(item) => return Poll::Ready(Some(Ok(item))),
                    None => this.inner.set(None),
                }
            }
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(Ok(item)) => this.inner.set(Some(item.into_flat())),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.inner.as_ref().map_or((0, Some(0)), T::inner_hint);
        (lower, if self.source.size_hint().1 == Some(0) { upper } else { None })
    }
}

impl<S, T, E, M> FusedStream for FlatOk<S, T, M>
where
    S: FusedStream<Item = Result<T, E>>,
    T: IntoFlat<M>,
{
    fn is_terminated(&self) -> bool {
        self.inner.is_none() && self.source.is_terminated()
    }
}

impl<S: fmt::Debug, T: IntoFlat<M>, M> fmt::Debug for FlatOk<S, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlatOk")
            .field("source", &self.source)
            .field("inside", &self.inner.is_some())
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`flat_ok`] gives.
    FlatOkOp<[M]> {}
}

/// [`FlatOk`] as an operator value.
#[inline]
pub fn flat_ok<M>() -> FlatOkOp<M> {
    FlatOkOp { phantom: PhantomData }
}

impl<S, T, E, M> Operator<S> for FlatOkOp<M>
where
    S: Stream<Item = Result<T, E>>,
    T: IntoFlat<M>,
{
    type Out = Flow<FlatOk<S, T, M>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(FlatOk { source, inner: None })
    }
}
