//! `try_to_vec`: collecting results.

use alloc::vec::Vec;
use core::{
    fmt,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedFuture, Stream};
use pin_project_lite::pin_project;

use super::reserve;
use crate::{Operator, operator::operator_value};

pin_project! {
    /// A future: the `Ok` items in a vector, or the first `Err`.
    ///
    /// ```text
    /// in   --1---2--E--4--|     numbers are Ok, E is an Err
    ///        try_to_vec()
    /// out  ---------Err(E)
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// assert_eq!(block_on(stream::iter([Ok(1), Ok::<_, &str>(2)]).flow().try_to_vec()), Ok(vec![1, 2]));
    /// assert_eq!(block_on(stream::iter([Ok(1), Err("lost")]).flow().try_to_vec()), Err("lost"));
    /// ```
    ///
    /// At the first `Err` the source and what was collected are dropped. It has no bound, as
    /// [`ToVec`](crate::ToVec): put [`take`](crate::take) before it. Cancel safety and panics as there.
    #[must_use = "futures do nothing unless polled"]
    pub struct TryToVec<S, T> {
        #[pin]
        source: Option<S>,
        items: Vec<T>,
    }
}

impl<S, T, E> Future for TryToVec<S, T>
where
    S: Stream<Item = Result<T, E>>,
{
    type Output = Result<Vec<T>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            panic!("`TryToVec` polled after it completed");
        };
        reserve(this.items, &*source, usize::MAX);
        let failed = loop {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(item))) => this.items.push(item),
                Poll::Ready(Some(Err(error))) => break Some(error),
                Poll::Ready(None) => break None,
                Poll::Pending => return Poll::Pending,
            }
        };
        this.source.set(None);
        let items = mem::take(this.items);
        Poll::Ready(failed.map_or(Ok(items), Err))
    }
}

impl<S, T, E> FusedFuture for TryToVec<S, T>
where
    S: Stream<Item = Result<T, E>>,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: fmt::Debug, T> fmt::Debug for TryToVec<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryToVec")
            .field("source", &self.source)
            .field("collected", &self.items.len())
            .finish()
    }
}

operator_value! {
    /// What [`try_to_vec`] gives.
    TryToVecOp<[]> {}
}

/// [`TryToVec`] as an operator value.
#[inline]
pub fn try_to_vec() -> TryToVecOp {
    TryToVecOp { phantom: PhantomData }
}

impl<S, T, E> Operator<S> for TryToVecOp
where
    S: Stream<Item = Result<T, E>>,
{
    type Out = TryToVec<S, T>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        TryToVec { source: Some(source), items: Vec::new() }
    }
}
