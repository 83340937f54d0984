//! `yielding`: gives other tasks a turn.

use core::{
    fmt,
    marker::PhantomData,
    num::NonZeroUsize,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Gives other tasks a turn after every `n` items that were ready without a wait.
    ///
    /// ```text
    /// in   (1 2 3 4 5|)
    ///      yielding(2)
    /// out  (1 2)-(3 4)-(5|)     the dashes are turns of other tasks
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let endless = stream::repeat(1).flow().yielding(128).filter(|n| *n == 1).take(300);
    /// assert_eq!(block_on(endless.to_vec()).len(), 300);
    /// ```
    ///
    /// Some operators take many items in one poll: those that drop items, and those that collect. Behind a source
    /// that is always ready they would keep their task from ever yielding. One `yielding` right after such a source
    /// covers every operator that follows; subscriptions of the bus do it themselves. Fused if the source is.
    ///
    /// # Panics
    ///
    /// At construction, if `n` is 0.
    #[derive(Clone)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Yielding<S> {
        #[pin]
        source: S,
        n: NonZeroUsize,
        left: usize,
    }
}

source_access!(Yielding<S>);

impl<S: Stream> Stream for Yielding<S> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        if *this.left == 0 {
            *this.left = this.n.get();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = this.source.poll_next(cx);
        // A wait gave the others their turn; and after the end there is nothing left to yield between.
        *this.left = if let Poll::Ready(Some(_)) = next { *this.left - 1 } else { this.n.get() };
        next
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.source.size_hint()
    }
}

impl<S: FusedStream> FusedStream for Yielding<S> {
    fn is_terminated(&self) -> bool {
        // A turn is given also between the last item and the end, which the source may have announced already.
        self.left > 0 && self.source.is_terminated()
    }
}

impl<S: fmt::Debug> fmt::Debug for Yielding<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielding")
            .field("source", &self.source)
            .field("n", &self.n)
            .field("left", &self.left)
            .finish()
    }
}

operator_value! {
    /// What [`yielding`] gives.
    YieldingOp<[]> { n: NonZeroUsize }
}

/// [`Yielding`] as an operator value.
///
/// # Panics
///
/// If `n` is 0.
#[inline]
pub fn yielding(n: usize) -> YieldingOp {
    let n = NonZeroUsize::new(n).expect(
        "yielding(0) would give no item: pass after how many items other tasks get a turn, at least 1",
    );
    YieldingOp { n, phantom: PhantomData }
}

impl<S: Stream> Operator<S> for YieldingOp {
    type Out = Flow<Yielding<S>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Yielding { source, n: self.n, left: self.n.get() })
    }
}
