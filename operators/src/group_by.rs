//! `group_by`: a stream per key.

mod group;
mod parties;
mod routing;
mod shared;

use alloc::{sync::Arc, vec::Vec};
use core::{
    fmt,
    hash::Hash,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream};

pub use self::group::Group;
use self::{parties::OUTER, shared::Shared};
use crate::{Flow, Operator, operator::operator_value};

/// The bounds of a [`GroupBy`]. There is no default: they are what keeps it from leaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Most groups open at once, at least 1. For a further key the group that was fed longest ago is closed.
    pub max: usize,
    /// Most unread items per group, at least 1.
    pub per_group: usize,
    /// What happens to an item whose group has no room.
    pub on_full: OnFull,
}

/// What [`GroupBy`] does with an item whose group is full, or would be one more than can wait to be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// Nothing is taken from the source until there is room: nothing is lost, and one slow reader slows all. It stands
    /// still for ever if a full group is neither read nor dropped, or if the least recently fed of `max` open groups
    /// waits to be handed out and the outer stream is neither polled nor dropped.
    Wait,
    /// The oldest unread item of that group is dropped; or the least recently fed group, if it was not handed out.
    DropOldest,
    /// The item is dropped.
    DropNewest,
}

/// Splits a stream by key: emits a [`Group`] for each new key, which is a stream of the items with that key.
///
/// ```text
/// in   --a1--b2--a3----b4--|
///        group_by(letter)
/// out  --A---B-------------|
///        A: 1----3---------|
///            B: 2------4---|
/// ```
///
/// ```
/// use futures::{executor::block_on, stream};
/// use pubsub_operators::{Groups, OnFull, StreamOps};
///
/// let bounds = Groups {
///     max: 10,
///     per_group: 100,
///     on_full: OnFull::Wait,
/// };
/// let groups = stream::iter(1..=6).flow().group_by(bounds, |n| n % 2 == 0);
/// let sums = groups.map(|group| {
///     let even = *group.key();
///     futures::stream::once(async move { (even, group.flow().reduce(0, |sum, n| sum + n).await) })
/// });
/// assert_eq!(block_on(sums.flat_merge(10).to_vec()), [(false, 9), (true, 12)]);
/// ```
///
/// **Any party drives.** The outer stream and every group poll the source themselves when they have nothing, and
/// route what comes to whom it belongs. A program that reads only one group makes progress, and none that is read
/// waits for one that is not, as long as the queues have room.
///
/// When `max` groups are open a new key closes the one that was fed longest ago: its reader gets what is queued and
/// then the end, and its key may open a new group later. Dropping a group closes it too. Nothing is remembered of
/// closed keys. After the outer stream is dropped the groups go on, and items of other keys are lost, which is
/// counted. When the source ends it is released, and every group ends after what is queued; when all parties are
/// dropped the source is. If the source or the key function panics, the party that polled sees the panic and all
/// others see the end. Fused.
///
/// Do not use [`flat`](crate::Flow::flat) on groups of a source that does not end: the first group would never end
/// and the others never be read. [`flat_merge`](crate::Flow::flat_merge) reads them together; its limit should be at
/// least `max`. For runs of neighbours with one key see [`BatchBy`](crate::BatchBy), which shares nothing.
///
/// # Bounds
///
/// Holds up to `max * per_group` unread items, the queues of closed groups until they are read or dropped, and one
/// item that waits for room. [`lost`](Self::lost) and [`closed`](Self::closed) tell when the bounds were at work. A
/// mutex, held to route one item, and a few allocations per group; none per item once the queues have grown. What is
/// ready is routed in one poll, as by [`Filter`](crate::Filter), until there is something for the party that polled.
///
/// # Cancel safety
///
/// Dropping the future of `next` loses nothing, of the outer stream or of a group.
///
/// # Panics
///
/// At construction, if `max` or `per_group` is 0.
#[must_use = "streams do nothing unless polled"]
pub struct GroupBy<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    shared: Arc<Shared<S, K, F>>,
}

impl<S, K, F> GroupBy<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    /// How many items were dropped because a queue was full, or because nobody could take their group.
    pub fn lost(&self) -> u64 {
        self.shared.lock().map_or(0, |state| state.routing.lost())
    }

    /// How many groups were closed to make room for another.
    pub fn closed(&self) -> u64 {
        self.shared.lock().map_or(0, |state| state.routing.closed())
    }
}

impl<S, K, F> Stream for GroupBy<S, K, F>
where
    S: Stream,
    K: Hash + Eq + Clone,
    F: FnMut(&S::Item) -> K,
{
    type Item = Group<S, K, F>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.shared.poll(OUTER, cx, |state, effects| {
            if let Some(group) = state.routing.announce(effects) {
                return Some(Some(group));
            }
            state.is_over().then_some(None)
        });
        next.map(|next| next.map(|(slot, key)| Group::new(self.shared.clone(), key, slot)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(state) = self.shared.lock() else {
            return (0, Some(0));
        };
        let fresh = state.routing.fresh();
        (fresh, state.most_items().and_then(|more| more.checked_add(fresh)))
    }
}

impl<S, K, F> FusedStream for GroupBy<S, K, F>
where
    S: Stream,
    K: Hash + Eq + Clone,
    F: FnMut(&S::Item) -> K,
{
    fn is_terminated(&self) -> bool {
        self.shared.lock().is_none_or(|state| state.routing.fresh() == 0 && state.is_over())
    }
}

impl<S, K, F> Drop for GroupBy<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    fn drop(&mut self) {
        let mut removed = Vec::new();
        self.shared.leave(OUTER, |routing, effects| {
            removed = routing.leave_outer(effects);
        });
        drop(removed);
    }
}

impl<S, K, F> fmt::Debug for GroupBy<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("GroupBy");
        if let Some(state) = self.shared.lock() {
            debug
                .field("open", &state.routing.open())
                .field("lost", &state.routing.lost())
                .field("closed", &state.routing.closed());
        }
        debug.finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`group_by`] gives.
    GroupByOp<[T, K], F> { groups: Groups, key: F }
}

/// [`GroupBy`] as an operator value.
///
/// # Panics
///
/// If `max` or `per_group` is 0.
#[inline]
pub fn group_by<T, K, F>(groups: Groups, key: F) -> GroupByOp<T, K, F>
where
    K: Hash + Eq + Clone,
    F: FnMut(&T) -> K,
{
    assert!(
        groups.max > 0,
        "group_by with 0 groups could route nothing: pass how many may be open at once, at least 1"
    );
    assert!(
        groups.per_group > 0,
        "a group of 0 unread items could hold nothing: pass how many it may hold, at least 1"
    );
    GroupByOp { groups, key, phantom: PhantomData }
}

impl<S, T, K, F> Operator<S> for GroupByOp<T, K, F>
where
    S: Stream<Item = T>,
    K: Hash + Eq + Clone,
    F: FnMut(&T) -> K,
{
    type Out = Flow<GroupBy<S, K, F>>;

    #[inline]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(GroupBy { shared: Arc::new(Shared::new(source, self.groups, self.key)) })
    }
}
