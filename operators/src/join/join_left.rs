//! `join_left`: with the left items that found no partner.

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
    pairs::{Pairs, Step},
    sides::{Report, Sides, Unmatched},
};
use crate::{Flow, Operator, Timer, operator::operator_value, time::Alarm};

pin_project! {
    /// [`Join`](crate::Join), and of the left items that found no partner each once, without one.
    ///
    /// ```text
    /// left   --a1------b1----------------|
    /// right  ------a7-----------b8-------|
    ///          join_left(right, within 6 ticks, letter, letter, pair)
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
    /// let (orders, left) = mpsc::unbounded();
    /// let (payments, right) = mpsc::unbounded::<(u32, u32)>();
    /// let within = Within {
    ///     span: Duration::from_secs(60),
    ///     capacity: 1000,
    ///     clock: timer.clone(),
    /// };
    /// let paid = |order: &u32, payment: Option<&(u32, u32)>| (*order, payment.map(|payment| payment.1));
    /// let mut orders_paid = left.flow().join_left(right, within, |order| *order, |payment| payment.0, paid);
    ///
    /// orders.unbounded_send(1).unwrap();
    /// orders.unbounded_send(2).unwrap();
    /// payments.unbounded_send((1, 9)).unwrap();
    /// assert_eq!(orders_paid.next().now_or_never(), Some(Some((1, Some(9)))));
    /// assert_eq!(orders_paid.next().now_or_never(), None);
    ///
    /// timer.advance(Duration::from_secs(61));
    /// assert_eq!(orders_paid.next().now_or_never(), Some(Some((2, None))));
    /// ```
    ///
    /// A left item leaves alone when it is certain that it matches nothing: right after the last moment of its window,
    /// when the right stream has ended, or when its side is full and it is the oldest. It never leaves both alone and
    /// in a pair. Those that leave at one time do so in the order of arrival. Ends when the left stream has ended and
    /// nothing is remembered of it, or when both have. Fused.
    ///
    /// # Bounds
    ///
    /// As [`Join`](crate::Join), and one timer, made when a left item first has to wait. Cancel safety as there.
    ///
    /// # Panics
    ///
    /// At construction, if the capacity is 0 or not below `u32::MAX`. When polled, if the timer does.
    #[must_use = "streams do nothing unless polled"]
    pub struct JoinLeft<L: Stream, R: Stream, K, FL, FR, FO, T: Timer> {
        #[pin]
        pairs: Pairs<L, R, K, FL, FR, T>,
        combine: FO,
        #[pin]
        alarm: Alarm<T>,
    }
}

join_access!(JoinLeft<L, R, K, FL, FR, FO>, Timer, pairs.sides);

impl<L, R, K, FL, FR, FO, O, T> Stream for JoinLeft<L, R, K, FL, FR, FO, T>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(&L::Item, Option<&R::Item>) -> O,
    T: Timer,
{
    type Item = O;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<O>> {
        let mut this = self.project();
        loop {
            match this.pairs.as_mut().poll_step(cx) {
                Poll::Ready(Some(Step::Pair(left, right))) => {
                    let Some((left, right)) = this.pairs.pair(left, right) else {
                        return Poll::Ready(None);
                    };
                    return Poll::Ready(Some((this.combine)(left, Some(right))));
                }
                Poll::Ready(Some(Step::Over(Unmatched::Left(left)))) => {
                    return Poll::Ready(Some((this.combine)(&left, None)));
                }
                // Not asked for.
                Poll::Ready(Some(Step::Over(Unmatched::Right(_)))) => {}
                Poll::Ready(None) => {
                    this.alarm.release();
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    ready!(this.pairs.as_mut().memories().poll_over(this.alarm.as_mut(), cx));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.pairs.size_hint_with(true, false)
    }
}

impl<L, R, K, FL, FR, FO, O, T> FusedStream for JoinLeft<L, R, K, FL, FR, FO, T>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(&L::Item, Option<&R::Item>) -> O,
    T: Timer,
{
    fn is_terminated(&self) -> bool {
        self.pairs.is_terminated()
    }
}

impl<L, R, K, FL, FR, FO, T> fmt::Debug for JoinLeft<L, R, K, FL, FR, FO, T>
where
    L: Stream + fmt::Debug,
    R: Stream + fmt::Debug,
    T: Timer,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pairs.sides.debug("JoinLeft", f)
    }
}

operator_value! {
    /// What [`join_left`] gives.
    JoinLeftOp<[I, K], R, T, FL, FR, FO> { right: R, within: Within<T>, left_key: FL, right_key: FR, combine: FO }
}

/// [`JoinLeft`] as an operator value.
///
/// # Panics
///
/// If the capacity is 0 or not below `u32::MAX`.
#[inline]
pub fn join_left<I, R, K, O, T, FL, FR, FO>(
    right: R,
    within: Within<T>,
    left_key: FL,
    right_key: FR,
    combine: FO,
) -> JoinLeftOp<I, K, R, T, FL, FR, FO>
where
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&I) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(&I, Option<&R::Item>) -> O,
    T: Timer,
{
    JoinLeftOp { right, within: within.check(), left_key, right_key, combine, phantom: PhantomData }
}

impl<L, I, R, K, O, T, FL, FR, FO> Operator<L> for JoinLeftOp<I, K, R, T, FL, FR, FO>
where
    L: Stream<Item = I>,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&I) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(&I, Option<&R::Item>) -> O,
    T: Timer,
{
    type Out = Flow<JoinLeft<L, R, K, FL, FR, FO, T>>;

    #[inline(always)]
    fn apply(self, source: L) -> Self::Out {
        let sides = Sides::new(source, self.right, self.within, self.left_key, self.right_key, Report::Left);
        Flow::new(JoinLeft { pairs: Pairs::new(sides), combine: self.combine, alarm: Alarm::new() })
    }
}
