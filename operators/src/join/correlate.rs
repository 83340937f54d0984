//! `correlate`: one to one.

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
    sides::{Event, Report, Sides},
};
use crate::{Clock, Flow, Operator, operator::operator_value};

pin_project! {
    /// Pairs each item with one item of another stream that has the same key and arrives within a while of it, by
    /// value: requests with their replies.
    ///
    /// ```text
    /// left   --a1------b1----------------|
    /// right  ------b7-------a8-----------|
    ///          correlate(right, within 20 ticks, letter, letter)
    /// out    ----------(b1,b7)-(a1,a8)---|
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::{ManualTimer, StreamOps, Within};
    ///
    /// let requests = stream::iter([(1, "ping"), (2, "time")]);
    /// let replies = stream::iter([(2, "noon"), (1, "pong")]);
    /// let within = Within {
    ///     span: Duration::from_secs(60),
    ///     capacity: 1000,
    ///     clock: ManualTimer::new(),
    /// };
    /// let answered = requests.flow().correlate(replies, within, |request| request.0, |reply| reply.0);
    /// assert_eq!(
    ///     block_on(answered.to_vec()),
    ///     [((2, "time"), (2, "noon")), ((1, "ping"), (1, "pong"))],
    /// );
    /// ```
    ///
    /// An item meets the item of the other side that has waited longest with its key; both are then used up. So equal
    /// keys pair first with first and second with second. Arrival, turns, end and release are those of
    /// [`Join`](crate::Join); what waits for nothing is dropped, or see [`CorrelateLeft`](crate::CorrelateLeft). Fused.
    ///
    /// # Bounds
    ///
    /// Each side holds up to [`capacity`](Within::capacity) items that wait; a full side drops its oldest, which
    /// [`evicted`](Self::evicted) counts. A clock is enough. Cancel safety as [`Join`](crate::Join).
    ///
    /// # Panics
    ///
    /// At construction, if the capacity is 0 or not below `u32::MAX`.
    #[must_use = "streams do nothing unless polled"]
    pub struct Correlate<L: Stream, R: Stream, K, FL, FR, C: Clock> {
        #[pin]
        sides: Sides<L, R, K, FL, FR, C>,
    }
}

join_access!(Correlate<L, R, K, FL, FR>, Clock, sides);

impl<L, R, K, FL, FR, C> Stream for Correlate<L, R, K, FL, FR, C>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    C: Clock,
{
    type Item = (L::Item, R::Item);

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            let event = ready!(this.sides.as_mut().poll_event(cx));
            let memories = this.sides.as_mut().memories();
            match event {
                None => return Poll::Ready(None),
                Some(Event::Left(left)) => match memories.right.take_first_of_key(left.hash, &left.key) {
                    Some(right) => return Poll::Ready(Some((left.item, right.item))),
                    None => _ = memories.remember_left(left),
                },
                Some(Event::Right(right)) => match memories.left.take_first_of_key(right.hash, &right.key) {
                    Some(left) => return Poll::Ready(Some((left.item, right.item))),
                    None => _ = memories.remember_right(right),
                },
                // Not asked for.
                Some(Event::Over(_)) => {}
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (left, right) = self.sides.hints();
        let memories = self.sides.remembered();
        let left = left.1.and_then(|upper| upper.checked_add(memories.owed_left()));
        let right = right.1.and_then(|upper| upper.checked_add(memories.owed_right()));
        // No more than the shorter side has.
        (0, left.into_iter().chain(right).min())
    }
}

impl<L, R, K, FL, FR, C> FusedStream for Correlate<L, R, K, FL, FR, C>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    C: Clock,
{
    fn is_terminated(&self) -> bool {
        self.sides.is_terminated()
    }
}

impl<L, R, K, FL, FR, C> fmt::Debug for Correlate<L, R, K, FL, FR, C>
where
    L: Stream + fmt::Debug,
    R: Stream + fmt::Debug,
    C: Clock,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sides.debug("Correlate", f)
    }
}

operator_value! {
    /// What [`correlate`] gives.
    CorrelateOp<[I, K], R, C, FL, FR> { right: R, within: Within<C>, left_key: FL, right_key: FR }
}

/// [`Correlate`] as an operator value.
///
/// # Panics
///
/// If the capacity is 0 or not below `u32::MAX`.
#[inline]
pub fn correlate<I, R, K, C, FL, FR>(
    right: R,
    within: Within<C>,
    left_key: FL,
    right_key: FR,
) -> CorrelateOp<I, K, R, C, FL, FR>
where
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&I) -> K,
    FR: FnMut(&R::Item) -> K,
    C: Clock,
{
    CorrelateOp { right, within: within.check(), left_key, right_key, phantom: PhantomData }
}

impl<L, I, R, K, C, FL, FR> Operator<L> for CorrelateOp<I, K, R, C, FL, FR>
where
    L: Stream<Item = I>,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&I) -> K,
    FR: FnMut(&R::Item) -> K,
    C: Clock,
{
    type Out = Flow<Correlate<L, R, K, FL, FR, C>>;

    #[inline(always)]
    fn apply(self, source: L) -> Self::Out {
        Flow::new(Correlate {
            sides: Sides::new(
                source,
                self.right,
                self.within,
                self.left_key,
                self.right_key,
                Report::Neither,
            ),
        })
    }
}
