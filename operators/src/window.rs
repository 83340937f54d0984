//! `window`, and in the folder its forms without copies, by time and inside `Ok`.

mod frame;
mod grid;
mod window_map;
mod window_ok;
mod window_within;

use alloc::vec::Vec;
use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use self::frame::Frame;
pub use self::{
    window_map::{WindowMap, WindowMapOp, window_map},
    window_ok::{WindowOk, WindowOkOp, window_ok},
    window_within::{WindowWithin, WindowWithinOp, window_within},
};
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Windows of exactly `size` items, each beginning `step` items after the one before.
    ///
    /// ```text
    /// in   --1---2--3-------4-------5--|
    ///        window(3, 1)
    /// out  ---------[1,2,3]-[2,3,4]-[3,4,5]--|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let threes = stream::iter(1..=5).flow().window(3, 2);
    /// assert_eq!(block_on(threes.to_vec()), [[1, 2, 3], [3, 4, 5]]);
    ///
    /// let rest_too = stream::iter(1..=4).flow().window(3, 3).partial();
    /// assert_eq!(block_on(rest_too.to_vec()), [vec![1, 2, 3], vec![4]]);
    /// ```
    ///
    /// The windows of `slice::windows(size).step_by(step)`: with `step` above `size` they lie apart, and a rest that
    /// fills none is dropped unless [`partial`](Flow::partial) is asked for. The end releases the source. Fused.
    ///
    /// # Bounds
    ///
    /// Holds up to `2 * size` items. Clones `size` items into a vector per window;
    /// [`window_map`](crate::Flow::window_map) does without.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of `next` loses nothing. Dropping the adaptor drops the items of the unfinished window:
    /// take them with [`take_buffered`](Self::take_buffered) first.
    ///
    /// # Panics
    ///
    /// At construction, if `size` or `step` is 0. A window whose clone or closure panics is lost, and the next one is
    /// the one that would have followed it.
    #[must_use = "streams do nothing unless polled"]
    pub struct Window<S: Stream> {
        #[pin]
        source: Option<S>,
        frame: Frame<S::Item>,
    }
}

source_access!(released Window<S> where S: Stream);

impl<S: Stream> Window<S> {
    /// Takes the items of the unfinished window, for instance before dropping the adaptor. The next window begins
    /// with the next item.
    pub fn take_buffered(self: Pin<&mut Self>) -> Vec<S::Item> {
        self.project().frame.take()
    }
}

impl<S: Stream> Flow<Window<S>> {
    /// Also emits, at the end, one short window with the items that were in none.
    pub fn partial(self) -> Self {
        let mut window = self.into_inner();
        window.frame.keep_rest();
        Self::new(window)
    }
}

impl<S> Stream for Window<S>
where
    S: Stream,
    S::Item: Clone,
{
    type Item = Vec<S::Item>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            match ready!(source.as_mut().poll_next(cx)) {
                Some(item) => {
                    if this.frame.push(item) {
                        let window = this.frame.full().to_vec();
                        this.frame.shed();
                        return Poll::Ready(Some(window));
                    }
                }
                None => {
                    this.source.set(None);
                    let rest = this.frame.has_rest().then(|| this.frame.take());
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

impl<S> FusedStream for Window<S>
where
    S: Stream,
    S::Item: Clone,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for Window<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window").field("source", &self.source).field("frame", &self.frame).finish()
    }
}

operator_value! {
    /// What [`window`] gives.
    WindowOp<[]> { size: usize, step: usize, partial: bool }
}

/// [`Window`] as an operator value.
///
/// # Panics
///
/// If `size` or `step` is 0.
#[inline]
pub fn window(size: usize, step: usize) -> WindowOp {
    frame::check(size, step);
    WindowOp { size, step, partial: false, phantom: PhantomData }
}

impl WindowOp {
    /// Also emits, at the end, one short window with the items that were in none.
    pub fn partial(self) -> Self {
        Self { partial: true, ..self }
    }
}

impl<S> Operator<S> for WindowOp
where
    S: Stream,
    S::Item: Clone,
{
    type Out = Flow<Window<S>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Window { source: Some(source), frame: Frame::new(self.size, self.step, self.partial) })
    }
}
