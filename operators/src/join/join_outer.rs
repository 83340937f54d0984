//! `join_outer`: with the items of both sides that found no partner.

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

/// An item of one side of a [`JoinOuter`], or a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EitherOrBoth<L, R> {
    /// A left item that found no partner.
    Left(L),
    /// A right item that found no partner.
    Right(R),
    /// A pair.
    Both(L, R),
}

pin_project! {
    /// [`Join`](crate::Join), and of both sides the items that found no partner, each once, without one.
    ///
    /// ```text
    /// left   --a1------b1----------------|
    /// right  ------a7-----------c8-------|
    ///          join_outer(right, within 6 ticks, letter, letter, pair)
    /// out    ------(a1,a7)----(b1,-)----((-,c8)|)
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::{EitherOrBoth, ManualTimer, StreamOps, Within};
    ///
    /// let ours = stream::iter(["ada", "bob"]);
    /// let theirs = stream::iter(["bob", "eve"]);
    /// let within = Within {
    ///     span: Duration::from_secs(60),
    ///     capacity: 1000,
    ///     clock: ManualTimer::new(),
    /// };
    /// let compared = ours.flow().join_outer(theirs, within, |name| *name, |name| *name, |names| match names {
    ///     EitherOrBoth::Both(name, _) => format!("{name}: both"),
    ///     EitherOrBoth::Left(name) => format!("{name}: only ours"),
    ///     EitherOrBoth::Right(name) => format!("{name}: only theirs"),
    /// });
    /// assert_eq!(block_on(compared.to_vec()), ["bob: both", "ada: only ours", "eve: only theirs"]);
    /// ```
    ///
    /// When an item leaves alone is said at [`JoinLeft`](crate::JoinLeft); here it goes for both sides. Of those that
    /// leave at one time the left ones come first. Ends when both streams have ended. Fused.
    ///
    /// # Bounds
    ///
    /// As [`Join`](crate::Join), and one timer, made when an item first has to wait. Cancel safety as there.
    ///
    /// # Panics
    ///
    /// At construction, if the capacity is 0 or not below `u32::MAX`. When polled, if the timer does.
    #[must_use = "streams do nothing unless polled"]
    pub struct JoinOuter<L: Stream, R: Stream, K, FL, FR, FO, T: Timer> {
        #[pin]
        pairs: Pairs<L, R, K, FL, FR, T>,
        combine: FO,
        #[pin]
        alarm: Alarm<T>,
    }
}

join_access!(JoinOuter<L, R, K, FL, FR, FO>, Timer, pairs.sides);

impl<L, R, K, FL, FR, FO, O, T> Stream for JoinOuter<L, R, K, FL, FR, FO, T>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(EitherOrBoth<&L::Item, &R::Item>) -> O,
    T: Timer,
{
    type Item = O;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<O>> {
        let mut this = self.project();
        loop {
            match this.pairs.as_mut().poll_step(cx) {
                Poll::Ready(Some(step)) => {
                    let both = match &step {
                        Step::Pair(left, right) => this
                            .pairs
                            .pair(*left, *right)
                            .map(|(left, right)| EitherOrBoth::Both(left, right)),
                        Step::Over(Unmatched::Left(left)) => Some(EitherOrBoth::Left(left)),
                        Step::Over(Unmatched::Right(right)) => Some(EitherOrBoth::Right(right)),
                    };
                    return Poll::Ready(both.map(|both| (this.combine)(both)));
                }
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
        self.pairs.size_hint_with(true, true)
    }
}

impl<L, R, K, FL, FR, FO, O, T> FusedStream for JoinOuter<L, R, K, FL, FR, FO, T>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(EitherOrBoth<&L::Item, &R::Item>) -> O,
    T: Timer,
{
    fn is_terminated(&self) -> bool {
        self.pairs.is_terminated()
    }
}

impl<L, R, K, FL, FR, FO, T> fmt::Debug for JoinOuter<L, R, K, FL, FR, FO, T>
where
    L: Stream + fmt::Debug,
    R: Stream + fmt::Debug,
    T: Timer,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pairs.sides.debug("JoinOuter", f)
    }
}

operator_value! {
    /// What [`join_outer`] gives.
    JoinOuterOp<[I, K], R, T, FL, FR, FO> { right: R, within: Within<T>, left_key: FL, right_key: FR, combine: FO }
}

/// [`JoinOuter`] as an operator value.
///
/// # Panics
///
/// If the capacity is 0 or not below `u32::MAX`.
#[inline]
pub fn join_outer<I, R, K, O, T, FL, FR, FO>(
    right: R,
    within: Within<T>,
    left_key: FL,
    right_key: FR,
    combine: FO,
) -> JoinOuterOp<I, K, R, T, FL, FR, FO>
where
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&I) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(EitherOrBoth<&I, &R::Item>) -> O,
    T: Timer,
{
    JoinOuterOp { right, within: within.check(), left_key, right_key, combine, phantom: PhantomData }
}

impl<L, I, R, K, O, T, FL, FR, FO> Operator<L> for JoinOuterOp<I, K, R, T, FL, FR, FO>
where
    L: Stream<Item = I>,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&I) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(EitherOrBoth<&I, &R::Item>) -> O,
    T: Timer,
{
    type Out = Flow<JoinOuter<L, R, K, FL, FR, FO, T>>;

    #[inline(always)]
    fn apply(self, source: L) -> Self::Out {
        let sides = Sides::new(source, self.right, self.within, self.left_key, self.right_key, Report::Both);
        Flow::new(JoinOuter { pairs: Pairs::new(sides), combine: self.combine, alarm: Alarm::new() })
    }
}
