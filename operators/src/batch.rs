//! `batch`, and in the folder its forms by readiness, by age, by key and inside `Ok`.

mod batch_by;
mod batch_ok;
mod batch_ready;
mod batch_within;
mod batch_within_ok;
mod buffer;
mod gathered;

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

pub use self::{
    batch_by::{BatchBy, BatchByOp, batch_by},
    batch_ok::{BatchOk, BatchOkOp, batch_ok},
    batch_ready::{BatchReady, BatchReadyOp, batch_ready},
    batch_within::{BatchWithin, BatchWithinOp, batch_within},
    batch_within_ok::{BatchWithinOk, BatchWithinOkOp, batch_within_ok},
};
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Gathers items into vectors of `max`; the last may be shorter.
    ///
    /// ```text
    /// in   --1---2-------3---4---5--|
    ///        batch(2)
    /// out  ------[1,2]-------[3,4]--([5]|)
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let pairs = stream::iter(1..=5).flow().batch(2);
    /// assert_eq!(block_on(pairs.to_vec()), [vec![1, 2], vec![3, 4], vec![5]]);
    /// ```
    ///
    /// A batch is never empty. The end of the source flushes what is gathered and releases the source. Fused.
    ///
    /// # Bounds
    ///
    /// Holds up to `max - 1` items between polls. One allocation per batch, none per item.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of `next` loses nothing. Dropping the adaptor drops the gathered items: take them with
    /// [`take_buffered`](Self::take_buffered) first.
    ///
    /// # Panics
    ///
    /// At construction, if `max` is 0.
    #[must_use = "streams do nothing unless polled"]
    pub struct Batch<S: Stream> {
        #[pin]
        source: Option<S>,
        items: Vec<S::Item>,
        max: usize,
    }
}

source_access!(released Batch<S> where S: Stream);

impl<S: Stream> Batch<S> {
    /// Takes the items gathered for the next batch, for instance before dropping the adaptor.
    ///
    /// ```
    /// use std::pin::pin;
    ///
    /// use futures::{FutureExt, channel::mpsc};
    /// use pubsub_operators::StreamOps;
    ///
    /// let (sender, receiver) = mpsc::unbounded();
    /// let mut batches = pin!(receiver.flow().batch(16));
    /// sender.unbounded_send(1).unwrap();
    /// assert_eq!(batches.as_mut().get_mut().next().now_or_never(), None);
    /// assert_eq!(batches.as_mut().get_pin_mut().take_buffered(), [1]);
    /// ```
    pub fn take_buffered(self: Pin<&mut Self>) -> Vec<S::Item> {
        mem::take(self.project().items)
    }
}

impl<S: Stream> Stream for Batch<S> {
    type Item = Vec<S::Item>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            match ready!(source.as_mut().poll_next(cx)) {
                Some(item) => {
                    buffer::push(this.items, item, *this.max);
                    if this.items.len() >= *this.max {
                        return Poll::Ready(Some(mem::take(this.items)));
                    }
                }
                None => {
                    this.source.set(None);
                    return Poll::Ready((!this.items.is_empty()).then(|| mem::take(this.items)));
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
        (
            lower.saturating_add(held).div_ceil(self.max),
            upper.and_then(|upper| upper.checked_add(held)).map(|upper| upper.div_ceil(self.max)),
        )
    }
}

impl<S: Stream> FusedStream for Batch<S> {
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for Batch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("source", &self.source)
            .field("gathered", &self.items.len())
            .field("max", &self.max)
            .finish()
    }
}

operator_value! {
    /// What [`batch`] gives.
    BatchOp<[]> { max: usize }
}

/// [`Batch`] as an operator value.
///
/// # Panics
///
/// If `max` is 0.
#[inline]
pub fn batch(max: usize) -> BatchOp {
    assert!(max > 0, "batch(0) would hold nothing: pass the number of items of a full batch, at least 1");
    BatchOp { max, phantom: PhantomData }
}

impl<S: Stream> Operator<S> for BatchOp {
    type Out = Flow<Batch<S>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Batch { source: Some(source), items: Vec::new(), max: self.max })
    }
}
