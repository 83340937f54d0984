//! `map`, and in the folder its forms that wait and look inside `Ok`.

mod map_async;
mod map_ok;

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

pub use self::{
    map_async::map_async,
    map_ok::{MapOk, MapOkOp, map_ok},
};
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Converts every item.
    ///
    /// ```text
    /// in   --1---2--3--|
    ///        map(x 10)
    /// out  --10--20-30-|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let tens = stream::iter(1..=3).flow().map(|n| n * 10);
    /// assert_eq!(block_on(tens.to_vec()), [10, 20, 30]);
    /// ```
    ///
    /// Called once per item, in order. A result that is a future is an item like any other and is not polled: see
    /// [`map_async`](crate::Flow::map_async). Ends with its source, and is fused if the source is.
    ///
    /// # Bounds
    ///
    /// Holds nothing.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Map<S, F> {
        #[pin]
        source: S,
        convert: F,
    }
}

source_access!(Map<S, F>);

impl<S, B, F> Stream for Map<S, F>
where
    S: Stream,
    F: FnMut(S::Item) -> B,
{
    type Item = B;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<B>> {
        let this = self.project();
        match ready!(this.source.poll_next(cx)) {
            Some(item) => Poll::Ready(Some((this.convert)(item))),
            None => Poll::Ready(None),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.source.size_hint()
    }
}

impl<S, B, F> FusedStream for Map<S, F>
where
    S: FusedStream,
    F: FnMut(S::Item) -> B,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for Map<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`map`] gives.
    MapOp<[T], F> { convert: F }
}

/// [`Map`] as an operator value.
#[inline]
pub fn map<T, B, F>(convert: F) -> MapOp<T, F>
where
    F: FnMut(T) -> B,
{
    MapOp { convert, phantom: PhantomData }
}

impl<S, T, B, F> Operator<S> for MapOp<T, F>
where
    S: Stream<Item = T>,
    F: FnMut(T) -> B,
{
    type Out = Flow<Map<S, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Map { source, convert: self.convert })
    }
}
