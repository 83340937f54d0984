//! `filter_map`: the filter that also says what the item is.

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
    /// Converts each item and keeps what is `Some`: the filter after which the item has a narrower type.
    ///
    /// ```text
    /// in   --"1"---"x"---"3"--|
    ///        filter_map(parse)
    /// out  --1-----------3----|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let numbers = stream::iter(["1", "x", "3"]).flow().filter_map(|text| text.parse::<u32>().ok());
    /// assert_eq!(block_on(numbers.to_vec()), [1, 3]);
    /// ```
    ///
    /// Called once per item, in order. Ends with its source, and is fused if the source is. Bounds as
    /// [`Filter`](crate::Filter).
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct FilterMap<S, F> {
        #[pin]
        source: S,
        convert: F,
    }
}

source_access!(FilterMap<S, F>);

impl<S, B, F> Stream for FilterMap<S, F>
where
    S: Stream,
    F: FnMut(S::Item) -> Option<B>,
{
    type Item = B;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<B>> {
        let mut this = self.project();
        loop {
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(item) => {
                    if let Some(converted) = (this.convert)(item) {
                        return Poll::Ready(Some(converted));
                    }
                }
                None => return Poll::Ready(None),
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.source.size_hint().1)
    }
}

impl<S, B, F> FusedStream for FilterMap<S, F>
where
    S: FusedStream,
    F: FnMut(S::Item) -> Option<B>,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for FilterMap<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterMap").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`filter_map`] gives.
    FilterMapOp<[T], F> { convert: F }
}

/// [`FilterMap`] as an operator value.
#[inline]
pub fn filter_map<T, B, F>(convert: F) -> FilterMapOp<T, F>
where
    F: FnMut(T) -> Option<B>,
{
    FilterMapOp { convert, phantom: PhantomData }
}

impl<S, T, B, F> Operator<S> for FilterMapOp<T, F>
where
    S: Stream<Item = T>,
    F: FnMut(T) -> Option<B>,
{
    type Out = Flow<FilterMap<S, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(FilterMap { source, convert: self.convert })
    }
}
