//! `batch_ready`: what is there now.

use alloc::vec::Vec;
use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::buffer;
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Gathers what is ready now: at least one item, at most `max`, and never waits to fill a batch.
    ///
    /// ```text
    /// in   --(12)-----3------(456)--|
    ///        batch_ready(2)
    /// out  --[1,2]----[3]----([4,5][6])--|
    /// ```
    ///
    /// ```
    /// use futures::{channel::mpsc, executor::block_on};
    /// use pubsub_operators::StreamOps;
    ///
    /// let (sender, receiver) = mpsc::unbounded();
    /// let mut batches = receiver.flow().batch_ready(16);
    /// sender.unbounded_send(1).unwrap();
    /// sender.unbounded_send(2).unwrap();
    /// assert_eq!(block_on(batches.next()), Some(vec![1, 2]));
    /// sender.unbounded_send(3).unwrap();
    /// assert_eq!(block_on(batches.next()), Some(vec![3]));
    /// ```
    ///
    /// The end of the source flushes what was ready before it and releases the source. Fused.
    ///
    /// # Bounds
    ///
    /// Holds nothing between polls, so there is nothing to lose. One allocation per batch.
    ///
    /// # Panics
    ///
    /// At construction, if `max` is 0.
    #[must_use = "streams do nothing unless polled"]
    pub struct BatchReady<S> {
        #[pin]
        source: Option<S>,
        max: usize,
    }
}

source_access!(released BatchReady<S>);

impl<S: Stream> Stream for BatchReady<S> {
    type Item = Vec<S::Item>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let mut items = Vec::new();
        while items.len() < *this.max {
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => buffer::push(&mut items, item, *this.max),
                Poll::Ready(None) => {
                    this.source.set(None);
                    return Poll::Ready((!items.is_empty()).then_some(items));
                }
                Poll::Pending if items.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Some(items))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.source.as_ref().map_or((0, Some(0)), S::size_hint);
        (lower.div_ceil(self.max), upper)
    }
}

impl<S: Stream> FusedStream for BatchReady<S> {
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: fmt::Debug> fmt::Debug for BatchReady<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchReady").field("source", &self.source).field("max", &self.max).finish()
    }
}

operator_value! {
    /// What [`batch_ready`] gives.
    BatchReadyOp<[]> { max: usize }
}

/// [`BatchReady`] as an operator value.
///
/// # Panics
///
/// If `max` is 0.
#[inline]
pub fn batch_ready(max: usize) -> BatchReadyOp {
    assert!(
        max > 0,
        "batch_ready(0) would hold nothing: pass the number of items of a full batch, at least 1"
    );
    BatchReadyOp { max, phantom: PhantomData }
}

impl<S: Stream> Operator<S> for BatchReadyOp {
    type Out = Flow<BatchReady<S>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(BatchReady { source: Some(source), max: self.max })
    }
}
