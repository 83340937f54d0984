//! `window_map`: looks at each window where it lies.

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
    /// What a closure makes of each window of `size` items, which it sees as a slice: no clone, no allocation per
    /// window.
    ///
    /// ```text
    /// in   --1---2--3--4--5--|
    ///        window_map(3, 1, sum)
    /// out  ---------6--9--12-|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let sums = stream::iter(1..=5).flow().window_map(3, 1, |window| window.iter().sum::<i32>());
    /// assert_eq!(block_on(sums.to_vec()), [6, 9, 12]);
    /// ```
    ///
    /// The windows are those of [`Window`](crate::Window), with the same bounds, cancel safety and panics.
    #[must_use = "streams do nothing unless polled"]
    pub struct WindowMap<S: Stream, F> {
        #[pin]
        source: Option<S>,
        frame: Frame<S::Item>,
        f: F,
    }
}

source_access!(released WindowMap<S, F> where S: Stream);

impl<S: Stream, F> WindowMap<S, F> {
    /// Takes the items of the unfinished window, for instance before dropping the adaptor. The next window begins
    /// with the next item.
    pub fn take_buffered(self: Pin<&mut Self>) -> Vec<S::Item> {
        self.project().frame.take()
    }
}

impl<S: Stream, F> Flow<WindowMap<S, F>> {
    /// Also shows the closure, at the end, one short window with the items that were in none.
    pub fn partial(self) -> Self {
        let mut window = self.into_inner();
        window.frame.keep_rest();
        Self::new(window)
    }
}

impl<S, R, F> Stream for WindowMap<S, F>
where
    S: Stream,
    F: FnMut(&[S::Item]) -> R,
{
    type Item = R;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<R>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            match ready!(source.as_mut().poll_next(cx)) {
                Some(item) => {
                    if this.frame.push(item) {
                        let result = (this.f)(this.frame.full());
                        this.frame.shed();
                        return Poll::Ready(Some(result));
                    }
                }
                None => {
                    this.source.set(None);
                    let rest = this.frame.has_rest().then(|| (this.f)(this.frame.rest()));
                    this.frame.clear();
                    return Poll::Ready(rest);
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.frame.size_hint(self.source.as_ref())
    }
}

impl<S, R, F> FusedStream for WindowMap<S, F>
where
    S: Stream,
    F: FnMut(&[S::Item]) -> R,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug, F> fmt::Debug for WindowMap<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowMap")
            .field("source", &self.source)
            .field("frame", &self.frame)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`window_map`] gives.
    WindowMapOp<[T], F> { size: usize, step: usize, partial: bool, f: F }
}

/// [`WindowMap`] as an operator value.
///
/// # Panics
///
/// If `size` or `step` is 0.
#[inline]
pub fn window_map<T, R, F>(size: usize, step: usize, f: F) -> WindowMapOp<T, F>
where
    F: FnMut(&[T]) -> R,
{
    frame::check(size, step);
    WindowMapOp { size, step, partial: false, f, phantom: PhantomData }
}

impl<T, F> WindowMapOp<T, F> {
    /// Also shows the closure, at the end, one short window with the items that were in none.
    pub fn partial(self) -> Self {
        Self { partial: true, ..self }
    }
}

impl<S, T, R, F> Operator<S> for WindowMapOp<T, F>
where
    S: Stream<Item = T>,
    F: FnMut(&[T]) -> R,
{
    type Out = Flow<WindowMap<S, F>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        let frame = Frame::new(self.size, self.step, self.partial);
        Flow::new(WindowMap { source: Some(source), frame, f: self.f })
    }
}
