//! `Flow`: where the operators are methods.

use alloc::boxed::Box;
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

pin_project! {
    /// A stream whose operators are inherent methods.
    ///
    /// Inherent methods come before those of any trait, so `filter`, `map`, `take` and `chain` mean the operators of
    /// this crate whatever `StreamExt` is imported, and what those traits have besides (`collect`, `for_each`,
    /// `buffered`) stays at hand. `Flow` is a transparent wrapper: it adds no state and no instructions.
    ///
    /// Get one from [`StreamOps::flow`](crate::StreamOps::flow); every operator gives one again.
    ///
    /// ```
    /// use futures::{StreamExt, executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let words = stream::iter(["a", "bb", "ccc"]).flow().filter(|word| word.len() > 1).map(str::len);
    /// assert_eq!(block_on(words.collect::<Vec<_>>()), [2, 3]);
    /// ```
    ///
    /// # A flow by reference
    ///
    /// On `&mut flow` the methods of an imported `StreamExt` are found first, because the reference is a stream
    /// itself. Write `(&mut flow).flow().take(2)` to take two items and keep the rest.
    #[derive(Clone, Copy, Default)]
    #[must_use = "streams do nothing unless polled"]
    #[repr(transparent)]
    pub struct Flow<S> {
        #[pin]
        source: S,
    }
}

impl<S> Flow<S> {
    /// Wraps a stream.
    #[inline(always)]
    pub const fn new(source: S) -> Self {
        Self { source }
    }

    /// The wrapped stream: an adaptor, from which its own methods and its source can be reached.
    #[inline(always)]
    pub fn into_inner(self) -> S {
        self.source
    }

    /// The wrapped stream, for instance to read the counters of [`Dedupe`](crate::Dedupe):
    /// `flow.get_ref().suppressed()`.
    #[inline(always)]
    pub const fn get_ref(&self) -> &S {
        &self.source
    }

    /// The wrapped stream.
    #[inline(always)]
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// The wrapped stream, pinned, for instance to call `take_buffered` of [`Batch`](crate::Batch).
    #[inline(always)]
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut S> {
        self.project().source
    }
}

impl<S: Stream> Flow<S> {
    /// The same flow: lets code that enters with `.flow()` take a flow too.
    #[inline(always)]
    pub fn flow(self) -> Self {
        self
    }

    /// The next item, or `None` at the end.
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// block_on(async {
    ///     let mut sizes = stream::iter(["a", "bb"]).flow().map(str::len);
    ///     let mut sum = 0;
    ///     while let Some(size) = sizes.next().await {
    ///         sum += size;
    ///     }
    ///     assert_eq!(sum, 3);
    /// });
    /// ```
    ///
    /// A flow that is not `Unpin`, as one with an `_async` operator, is pinned first: `pin!(flow).flow()`, or
    /// [`boxed`](Self::boxed).
    ///
    /// # Cancel safety
    ///
    /// The future borrows the flow and holds nothing itself: dropping it loses no item.
    #[allow(clippy::should_implement_trait, reason = "the name streams use")]
    #[inline]
    pub fn next(&mut self) -> Next<'_, S>
    where
        S: Unpin,
    {
        Next { flow: self }
    }

    /// The flow behind one pointer and one type name, for a struct field or a list.
    ///
    /// One allocation, here; each poll costs a virtual call.
    pub fn boxed<'a>(self) -> Flow<Pin<Box<dyn Stream<Item = S::Item> + Send + 'a>>>
    where
        S: Send + 'a,
    {
        Flow::new(Box::pin(self.source))
    }

    /// [`boxed`](Self::boxed) for streams that stay on their thread.
    pub fn boxed_local<'a>(self) -> Flow<Pin<Box<dyn Stream<Item = S::Item> + 'a>>>
    where
        S: 'a,
    {
        Flow::new(Box::pin(self.source))
    }
}

impl<S: Stream> Stream for Flow<S> {
    type Item = S::Item;

    #[inline(always)]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.project().source.poll_next(cx)
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.source.size_hint()
    }
}

impl<S: FusedStream> FusedStream for Flow<S> {
    #[inline(always)]
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug> fmt::Debug for Flow<S> {
    /// Prints the adaptor alone: the wrapper would stand between every two of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// The future of [`Flow::next`].
#[must_use = "futures do nothing unless polled"]
pub struct Next<'a, S> {
    flow: &'a mut Flow<S>,
}

impl<S: Stream + Unpin> Future for Next<'_, S> {
    type Output = Option<S::Item>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.flow.source).poll_next(cx)
    }
}

impl<S> fmt::Debug for Next<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}
