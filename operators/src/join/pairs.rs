//! What `join`, `join_left` and `join_outer` share: every pair of an arrival, one per poll.

use core::{
    hash::Hash,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::sides::{Event, Memories, Sides, Unmatched, some_place};
use crate::{Clock, pair::Hint};

pin_project! {
    pub(super) struct Pairs<L: Stream, R: Stream, K, FL, FR, C: Clock> {
        #[pin]
        pub(super) sides: Sides<L, R, K, FL, FR, C>,
        cursor: Option<Cursor>,
    }
}

/// The pairs that the last arrival is still to make: its place, and that of its next partner. Nothing arrives before
/// they are through, so places do not change meanwhile.
#[derive(Clone, Copy)]
enum Cursor {
    Left { arrival: u32, partner: u32 },
    Right { arrival: u32, partner: u32 },
}

pub(super) enum Step<L, R> {
    /// The places of a pair, for [`Pairs::pair`].
    Pair(u32, u32),
    Over(Unmatched<L, R>),
}

impl<L, R, K, FL, FR, C> Pairs<L, R, K, FL, FR, C>
where
    L: Stream,
    R: Stream,
    C: Clock,
{
    pub(super) fn new(sides: Sides<L, R, K, FL, FR, C>) -> Self {
        Self { sides, cursor: None }
    }

    #[inline]
    pub(super) fn poll_step(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Step<L::Item, R::Item>>>
    where
        K: Hash + Eq,
        FL: FnMut(&L::Item) -> K,
        FR: FnMut(&R::Item) -> K,
    {
        let mut this = self.project();
        loop {
            if let Some(cursor) = *this.cursor {
                let memories = this.sides.as_mut().memories();
                if let Some(unmatched) = memories.take_evicted() {
                    return Poll::Ready(Some(Step::Over(unmatched)));
                }
                let (left, right) = match cursor {
                    Cursor::Left { arrival, partner } => {
                        *this.cursor = some_place(memories.right.next_of_key(partner))
                            .map(|partner| Cursor::Left { arrival, partner });
                        (arrival, partner)
                    }
                    Cursor::Right { arrival, partner } => {
                        *this.cursor = some_place(memories.left.next_of_key(partner))
                            .map(|partner| Cursor::Right { arrival, partner });
                        (partner, arrival)
                    }
                };
                if let Some(entry) = memories.left.entry_mut(left) {
                    entry.matched = true;
                }
                if let Some(entry) = memories.right.entry_mut(right) {
                    entry.matched = true;
                }
                return Poll::Ready(Some(Step::Pair(left, right)));
            }
            let event = ready!(this.sides.as_mut().poll_event(cx));
            let memories = this.sides.as_mut().memories();
            match event {
                None => return Poll::Ready(None),
                Some(Event::Over(unmatched)) => return Poll::Ready(Some(Step::Over(unmatched))),
                Some(Event::Left(item)) => {
                    let partner = memories.right.first_of_key(item.hash, &item.key);
                    let arrival = memories.remember_left(item);
                    *this.cursor = some_place(partner).map(|partner| Cursor::Left { arrival, partner });
                }
                Some(Event::Right(item)) => {
                    let partner = memories.left.first_of_key(item.hash, &item.key);
                    let arrival = memories.remember_right(item);
                    *this.cursor = some_place(partner).map(|partner| Cursor::Right { arrival, partner });
                }
            }
        }
    }

    pub(super) fn memories(self: Pin<&mut Self>) -> &mut Memories<K, L::Item, R::Item, C> {
        self.project().sides.memories()
    }

    /// The items of a pair: `Some` for the places of a step that was given last.
    #[inline]
    pub(super) fn pair(self: Pin<&mut Self>, left: u32, right: u32) -> Option<(&L::Item, &R::Item)> {
        let memories = &*self.project().sides.memories();
        memories.left.item(left).zip(memories.right.item(right))
    }

    pub(super) fn is_terminated(&self) -> bool {
        self.cursor.is_none() && self.sides.is_terminated()
    }

    /// At most so many pairs: each arrival meets at most what a memory holds.
    pub(super) fn most_pairs(&self) -> Option<usize> {
        let (left, right) = self.sides.hints();
        let memories = self.sides.remembered();
        let arrivals = left.1?.checked_add(right.1?)?;
        let of_cursor = match self.cursor {
            Some(Cursor::Left { partner, .. }) => {
                chain_length(partner, |place| memories.right.next_of_key(place))
            }
            Some(Cursor::Right { partner, .. }) => {
                chain_length(partner, |place| memories.left.next_of_key(place))
            }
            None => 0,
        };
        arrivals.checked_mul(memories.left.capacity())?.checked_add(of_cursor)
    }

    /// The pairs at most, and of each side in `unmatched` one for every item that is to come or never matched.
    pub(super) fn size_hint_with(&self, left: bool, right: bool) -> Hint {
        let (left_hint, right_hint) = self.sides.hints();
        let memories = self.sides.remembered();
        let owed = |wanted: bool, hint: Hint, owed: usize| {
            if wanted {
                (hint.0.saturating_add(owed), hint.1.and_then(|upper| upper.checked_add(owed)))
            } else {
                (0, Some(0))
            }
        };
        let left = owed(left, left_hint, memories.owed_left());
        let right = owed(right, right_hint, memories.owed_right());
        let upper = self
            .most_pairs()
            .zip(left.1)
            .and_then(|(pairs, left)| pairs.checked_add(left))
            .zip(right.1)
            .and_then(|(both, right)| both.checked_add(right));
        // One pair may pay what both its items are owed.
        (left.0.max(right.0), upper)
    }
}

fn chain_length(first: u32, next: impl Fn(u32) -> u32) -> usize {
    core::iter::successors(some_place(first), |&place| some_place(next(place))).count()
}
