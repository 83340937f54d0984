//! `take_until`: stops when a future completes.

use core::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// The items up to the moment a future completes.
    ///
    /// ```text
    /// in    --1---2--3---4--|
    /// stop  --------x
    ///         take_until(stop)
    /// out   --1---2-|
    /// ```
    ///
    /// ```
    /// use futures::{channel::oneshot, executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let (stop, stopped) = oneshot::channel();
    /// let mut numbers = stream::iter(1..).flow().take_until(stopped);
    /// assert_eq!(block_on(numbers.next()), Some(1));
    /// stop.send(()).unwrap();
    /// assert_eq!(block_on(numbers.next()), None);
    /// ```
    ///
    /// The future is looked at before the source, so an item that arrives together with it is not taken. What it
    /// gives is dropped. Source and future are dropped in the poll that ends the stream. Fused. Holds nothing.
    #[must_use = "streams do nothing unless polled"]
    pub struct TakeUntil<S, Fut> {
        #[pin]
        source: Option<S>,
        #[pin]
        until: Option<Fut>,
    }
}

source_access!(released TakeUntil<S, Fut>);

impl<S, Fut> Stream for TakeUntil<S, Fut>
where
    S: Stream,
    Fut: Future,
{
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let (Some(source), Some(until)) =
            (this.source.as_mut().as_pin_mut(), this.until.as_mut().as_pin_mut())
        else {
            return Poll::Ready(None);
        };
        let item = if until.poll(cx).is_ready() { None } else { ready!(source.poll_next(cx)) };
        if item.is_none() {
            this.source.set(None);
            this.until.set(None);
        }
        Poll::Ready(item)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.source.as_ref().map_or(Some(0), |source| source.size_hint().1))
    }
}

impl<S, Fut> FusedStream for TakeUntil<S, Fut>
where
    S: Stream,
    Fut: Future,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: fmt::Debug, Fut> fmt::Debug for TakeUntil<S, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeUntil").field("source", &self.source).finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`take_until`] gives.
    TakeUntilOp<[], Fut> { until: Fut }
}

/// [`TakeUntil`] as an operator value.
#[inline]
pub fn take_until<Fut: Future>(until: Fut) -> TakeUntilOp<Fut> {
    TakeUntilOp { until, phantom: PhantomData }
}

impl<S, Fut> Operator<S> for TakeUntilOp<Fut>
where
    S: Stream,
    Fut: Future,
{
    type Out = Flow<TakeUntil<S, Fut>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(TakeUntil { source: Some(source), until: Some(self.until) })
    }
}
