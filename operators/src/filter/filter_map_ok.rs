//! `filter_map_ok`: converts and filters the `Ok` items of a stream of results.

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
    /// Converts each `Ok` item and keeps what is `Some`; every `Err` passes, in order.
    ///
    /// ```text
    /// in   --"1"---"x"---E---"3"--|     texts are Ok, E is an Err
    ///        filter_map_ok(parse)
    /// out  --1-----------E---3----|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let texts = stream::iter([Ok("1"), Ok("x"), Err("lost"), Ok("3")]);
    /// let numbers = texts.flow().filter_map_ok(|text| text.parse::<u32>().ok());
    /// assert_eq!(block_on(numbers.to_vec()), [Ok(1), Err("lost"), Ok(3)]);
    /// ```
    ///
    /// Ends with its source, and is fused if the source is. Bounds as [`Filter`](crate::Filter).
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct FilterMapOk<S, F> {
        #[pin]
        source: S,
        convert: F,
    }
}

source_access!(FilterMapOk<S, F>);

impl<S, T, E, B, F> Stream for FilterMapOk<S, F>
where
    S: Stream<Item = Result<T, E>>,
    F: FnMut(T) -> Option<B>,
{
    type Item = Result<B, E>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(Ok(item)) => {
                    if let Some(converted) = (this.convert)(item) {
                        return Poll::Ready(Some(Ok(converted)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.source.size_hint().1)
    }
}

impl<S, T, E, B, F> FusedStream for FilterMapOk<S, F>
where
    S: FusedStream<Item = Result<T, E>>,
    F: FnMut(T) -> Option<B>,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for FilterMapOk<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterMapOk").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`filter_map_ok`] gives.
    FilterMapOkOp<[T], F> { convert: F }
}

/// [`FilterMapOk`] as an operator value.
#[inline]
pub fn filter_map_ok<T, B, F>(convert: F) -> FilterMapOkOp<T, F>
where
    F: FnMut(T) -> Option<B>,
{
    FilterMapOkOp { convert, phantom: PhantomData }
}

impl<S, T, E, B, F> Operator<S> for FilterMapOkOp<T, F>
where
    S: Stream<Item = Result<T, E>>,
    F: FnMut(T) -> Option<B>,
{
    type Out = Flow<FilterMapOk<S, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(FilterMapOk { source, convert: self.convert })
    }
}
