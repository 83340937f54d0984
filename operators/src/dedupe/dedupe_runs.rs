//! `dedupe_runs`: neighbours only.

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Drops the items whose key equals that of the item before.
    ///
    /// ```text
    /// in   --1---1--2---2---1--|
    ///        dedupe_runs(itself)
    /// out  --1------2-------1--|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let changes = stream::iter([1, 1, 2, 2, 1]).flow().dedupe_runs(|n| *n);
    /// assert_eq!(block_on(changes.to_vec()), [1, 2, 1]);
    /// ```
    ///
    /// The first item always passes. A key that does not equal itself, like a NaN, always passes too. Ends with its
    /// source, and is fused if the source is.
    ///
    /// # Bounds
    ///
    /// Holds one key. Runs are taken in one poll, as by [`Filter`](crate::Filter).
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct DedupeRuns<S, F, K> {
        #[pin]
        source: S,
        key: F,
        before: Option<K>,
    }
}

source_access!(DedupeRuns<S, F, K>);

impl<S, F, K> Stream for DedupeRuns<S, F, K>
where
    S: Stream,
    K: PartialEq,
    F: FnMut(&S::Item) -> K,
{
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            let Some(item) = ready!(this.source.as_mut().poll_next(cx)) else {
                return Poll::Ready(None);
            };
            let key = (this.key)(&item);
            if this.before.as_ref() != Some(&key) {
                *this.before = Some(key);
                return Poll::Ready(Some(item));
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.source.size_hint();
        (if self.before.is_none() { lower.min(1) } else { 0 }, upper)
    }
}

impl<S, F, K> FusedStream for DedupeRuns<S, F, K>
where
    S: FusedStream,
    K: PartialEq,
    F: FnMut(&S::Item) -> K,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F, K> fmt::Debug for DedupeRuns<S, F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupeRuns").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`dedupe_runs`] gives.
    DedupeRunsOp<[T, K], F> { key: F }
}

/// [`DedupeRuns`] as an operator value.
#[inline]
pub fn dedupe_runs<T, K, F>(key: F) -> DedupeRunsOp<T, K, F>
where
    K: PartialEq,
    F: FnMut(&T) -> K,
{
    DedupeRunsOp { key, phantom: PhantomData }
}

impl<S, T, K, F> Operator<S> for DedupeRunsOp<T, K, F>
where
    S: Stream<Item = T>,
    K: PartialEq,
    F: FnMut(&T) -> K,
{
    type Out = Flow<DedupeRuns<S, F, K>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(DedupeRuns { source, key: self.key, before: None })
    }
}
