//! `take`, and in the folder its forms that stop at an item or at a moment.

mod take_until;
mod take_while;

use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

pub use self::{
    take_until::{TakeUntil, TakeUntilOp, take_until},
    take_while::{TakeWhile, TakeWhileOp, take_while},
};
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// The first `n` items, then the end.
    ///
    /// ```text
    /// in   --1---2--3---4--|
    ///        take(2)
    /// out  --1---(2|)
    /// ```
    ///
    /// ```
    /// use futures::{channel::mpsc, executor::block_on};
    /// use pubsub_operators::StreamOps;
    ///
    /// let (sender, receiver) = mpsc::unbounded();
    /// let mut one = receiver.flow().take(1);
    /// sender.unbounded_send('a').unwrap();
    /// assert_eq!(block_on(one.next()), Some('a'));
    /// assert!(sender.is_closed(), "unsubscribed together with the last item");
    /// ```
    ///
    /// The source is dropped in the poll that yields the last item, before that item is handed out; `take(0)` drops
    /// it at once and never polls it. Fused.
    ///
    /// # Bounds
    ///
    /// Holds nothing.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Take<S> {
        #[pin]
        source: Option<S>,
        left: usize,
    }
}

source_access!(released Take<S>);

impl<S: Stream> Stream for Take<S> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let Some(source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let Some(item) = ready!(source.poll_next(cx)) else {
            this.source.set(None);
            return Poll::Ready(None);
        };
        // Deciding here and not at the next poll is what releases the source early; it is also the cheaper order.
        *this.left -= 1;
        if *this.left == 0 {
            this.source.set(None);
        }
        Poll::Ready(Some(item))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(source) = &self.source else {
            return (0, Some(0));
        };
        let (lower, upper) = source.size_hint();
        (lower.min(self.left), Some(upper.map_or(self.left, |upper| upper.min(self.left))))
    }
}

impl<S: Stream> FusedStream for Take<S> {
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: fmt::Debug> fmt::Debug for Take<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Take").field("source", &self.source).field("left", &self.left).finish()
    }
}

operator_value! {
    /// What [`take`] gives.
    TakeOp<[]> { n: usize }
}

/// [`Take`] as an operator value.
#[inline]
pub fn take(n: usize) -> TakeOp {
    TakeOp { n, phantom: PhantomData }
}

impl<S: Stream> Operator<S> for TakeOp {
    type Out = Flow<Take<S>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Take { source: (self.n > 0).then_some(source), left: self.n })
    }
}
