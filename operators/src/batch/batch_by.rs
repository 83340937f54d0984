//! `batch_by`: runs of equal keys.

use alloc::vec::Vec;
use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::buffer;
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Gathers neighbours with equal keys, at most `max` at a time: items are `(key, items)`.
    ///
    /// ```text
    /// in   --a1--a2--b3--a4--|
    ///        batch_by(8, letter)
    /// out  ----------(a,[a1,a2])--(b,[b3])--((a,[a4])|)
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let runs = stream::iter([1, 3, 2, 5]).flow().batch_by(8, |n| n % 2 == 1);
    /// assert_eq!(block_on(runs.to_vec()), [(true, vec![1, 3]), (false, vec![2]), (true, vec![5])]);
    /// ```
    ///
    /// A run is emitted when it is full, when the next key differs, or at the end, which releases the source. A full
    /// run may be followed by one with the same key. Fused.
    ///
    /// # Bounds
    ///
    /// Holds one run: up to `max - 1` items, or the one that began the next run. One allocation per run, with
    /// room for `max`. Cancel safety as
    /// [`Batch`](crate::Batch).
    ///
    /// # Panics
    ///
    /// At construction, if `max` is 0.
    #[must_use = "streams do nothing unless polled"]
    pub struct BatchBy<S: Stream, K, F> {
        #[pin]
        source: Option<S>,
        run: Option<(K, Vec<S::Item>)>,
        max: usize,
        key: F,
    }
}

source_access!(released BatchBy<S, K, F> where S: Stream);

impl<S: Stream, K, F> BatchBy<S, K, F> {
    /// Takes the run gathered so far, for instance before dropping the adaptor.
    pub fn take_buffered(self: Pin<&mut Self>) -> Option<(K, Vec<S::Item>)> {
        self.project().run.take()
    }
}

impl<S, K, F> Stream for BatchBy<S, K, F>
where
    S: Stream,
    K: PartialEq,
    F: FnMut(&S::Item) -> K,
{
    type Item = (K, Vec<S::Item>);

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            let Some(item) = ready!(source.as_mut().poll_next(cx)) else {
                this.source.set(None);
                return Poll::Ready(this.run.take());
            };
            let key = (this.key)(&item);
            let ended = match this.run {
                Some((current, items)) if *current == key => {
                    buffer::push(items, item, *this.max);
                    None
                }
                _ => {
                    let mut items = Vec::new();
                    buffer::push(&mut items, item, *this.max);
                    this.run.replace((key, items))
                }
            };
            // A run that ends here is followed by one of a single item, which is not full: with `max` 1 every run
            // leaves at once and none is ever ended by the next.
            if ended.is_some() {
                return Poll::Ready(ended);
            }
            if this.run.as_ref().is_some_and(|(_, items)| items.len() >= *this.max) {
                return Poll::Ready(this.run.take());
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(source) = &self.source else {
            return (0, Some(0));
        };
        let (lower, upper) = source.size_hint();
        let held = self.run.as_ref().map_or(0, |(_, items)| items.len());
        (
            lower.saturating_add(held).div_ceil(self.max),
            upper.and_then(|upper| upper.checked_add(usize::from(held > 0))),
        )
    }
}

impl<S, K, F> FusedStream for BatchBy<S, K, F>
where
    S: Stream,
    K: PartialEq,
    F: FnMut(&S::Item) -> K,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug, K, F> fmt::Debug for BatchBy<S, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchBy")
            .field("source", &self.source)
            .field("gathered", &self.run.as_ref().map_or(0, |(_, items)| items.len()))
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`batch_by`] gives.
    BatchByOp<[T, K], F> { max: usize, key: F }
}

/// [`BatchBy`] as an operator value.
///
/// # Panics
///
/// If `max` is 0.
#[inline]
pub fn batch_by<T, K, F>(max: usize, key: F) -> BatchByOp<T, K, F>
where
    K: PartialEq,
    F: FnMut(&T) -> K,
{
    assert!(
        max > 0,
        "batch_by(0, ..) would hold nothing: pass the number of items of a full batch, at least 1"
    );
    BatchByOp { max, key, phantom: PhantomData }
}

impl<S, T, K, F> Operator<S> for BatchByOp<T, K, F>
where
    S: Stream<Item = T>,
    K: PartialEq,
    F: FnMut(&T) -> K,
{
    type Out = Flow<BatchBy<S, K, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(BatchBy { source: Some(source), run: None, max: self.max, key: self.key })
    }
}
