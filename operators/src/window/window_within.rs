//! `window_within`: windows by time.

use alloc::vec::Vec;
use core::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::grid::{self, Grid};
use crate::{
    Flow, Operator, Timer,
    access::source_access,
    operator::operator_value,
    time::{Alarm, Monotonic},
};

pin_project! {
    /// The items of each `span` of time, one span beginning every `slide`; at most `max` items a window.
    ///
    /// ```text
    /// time   0     5     10    15    20    25    30
    /// in     1--2-----3-----------------4--------------|
    ///        window_within(10, 10, 9, timer)
    /// out    ----------[1,2,3]----------------[4]------|
    ///        window_within(10, 5, 9, timer)
    /// out    ----------[1,2,3]-[3]------[4]---[4]------|
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{FutureExt, channel::mpsc};
    /// use pubsub_operators::{ManualTimer, StreamOps};
    ///
    /// let timer = ManualTimer::new();
    /// let second = Duration::from_secs(1);
    /// let (numbers, source) = mpsc::unbounded();
    /// let mut windows = source.flow().window_within(second, second, 100, timer.clone());
    ///
    /// numbers.unbounded_send(1).unwrap();
    /// assert_eq!(windows.next().now_or_never(), None);
    /// timer.advance(second);
    /// // On the border: it belongs to the later window.
    /// numbers.unbounded_send(2).unwrap();
    /// assert_eq!(windows.next().now_or_never(), Some(Some(vec![1])));
    /// assert_eq!(windows.next().now_or_never(), None);
    /// drop(numbers);
    /// assert_eq!(windows.next().now_or_never(), Some(Some(vec![2])));
    /// ```
    ///
    /// An item arrives when it is taken from the source; that decides its windows, `start <= arrival < start + span`.
    /// The first item begins the first window, and the others follow on that grid however long nothing comes. A
    /// window is emitted when its time is over and is never empty. With `slide` above `span` the windows lie apart, and
    /// what falls between them is dropped.
    ///
    /// A window that holds `max` items is emitted at once; the grid then begins anew with the next item. The end of
    /// the source closes the window that is open longest, which holds everything not gone yet, and releases source and
    /// timer. Fused.
    ///
    /// # Bounds
    ///
    /// Holds up to `max` items and one timer, made at the first wait. One allocation per window; an item is cloned for
    /// each window but its last, so not at all if windows do not overlap.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of `next` loses nothing. Dropping the adaptor drops the items of the open windows: take
    /// them with [`take_buffered`](Self::take_buffered) first.
    ///
    /// # Panics
    ///
    /// At construction, if `span` or `slide` is zero or `max` is 0. When polled, if the timer does.
    #[must_use = "streams do nothing unless polled"]
    pub struct WindowWithin<S: Stream, T: Timer> {
        #[pin]
        source: Option<S>,
        grid: Grid<S::Item, T>,
        time: Monotonic<T>,
        timer: T,
        #[pin]
        alarm: Alarm<T>,
    }
}

source_access!(released WindowWithin<S, T> where S: Stream, T: Timer);

impl<S: Stream, T: Timer> WindowWithin<S, T> {
    /// Takes the items of the open windows, for instance before dropping the adaptor. The grid begins anew with the
    /// next item.
    pub fn take_buffered(self: Pin<&mut Self>) -> Vec<S::Item> {
        self.project().grid.take()
    }
}

impl<S, T> Stream for WindowWithin<S, T>
where
    S: Stream,
    S::Item: Clone,
    T: Timer,
{
    type Item = Vec<S::Item>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(mut source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        loop {
            let now = this.time.read(this.timer);
            // A window that is over leaves before a further item is taken: that one arrived too late for it.
            if this.grid.is_over(now) {
                return Poll::Ready(Some(this.grid.slide()));
            }
            match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    if this.grid.push(item, now) {
                        return Poll::Ready(Some(this.grid.take()));
                    }
                }
                Poll::Ready(None) => {
                    this.source.set(None);
                    this.alarm.release();
                    let rest = this.grid.take();
                    return Poll::Ready((!rest.is_empty()).then_some(rest));
                }
                Poll::Pending => {
                    let end = this.grid.end();
                    match this.alarm.as_mut().poll_at(this.timer, this.time, end, cx) {
                        Poll::Ready(()) => return Poll::Ready(Some(this.grid.slide())),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.grid.size_hint(self.source.as_ref())
    }
}

impl<S, T> FusedStream for WindowWithin<S, T>
where
    S: Stream,
    S::Item: Clone,
    T: Timer,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
    }
}

impl<S: Stream + fmt::Debug, T: Timer> fmt::Debug for WindowWithin<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowWithin")
            .field("source", &self.source)
            .field("grid", &self.grid)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`window_within`] gives.
    WindowWithinOp<[], T> { span: Duration, slide: Duration, max: usize, timer: T }
}

/// [`WindowWithin`] as an operator value.
///
/// # Panics
///
/// If `span` or `slide` is zero, or `max` is 0.
#[inline]
pub fn window_within<T: Timer>(span: Duration, slide: Duration, max: usize, timer: T) -> WindowWithinOp<T> {
    grid::check(span, slide, max);
    WindowWithinOp { span, slide, max, timer, phantom: PhantomData }
}

impl<S, T> Operator<S> for WindowWithinOp<T>
where
    S: Stream,
    S::Item: Clone,
    T: Timer,
{
    type Out = Flow<WindowWithin<S, T>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(WindowWithin {
            source: Some(source),
            grid: Grid::new(self.span, self.slide, self.max),
            time: Monotonic::new(),
            timer: self.timer,
            alarm: Alarm::new(),
        })
    }
}
