//! One group: a stream of the items with one key.

use alloc::sync::Arc;
use core::{
    fmt,
    hash::Hash,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream};

use super::{routing::place_of, shared::Shared};

/// The items of one key, in order: what [`GroupBy`](crate::GroupBy) emits.
///
/// It ends when the source has, or when it was closed to make room for another; what is queued comes first. It can be
/// moved to another task or thread, and drives the source when its queue is empty. Fused.
///
/// # Cancel safety
///
/// Dropping the future of `next` loses nothing. Dropping the group drops its queue; its key may open a new one.
#[must_use = "streams do nothing unless polled"]
pub struct Group<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    shared: Arc<Shared<S, K, F>>,
    key: K,
    slot: usize,
}

impl<S, K, F> Group<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    pub(super) fn new(shared: Arc<Shared<S, K, F>>, key: K, slot: usize) -> Self {
        Self { shared, key, slot }
    }

    /// The key of all its items.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// How many of its items were dropped because its queue was full.
    pub fn lost(&self) -> u64 {
        self.shared.lock().map_or(0, |state| state.routing.lost_by(self.slot))
    }
}

impl<S, K, F> Stream for Group<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let slot = self.slot;
        self.shared.poll(place_of(slot), cx, |state, effects| {
            if let Some(item) = state.routing.pop(slot, effects) {
                return Some(Some(item));
            }
            (!state.routing.is_open(slot) || state.is_over()).then_some(None)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(state) = self.shared.lock() else {
            return (0, Some(0));
        };
        let queued = state.routing.queued(self.slot);
        let upper = if state.routing.is_open(self.slot) {
            state.most_items().and_then(|more| more.checked_add(queued))
        } else {
            Some(queued)
        };
        (queued, upper)
    }
}

impl<S, K, F> FusedStream for Group<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    fn is_terminated(&self) -> bool {
        self.shared.lock().is_none_or(|state| {
            state.routing.queued(self.slot) == 0 && (!state.routing.is_open(self.slot) || state.is_over())
        })
    }
}

// The key moves out of a group only with the group.
impl<S, K, F> Unpin for Group<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
}

impl<S, K, F> Drop for Group<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    fn drop(&mut self) {
        let mut removed = None;
        self.shared.leave(place_of(self.slot), |routing, effects| {
            removed = routing.leave(self.slot, effects);
        });
        drop(removed);
    }
}

impl<S, K, F> fmt::Debug for Group<S, K, F>
where
    S: Stream,
    K: Hash + Eq + fmt::Debug,
    F: FnMut(&S::Item) -> K,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queued = self.shared.lock().map(|state| state.routing.queued(self.slot));
        f.debug_struct("Group").field("key", &self.key).field("queued", &queued).finish_non_exhaustive()
    }
}
