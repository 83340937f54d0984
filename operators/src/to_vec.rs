//! `to_vec`, and in the folder its forms with a bound and with failure.

mod to_vec_max;
mod try_to_vec;

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

pub use self::{
    to_vec_max::{Overflow, ToVecMax, ToVecMaxOp, to_vec_max},
    try_to_vec::{TryToVec, TryToVecOp, try_to_vec},
};
use crate::{Operator, operator::operator_value};

/// The most bytes room is made for on the word of a `size_hint` alone. A hint may lie, and must not abort the process.
const TRUSTED_BYTES: usize = 1024 * 1024;

pin_project! {
    /// A future: all items, in a vector.
    ///
    /// ```text
    /// in   --1---2--3--|
    ///        to_vec()
    /// out  ------------[1, 2, 3]
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// assert_eq!(block_on(stream::iter(1..).flow().take(3).to_vec()), [1, 2, 3]);
    /// ```
    ///
    /// The source is dropped in the poll that completes.
    ///
    /// # Bounds
    ///
    /// None: only this and [`try_to_vec`](crate::Flow::try_to_vec) have none. Put [`take`](crate::take) before it, or use
    /// [`to_vec_max`](crate::to_vec_max).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the items it has collected.
    ///
    /// # Panics
    ///
    /// Polling it again after it completed.
    #[must_use = "futures do nothing unless polled"]
    pub struct ToVec<S: Stream> {
        #[pin]
        source: Option<S>,
        items: Vec<S::Item>,
    }
}

/// Makes room for what `source` announces, within reason, before the first item is stored.
fn reserve<T, S: Stream>(items: &mut Vec<T>, source: &S, max: usize) {
    if items.capacity() == 0 {
        let trusted = TRUSTED_BYTES / size_of::<T>().max(1);
        items.reserve_exact(source.size_hint().0.min(trusted).min(max));
    }
}

impl<S: Stream> Future for ToVec<S> {
    type Output = Vec<S::Item>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            panic!("`ToVec` polled after it completed");
        };
        reserve(this.items, &*source, usize::MAX);
        loop {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => this.items.push(item),
                Poll::Ready(None) => {
                    this.source.set(None);
                    return Poll::Ready(mem::take(this.items));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<S: Stream> FusedFuture for ToVec<S> {
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for ToVec<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToVec").field("source", &self.source).field("collected", &self.items.len()).finish()
    }
}

operator_value! {
    /// What [`to_vec`] gives.
    ToVecOp<[]> {}
}

/// [`ToVec`] as an operator value.
#[inline]
pub fn to_vec() -> ToVecOp {
    ToVecOp { phantom: PhantomData }
}

impl<S: Stream> Operator<S> for ToVecOp {
    type Out = ToVec<S>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        ToVec { source: Some(source), items: Vec::new() }
    }
}
