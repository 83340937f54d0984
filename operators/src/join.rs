//! `join`, and in the folder its forms that also give what found no partner, and `correlate`.

mod correlate;
mod correlate_left;
mod join_left;
mod join_outer;
mod memory;
mod pairs;
mod sides;

use core::{
    fmt,
    hash::Hash,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

pub use self::{
    correlate::{Correlate, CorrelateOp, correlate},
    correlate_left::{CorrelateLeft, CorrelateLeftOp, correlate_left},
    join_left::{JoinLeft, JoinLeftOp, join_left},
    join_outer::{EitherOrBoth, JoinOuter, JoinOuterOp, join_outer},
};
use self::{
    pairs::{Pairs, Step},
    sides::{Report, Sides},
};
use crate::{Clock, Flow, Operator, operator::operator_value};

/// How long and how much a join remembers. There is no default: both are yours to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within<C> {
    /// How far apart two arrivals may be, this much included. [`Duration::MAX`] never forgets for age.
    pub span: Duration,
    /// How many items each side remembers, at least 1. A full side forgets its oldest.
    pub capacity: usize,
    /// What tells when items arrive. `join_left`, `join_outer` and `correlate_left` need a [`Timer`](crate::Timer).
    pub clock: C,
}

impl<C> Within<C> {
    fn check(self) -> Self {
        assert!(
            self.capacity > 0,
            "a join that remembers 0 items would match nothing: pass a capacity of at least 1 item per side"
        );
        assert!(
            u32::try_from(self.capacity).is_ok_and(|capacity| capacity < u32::MAX),
            "a join remembers fewer than u32::MAX items per side: pass a smaller capacity"
        );
        self
    }
}

pin_project! {
    /// Joins two streams on a key: what a closure makes of every two items with equal keys that arrive within a while
    /// of each other.
    ///
    /// ```text
    /// left   --a1------b1------------a2--|
    /// right  ------a7------a8------------|
    ///          join(right, within 6 ticks, letter, letter, pair)
    /// out    ------(a1,a7)-----------(a8,a2)--|
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::{ManualTimer, StreamOps, Within};
    ///
    /// let orders = stream::iter([("ada", "tea"), ("bob", "jam")]);
    /// let payments = stream::iter([("bob", 3), ("eve", 9)]);
    /// let within = Within {
    ///     span: Duration::from_secs(60),
    ///     capacity: 1000,
    ///     clock: ManualTimer::new(),
    /// };
    /// let paid = orders.flow().join(
    ///     payments,
    ///     within,
    ///     |order| order.0,
    ///     |payment| payment.0,
    ///     |order, payment| format!("{}: {} for {}", order.0, order.1, payment.1),
    /// );
    /// assert_eq!(block_on(paid.to_vec()), ["bob: jam for 3"]);
    /// ```
    ///
    /// Every pair is emitted once, when the later of the two arrives; an item of several pairs meets its partners in
    /// the order in which they arrived. An item arrives when it is taken from its stream, and two match if that is at
    /// most [`span`](Within::span) apart. The sides take turns, and nothing further is taken before all pairs of an
    /// item are out. Ends when both streams have, or when one has and nothing is remembered of it: then nothing can
    /// match any more, and the other is released in the same poll. Fused.
    ///
    /// To interleave two streams see [`Merge`](crate::Merge), to pair them by position [`Zip`](crate::Zip), by what
    /// came last [`Latest`](crate::Latest), and one to one [`Correlate`].
    ///
    /// # Bounds
    ///
    /// Each side remembers up to [`capacity`](Within::capacity) items; a full side forgets its oldest early, which
    /// [`evicted`](Self::evicted) counts. What is too old is dropped when the next item arrives, so a clock is enough.
    /// Per arrival a hash, two look-ups and a walk along the partners; the memory grows to what is needed and then
    /// nothing is allocated. Arrivals without partners are taken in one poll, as by [`Filter`](crate::Filter).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of `next` loses nothing, also between two pairs of one arrival.
    ///
    /// # Panics
    ///
    /// At construction, if the capacity is 0 or not below `u32::MAX`.
    #[must_use = "streams do nothing unless polled"]
    pub struct Join<L: Stream, R: Stream, K, FL, FR, FO, C: Clock> {
        #[pin]
        pairs: Pairs<L, R, K, FL, FR, C>,
        combine: FO,
    }
}

/// The sources and the counter of a join, which lie in a part of it.
macro_rules! join_access {
    ($name:ident<L, R, K, FL, FR $(, $param:ident)?>, $clock:ident, $($part:ident).+) => {
        impl<L: Stream, R: Stream, K, FL, FR $(, $param)?, C: $clock> $name<L, R, K, FL, FR $(, $param)?, C> {
            /// Both sources, until they are released.
            pub fn get_ref(&self) -> (Option<&L>, Option<&R>) {
                self.$($part).+.sources()
            }

            /// Both sources, until they are released. Taking items from them takes them from this adaptor.
            pub fn get_mut(&mut self) -> (Option<&mut L>, Option<&mut R>) {
                self.$($part).+.sources_mut()
            }

            /// Both sources, pinned, until they are released. Taking items from them takes them from this adaptor.
            #[allow(clippy::type_complexity, reason = "a pair of what the adaptors of one source give")]
            pub fn get_pin_mut(
                self: ::core::pin::Pin<&mut Self>,
            ) -> (Option<::core::pin::Pin<&mut L>>, Option<::core::pin::Pin<&mut R>>) {
                let part = self;
                $(let part = part.project().$part;)+
                part.sources_pin()
            }

            /// Both sources, unless they are released; what is remembered is dropped.
            pub fn into_inner(self) -> (Option<L>, Option<R>) {
                self.$($part).+.into_sources()
            }

            /// How many items of both sides were forgotten before their time, because their side was full. What
            /// would have matched them later did not.
            pub fn evicted(&self) -> u64 {
                self.$($part).+.remembered().evicted()
            }
        }
    };
}
use join_access;

join_access!(Join<L, R, K, FL, FR, FO>, Clock, pairs.sides);

impl<L, R, K, FL, FR, FO, O, C> Stream for Join<L, R, K, FL, FR, FO, C>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(&L::Item, &R::Item) -> O,
    C: Clock,
{
    type Item = O;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<O>> {
        let mut this = self.project();
        let Some(Step::Pair(left, right)) = ready!(this.pairs.as_mut().poll_step(cx)) else {
            return Poll::Ready(None);
        };
        let pair = this.pairs.pair(left, right);
        Poll::Ready(pair.map(|(left, right)| (this.combine)(left, right)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.pairs.size_hint_with(false, false)
    }
}

impl<L, R, K, FL, FR, FO, O, C> FusedStream for Join<L, R, K, FL, FR, FO, C>
where
    L: Stream,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&L::Item) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(&L::Item, &R::Item) -> O,
    C: Clock,
{
    fn is_terminated(&self) -> bool {
        self.pairs.is_terminated()
    }
}

impl<L, R, K, FL, FR, FO, C> fmt::Debug for Join<L, R, K, FL, FR, FO, C>
where
    L: Stream + fmt::Debug,
    R: Stream + fmt::Debug,
    C: Clock,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pairs.sides.debug("Join", f)
    }
}

operator_value! {
    /// What [`join`] gives.
    JoinOp<[T, K], R, C, FL, FR, FO> { right: R, within: Within<C>, left_key: FL, right_key: FR, combine: FO }
}

/// [`Join`] as an operator value.
///
/// # Panics
///
/// If the capacity is 0 or not below `u32::MAX`.
#[inline]
pub fn join<T, R, K, O, C, FL, FR, FO>(
    right: R,
    within: Within<C>,
    left_key: FL,
    right_key: FR,
    combine: FO,
) -> JoinOp<T, K, R, C, FL, FR, FO>
where
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&T) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(&T, &R::Item) -> O,
    C: Clock,
{
    JoinOp { right, within: within.check(), left_key, right_key, combine, phantom: PhantomData }
}

impl<L, T, R, K, O, C, FL, FR, FO> Operator<L> for JoinOp<T, K, R, C, FL, FR, FO>
where
    L: Stream<Item = T>,
    R: Stream,
    K: Hash + Eq,
    FL: FnMut(&T) -> K,
    FR: FnMut(&R::Item) -> K,
    FO: FnMut(&T, &R::Item) -> O,
    C: Clock,
{
    type Out = Flow<Join<L, R, K, FL, FR, FO, C>>;

    #[inline(always)]
    fn apply(self, source: L) -> Self::Out {
        let sides =
            Sides::new(source, self.right, self.within, self.left_key, self.right_key, Report::Neither);
        Flow::new(Join { pairs: Pairs::new(sides), combine: self.combine })
    }
}
