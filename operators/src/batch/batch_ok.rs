//! `batch_ok`: batches of `Ok` items.

use alloc::vec::Vec;
use core::{
    fmt,
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::buffer;
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Gathers `Ok` items into vectors of `max`; an `Err` passes in order, after what came before it, and the
    /// batches go on.
    ///
    /// ```text
    /// in   --1---2---3---E-------4---5--|     numbers are Ok, E is an Err
    ///        batch_ok(2)
    /// out  ------[1,2]---([3]E)------[4,5]--|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let batches = stream::iter([Ok(1), Err("lost"), Ok(2), Ok(3)]).flow().batch_ok(2);
    /// assert_eq!(block_on(batches.to_vec()), [Ok(vec![1]), Err("lost"), Ok(vec![2, 3])]);
    /// ```
    ///
    /// The end of the source flushes what is gathered and releases the source. Fused.
    ///
    /// # Bounds
    ///
    /// Holds up to `max - 1` items between polls, or one error. Allocations and cancel safety as
    /// [`Batch`](crate::Batch).
    ///
    /// # Panics
    ///
    /// At construction, if `max` is 0.
    #[must_use = "streams do nothing unless polled"]
    pub struct BatchOk<S, T, E> {
        #[pin]
        source: Option<S>,
        items: Vec<T>,
        // The error that cut a batch short; it leaves right after that batch.
        error: Option<E>,
        max: usize,
    }
}

source_access!(released BatchOk<S, T, E>);

impl<S, T, E> BatchOk<S, T, E> {
    /// Takes the items gathered for the next batch, for instance before dropping the adaptor.
    pub fn take_buffered(self: Pin<&mut Self>) -> Vec<T> {
        mem::take(self.project().items)
    }
}

impl<S, T, E> Stream for BatchOk<S, T, E>
where
    S: Stream<Item = Result<T, E>>,
{
    type Item = Result<Vec<T>, E>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Some(error) = this.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            match ready!(source.as_mut().poll_next(cx)) {
                Some(Ok(item)) => {
                    buffer::push(this.items, item, *this.max);
                    if this.items.len() >= *this.max {
                        return Poll::Ready(Some(Ok(mem::take(this.items))));
                    }
                }
                Some(Err(error)) if this.items.is_empty() => return Poll::Ready(Some(Err(error))),
                Some(Err(error)) => {
                    *this.error = Some(error);
                    return Poll::Ready(Some(Ok(mem::take(this.items))));
                }
                None => {
                    this.source.set(None);
                    return Poll::Ready((!this.items.is_empty()).then(|| Ok(mem::take(this.items))));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(source) = &self.source else {
            return (0, Some(0));
        };
        let (lower, upper) = source.size_hint();
        let held = self.items.len();
        let error = usize::from(self.error.is_some());
        // At best no error cuts a batch short; at worst there is one after every item.
        (
            lower.saturating_add(held).div_ceil(self.max).saturating_add(error),
            upper.and_then(|upper| upper.checked_add(usize::from(held > 0) + error)),
        )
    }
}

impl<S, T, E> FusedStream for BatchOk<S, T, E>
where
    S: Stream<Item = Result<T, E>>,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: fmt::Debug, T, E> fmt::Debug for BatchOk<S, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchOk")
            .field("source", &self.source)
            .field("gathered", &self.items.len())
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`batch_ok`] gives.
    BatchOkOp<[]> { max: usize }
}

/// [`BatchOk`] as an operator value.
///
/// # Panics
///
/// If `max` is 0.
#[inline]
pub fn batch_ok(max: usize) -> BatchOkOp {
    assert!(max > 0, "batch_ok(0) would hold nothing: pass the number of items of a full batch, at least 1");
    BatchOkOp { max, phantom: PhantomData }
}

impl<S, T, E> Operator<S> for BatchOkOp
where
    S: Stream<Item = Result<T, E>>,
{
    type Out = Flow<BatchOk<S, T, E>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(BatchOk { source: Some(source), items: Vec::new(), error: None, max: self.max })
    }
}
