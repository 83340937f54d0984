//! `to_vec_max`: collecting with a bound.

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
    /// A future: all items in a vector, if they are at most `max`.
    ///
    /// ```text
    /// in   --1---2--3--4--|
    ///        to_vec_max(2)
    /// out  ---------Err(Overflow { items: [1, 2], next: 3 })
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// assert_eq!(block_on(stream::iter(1..=3).flow().to_vec_max(3)).unwrap(), [1, 2, 3]);
    ///
    /// let overflow = block_on(stream::iter(1..).flow().to_vec_max(2)).unwrap_err();
    /// assert_eq!((overflow.items, overflow.next), (vec![1, 2], 3));
    /// ```
    ///
    /// The source is dropped in the poll that completes. Cancel safety and panics as [`ToVec`](crate::ToVec).
    ///
    /// # Bounds
    ///
    /// Never holds more than `max` items and the one too many, nor makes room for more. With `max` 0 only an empty stream is `Ok`.
    ///
    /// # Errors
    ///
    /// [`Overflow`] at item `max + 1`; it carries all that was taken.
    #[must_use = "futures do nothing unless polled"]
    pub struct ToVecMax<S: Stream> {
        #[pin]
        source: Option<S>,
        items: Vec<S::Item>,
        max: usize,
    }
}

/// More items than [`ToVecMax`] was to collect.
#[non_exhaustive]
pub struct Overflow<T> {
    /// The first `max` items.
    pub items: Vec<T>,
    /// The item for which there was no room. The rest of the source was not taken.
    pub next: T,
}

impl<T> fmt::Display for Overflow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stream has more than the {} items it may have", self.items.len())
    }
}

impl<T> fmt::Debug for Overflow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overflow").field("max", &self.items.len()).finish_non_exhaustive()
    }
}

impl<T> core::error::Error for Overflow<T> {}

impl<S: Stream> Future for ToVecMax<S> {
    type Output = Result<Vec<S::Item>, Overflow<S::Item>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            panic!("`ToVecMax` polled after it completed");
        };
        reserve(this.items, &*source, *this.max);
        let overflow = loop {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) if this.items.len() == *this.max => break Some(item),
                Poll::Ready(Some(item)) => {
                    if this.items.len() == this.items.capacity() {
                        make_room(this.items, *this.max);
                    }
                    this.items.push(item);
                }
                Poll::Ready(None) => break None,
                Poll::Pending => return Poll::Pending,
            }
        };
        this.source.set(None);
        let items = mem::take(this.items);
        Poll::Ready(match overflow {
            Some(next) => Err(Overflow { items, next }),
            None => Ok(items),
        })
    }
}

/// Doubles the room, but not beyond `max`.
#[cold]
fn make_room<T>(items: &mut Vec<T>, max: usize) {
    let held = items.len();
    items.reserve_exact(held.max(4).min(max - held));
}

impl<S: Stream> FusedFuture for ToVecMax<S> {
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for ToVecMax<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToVecMax")
            .field("source", &self.source)
            .field("collected", &self.items.len())
            .field("max", &self.max)
            .finish()
    }
}

operator_value! {
    /// What [`to_vec_max`] gives.
    ToVecMaxOp<[]> { max: usize }
}

/// [`ToVecMax`] as an operator value.
#[inline]
pub fn to_vec_max(max: usize) -> ToVecMaxOp {
    ToVecMaxOp { max, phantom: PhantomData }
}

impl<S: Stream> Operator<S> for ToVecMaxOp {
    type Out = ToVecMax<S>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        ToVecMax { source: Some(source), items: Vec::new(), max: self.max }
    }
}
