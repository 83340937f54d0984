//! `correlate_left`: one to one, and what timed out.

use core::{
    fmt,
    hash::Hash,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{
    Within, join_access,
    sides::{Event, Report, Sides, Unmatched},
};
use crate::{Flow, Operator, Timer, operator::operator_value, time::Alarm};

pin_project! {
    /// [`Correlate`](crate::Correlate), and the left items that found no partner: requests with their replies, and
    /// those that timed out.
    ///
    /// ```text
    /// left   --a1------b1----------------|
    /// right  ------a7-----------b8-------|
    ///          correlate_left(right, within 6 ticks, letter, letter)
    /// out    ------(a1,a7)----(b1,-)-----|
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{FutureExt, channel::mpsc};
    /// use pubsub_operators::{ManualTimer, StreamOps, Within};
    ///
    /// let timer = ManualTimer::new();
    /// let (requests, left) = mpsc::unbounded();
    /// let (replies, right) = mpsc::unbounded();
    /// let timeout = Within {
    ///     span: Duration::from_secs(5),
    ///     capacity: 1000,
    ///     clock: timer.clone(),
    /// };
    /// let mut outcomes = left.flow().correlate_left(right, timeout, |id| *id, |reply: &(u32, &str)| reply.0);
    ///
    /// requests.unbounded_send(1).unwrap();
    /// requests.unbounded_send(2).unwrap();
    /// replies.unbounded_send((2, "done")).unwrap();
    /// assert_eq!(outcomes.next().now_or_never(), Some(Some((2, Some((2, "done"))))));
    /// assert_eq!(outcomes.next().now_or_never(), None);
    ///
    /// timer.advance(Duration::from_secs(6));
    /// assert_eq!(outcomes.next().now_or_never(), Some(Some((1, None))));
    /// ```
    ///
    /// Every left item leaves once: with its partner, or alone when it is certain that it matches nothing, which is
    /// said at [`JoinLeft`](crate::JoinLeft). Ends when the left stream has ended and nothing is remembered of it, or
    /// when both have. Fused.
    ///
    /// # Bounds
    ///
    /// As [`Correlate`](crate::Correlate), and one timer, made when a left item first has to wait. Cancel safety as
    /// [`Join`](crate::Join).
    ///
    /// # Panics
    ///
    /// At construction, if the capacity is 0 or not below `u32::MAX`. When polled, if the timer does.
    #[must_use = "streams do nothing unless polled"]
    pub struct CorrelateLeft<L: Stream, R: Stream, K, FL, FR, T: Timer> {
        #[pin]
        sides: Sides<L, R, K, FL, FR, T>,
        #[pin]
        alarm: Alarm<T>,
    }
}

join_access!(CorrelateLeft<L, R, K, FL, FR>, Timer, sides);

impl<L, R, K, FL, FR, T> Stream for CorrelateLeft<L, R, K, FL, FR, T>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    T: Timer,
{
    type Item = (L::Item, Option<R::Item>);

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            let event = this.sides.as_mut().poll_event(cx);
            let memories = this.sides.as_mut().memories();
            match event {
                Poll::Ready(None) => {
                    this.alarm.release();
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Event::Left(left))) => {
                    match memories.right.take_first_of_key(left.hash, &left.key) {
                        Some(right) => return Poll::Ready(Some((left.item, Some(right.item)))),
                        None => _ = memories.remember_left(left),
                    }
                }
                Poll::Ready(Some(Event::Right(right))) => {
                    match memories.left.take_first_of_key(right.hash, &right.key) {
                        Some(left) => return Poll::Ready(Some((left.item, Some(right.item)))),
                        None => _ = memories.remember_right(right),
                    }
                }
                Poll::Ready(Some(Event::Over(Unmatched::Left(left)))) => {
                    return Poll::Ready(Some((left, None)));
                }
                // Not asked for.
                Poll::Ready(Some(Event::Over(Unmatched::Right(_)))) => {}
                Poll::Pending => {
                    ready!(memories.poll_over(this.alarm.as_mut(), cx));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (left, _) = self.sides.hints();
        let owed = self.sides.remembered().owed_left();
        (left.0.saturating_add(owed), left.1.and_then(|upper| upper.checked_add(owed)))
    }
}

impl<L, R, K, FL, FR, T> FusedStream for CorrelateLeft<L, R, K, FL, FR, T>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    T: Timer,
{
    fn is_terminated(&self) -> bool {
        self.sides.is_terminated()
    }
}

impl<L, R, K, FL, FR, T> fmt::Debug for CorrelateLeft<L, R, K, FL, FR, T>
where
    L: Stream + fmt::Debug,
    R: Stream + fmt::Debug,
    T: Timer,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sides.debug("CorrelateLeft", f)
    }
}

operator_value! {
    /// What [`correlate_left`] gives.
    CorrelateLeftOp<[I, K], R, T, FL, FR> { right: R, within: Within<T>, left_key: FL, right_key: FR }
}

/// [`CorrelateLeft`] as an operator value.
///
/// # Panics
///
/// If the capacity is 0 or not below `u32::MAX`.
#[inline]
pub fn correlate_left<I, R, K, T, FL, FR>(
    right: R,
    within: Within<T>,
    left_key: FL,
    right_key: FR,
) -> CorrelateLeftOp<I, K, R, T, FL, FR>
where
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&I) -> K,
    FR: FnMut(&R::Item) -> K,
    T: Timer,
{
    CorrelateLeftOp { right, within: within.check(), left_key, right_key, phantom: PhantomData }
}

impl<L, I, R, K, T, FL, FR> Operator<L> for CorrelateLeftOp<I, K, R, T, FL, FR>
where
    L: Stream<Item = I>,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&I) -> K,
    FR: FnMut(&R::Item) -> K,
    T: Timer,
{
    type Out = Flow<CorrelateLeft<L, R, K, FL, FR, T>>;

    #[inline(always)]
    fn apply(self, source: L) -> Self::Out {
        Flow::new(CorrelateLeft {
            sides: Sides::new(source, self.right, self.within, self.left_key, self.right_key, Report::Left),
            alarm: Alarm::new(),
        })
    }
}
