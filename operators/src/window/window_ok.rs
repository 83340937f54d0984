//! `window_ok`: windows over `Ok` items.

use alloc::vec::Vec;
use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::frame::{self, Frame};
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// [`Window`](crate::Window) over the `Ok` items; an `Err` passes at once, after every window that was full
    /// before it, and the windows go on as if it had not been there.
    ///
    /// ```text
    /// in   --1---2------E--3-----|     numbers are Ok, E is an Err
    ///        window_ok(2, 1)
    /// out  ------[1,2]--E--[2,3]-|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let pairs = stream::iter([Ok(1), Ok(2), Err("lost"), Ok(3)]).flow().window_ok(2, 1);
    /// assert_eq!(block_on(pairs.to_vec()), [Ok(vec![1, 2]), Err("lost"), Ok(vec![2, 3])]);
    /// ```
    ///
    /// Bounds, cancel safety and panics as [`Window`](crate::Window).
    #[must_use = "streams do nothing unless polled"]
    pub struct WindowOk<S, T> {
        #[pin]
        source: Option<S>,
        frame: Frame<T>,
    }
}

source_access!(released WindowOk<S, T>);

impl<S, T> WindowOk<S, T> {
    /// Takes the items of the unfinished window, for instance before dropping the adaptor. The next window begins
    /// with the next item.
    pub fn take_buffered(self: Pin<&mut Self>) -> Vec<T> {
        self.project().frame.take()
    }
}

impl<S, T> Flow<WindowOk<S, T>> {
    /// Also emits, at the end, one short window with the items that were in none.
    pub fn partial(self) -> Self {
        let mut window = self.into_inner();
        window.frame.keep_rest();
        Self::new(window)
    }
}

impl<S, T, E> Stream for WindowOk<S, T>
where
    S: Stream<Item = Result<T, E>>,
    T: Clone,
{
    type Item = Result<Vec<T>, E>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            match ready!(source.as_mut().poll_next(cx)) {
                Some(Ok(item)) => {
                    if this.frame.push(item) {
                        let window = this.frame.full().to_vec();
                        this.frame.shed();
                        return Poll::Ready(Some(Ok(window)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.source.set(None);
                    let rest = this.frame.has_rest().then(|| Ok(this.frame.take()));
                    this.frame.clear();
                    return Poll::Ready(rest);
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(source) = &self.source else {
            return (0, Some(0));
        };
        // Nothing says which items are errors: each is one item out, in the place of at most one window.
        let (lower, _) = self.frame.size_hint(Some(source));
        let upper = source.size_hint().1.and_then(|upper| upper.checked_add(self.frame.windows_of(0)));
        (lower, upper)
    }
}

impl<S, T, E> FusedStream for WindowOk<S, T>
where
    S: Stream<Item = Result<T, E>>,
    T: Clone,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: fmt::Debug, T> fmt::Debug for WindowOk<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowOk").field("source", &self.source).field("frame", &self.frame).finish()
    }
}

operator_value! {
    /// What [`window_ok`] gives.
    WindowOkOp<[]> { size: usize, step: usize, partial: bool }
}

/// [`WindowOk`] as an operator value.
///
/// # Panics
///
/// If `size` or `step` is 0.
#[inline]
pub fn window_ok(size: usize, step: usize) -> WindowOkOp {
    frame::check(size, step);
    WindowOkOp { size, step, partial: false, phantom: PhantomData }
}

impl WindowOkOp {
    /// Also emits, at the end, one short window with the items that were in none.
    pub fn partial(self) -> Self {
        Self { partial: true, ..self }
    }
}

impl<S, T, E> Operator<S> for WindowOkOp
where
    S: Stream<Item = Result<T, E>>,
    T: Clone,
{
    type Out = Flow<WindowOk<S, T>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(WindowOk { source: Some(source), frame: Frame::new(self.size, self.step, self.partial) })
    }
}
