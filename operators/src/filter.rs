//! `filter`, and in the folder its forms that convert, wait and look inside `Ok`.

mod filter_async;
mod filter_map;
mod filter_map_ok;
mod filter_ok;

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

pub use self::{
    filter_async::filter_async,
    filter_map::{FilterMap, FilterMapOp, filter_map},
    filter_map_ok::{FilterMapOk, FilterMapOkOp, filter_map_ok},
    filter_ok::{FilterOk, FilterOkOp, filter_ok},
};
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Keeps the items for which a predicate is true.
    ///
    /// ```text
    /// in   --1---2--3---4--|
    ///        filter(even)
    /// out  ------2------4--|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let even = stream::iter(1..=4).flow().filter(|n| n % 2 == 0);
    /// assert_eq!(block_on(even.to_vec()), [2, 4]);
    /// ```
    ///
    /// The predicate is called once per item, in order; an item that is dropped is gone before the source is asked
    /// for the next. Ends with its source, and is fused if the source is.
    ///
    /// # Bounds
    ///
    /// Holds nothing. A run of rejected items is taken in one poll, so a source that is always ready needs
    /// [`yielding`](crate::Flow::yielding) before it.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Filter<S, F> {
        #[pin]
        source: S,
        predicate: F,
    }
}

source_access!(Filter<S, F>);

impl<S, F> Stream for Filter<S, F>
where
    S: Stream,
    F: FnMut(&S::Item) -> bool,
{
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(item) if (this.predicate)(&item) => return Poll::Ready(Some(item)),
                Some(_) => {}
                None => return Poll::Ready(None),
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.source.size_hint().1)
    }
}

impl<S, F> FusedStream for Filter<S, F>
where
    S: FusedStream,
    F: FnMut(&S::Item) -> bool,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for Filter<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`filter`] gives.
    FilterOp<[T], F> { predicate: F }
}

/// [`Filter`] as an operator value.
#[inline]
pub fn filter<T, F>(predicate: F) -> FilterOp<T, F>
where
    F: FnMut(&T) -> bool,
{
    FilterOp { predicate, phantom: PhantomData }
}

impl<S, T, F> Operator<S> for FilterOp<T, F>
where
    S: Stream<Item = T>,
    F: FnMut(&T) -> bool,
{
    type Out = Flow<Filter<S, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Filter { source, predicate: self.predicate })
    }
}
