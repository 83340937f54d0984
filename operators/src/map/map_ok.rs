//! `map_ok`: converts inside `Ok`.

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
    /// Converts every `Ok` item; every `Err` passes unchanged, in order.
    ///
    /// ```text
    /// in   --1---E--3--|     numbers are Ok, E is an Err
    ///        map_ok(x 10)
    /// out  --10--E--30-|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let tens = stream::iter([Ok(1), Err("lost"), Ok(3)]).flow().map_ok(|n| n * 10);
    /// assert_eq!(block_on(tens.to_vec()), [Ok(10), Err("lost"), Ok(30)]);
    /// ```
    ///
    /// Ends with its source, and is fused if the source is. Holds nothing.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct MapOk<S, F> {
        #[pin]
        source: S,
        convert: F,
    }
}

source_access!(MapOk<S, F>);

impl<S, T, E, B, F> Stream for MapOk<S, F>
where
    S: Stream<Item = Result<T, E>>,
    F: FnMut(T) -> B,
{
    type Item = Result<B, E>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        match ready!(this.source.poll_next(cx)) {
            Some(Ok(item)) => Poll::Ready(Some(Ok((this.convert)(item)))),
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => Poll::Ready(None),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.source.size_hint()
    }
}

impl<S, T, E, B, F> FusedStream for MapOk<S, F>
where
    S: FusedStream<Item = Result<T, E>>,
    F: FnMut(T) -> B,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for MapOk<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapOk").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`map_ok`] gives.
    MapOkOp<[T], F> { convert: F }
}

/// [`MapOk`] as an operator value.
#[inline]
pub fn map_ok<T, B, F>(convert: F) -> MapOkOp<T, F>
where
    F: FnMut(T) -> B,
{
    MapOkOp { convert, phantom: PhantomData }
}

impl<S, T, E, B, F> Operator<S> for MapOkOp<T, F>
where
    S: Stream<Item = Result<T, E>>,
    F: FnMut(T) -> B,
{
    type Out = Flow<MapOk<S, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(MapOk { source, convert: self.convert })
    }
}
