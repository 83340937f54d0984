//! What all joins share: two sources, what is remembered of each, and when that is over.

use core::{
    fmt,
    hash::{BuildHasher, Hash},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{
    Within,
    memory::{Entry, Memory, NONE},
};
use crate::{
    Clock, RandomState, Timer,
    pair::{Hint, hint, poll_released},
    time::{Alarm, Monotonic},
};

/// The shortest time a clock may know.
const TICK: Duration = Duration::from_nanos(1);

pin_project! {
    pub(super) struct Sides<L: Stream, R: Stream, K, FL, FR, C: Clock> {
        #[pin]
        left: Option<L>,
        #[pin]
        right: Option<R>,
        memories: Memories<K, L::Item, R::Item, C>,
        left_key: FL,
        right_key: FR,
        hasher: RandomState,
        right_first: bool,
    }
}

/// Both memories, and the clock by which they forget.
pub(super) struct Memories<K, L, R, C: Clock> {
    pub(super) left: Memory<K, L, C::Instant>,
    pub(super) right: Memory<K, R, C::Instant>,
    clock: C,
    time: Monotonic<C>,
    span: Duration,
    report: Report,
    // What had to make room without ever having matched; it leaves before anything else.
    evicted: Option<Unmatched<L, R>>,
}

/// Of which sides the items that never matched are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    Neither,
    Left,
    Both,
}

pub(super) enum Unmatched<L, R> {
    Left(L),
    Right(R),
}

/// What happens next on the two sides.
pub(super) enum Event<K, L, R, I> {
    Left(Entry<K, L, I>),
    Right(Entry<K, R, I>),
    Over(Unmatched<L, R>),
}

pub(super) type PollEvent<K, L, R, C> =
    Poll<Option<Event<K, <L as Stream>::Item, <R as Stream>::Item, <C as Clock>::Instant>>>;

impl<L, R, K, FL, FR, C> Sides<L, R, K, FL, FR, C>
where
    L: Stream,
    R: Stream,
    C: Clock,
{
    pub(super) fn new(
        left: L,
        right: R,
        within: Within<C>,
        left_key: FL,
        right_key: FR,
        report: Report,
    ) -> Self {
        Self {
            left: Some(left),
            right: Some(right),
            memories: Memories {
                left: Memory::new(within.capacity),
                right: Memory::new(within.capacity),
                clock: within.clock,
                time: Monotonic::new(),
                span: within.span,
                report,
                evicted: None,
            },
            left_key,
            right_key,
            hasher: RandomState::default(),
            right_first: false,
        }
    }

    #[inline]
    pub(super) fn memories(self: Pin<&mut Self>) -> &mut Memories<K, L::Item, R::Item, C> {
        self.project().memories
    }

    pub(super) fn remembered(&self) -> &Memories<K, L::Item, R::Item, C> {
        &self.memories
    }

    pub(super) fn sources(&self) -> (Option<&L>, Option<&R>) {
        (self.left.as_ref(), self.right.as_ref())
    }

    pub(super) fn sources_mut(&mut self) -> (Option<&mut L>, Option<&mut R>) {
        (self.left.as_mut(), self.right.as_mut())
    }

    #[allow(clippy::type_complexity, reason = "a pair of what the adaptors of one source give")]
    pub(super) fn sources_pin(self: Pin<&mut Self>) -> (Option<Pin<&mut L>>, Option<Pin<&mut R>>) {
        let this = self.project();
        (this.left.as_pin_mut(), this.right.as_pin_mut())
    }

    pub(super) fn into_sources(self) -> (Option<L>, Option<R>) {
        (self.left, self.right)
    }

    pub(super) fn is_terminated(&self) -> bool {
        let memories = &self.memories;
        self.left.is_none()
            && self.right.is_none()
            && memories.left.is_empty()
            && memories.right.is_empty()
            && memories.evicted.is_none()
    }

    pub(super) fn hints(&self) -> (Hint, Hint) {
        (hint(&self.left), hint(&self.right))
    }

    /// The next event, or the end when nothing can come any more; then both sources are released.
    pub(super) fn poll_event(self: Pin<&mut Self>, cx: &mut Context<'_>) -> PollEvent<K, L, R, C>
    where
        K: Hash + Eq,
        FL: FnMut(&L::Item) -> K,
        FR: FnMut(&R::Item) -> K,
    {
        let mut this = self.project();
        let memories = this.memories;
        loop {
            let (left_runs, right_runs) = (this.left.is_some(), this.right.is_some());
            // Where unmatched items are wanted, one reading decides both what is over and what may match an arrival.
            // Elsewhere the clock is asked when there is an arrival.
            let reading = (memories.report != Report::Neither).then(|| memories.now());
            if let Some(unmatched) = memories.forget(reading, left_runs, right_runs) {
                return Poll::Ready(Some(Event::Over(unmatched)));
            }
            let left_matters =
                left_runs && (right_runs || !memories.right.is_empty() || memories.report != Report::Neither);
            let right_matters =
                right_runs && (left_runs || !memories.left.is_empty() || memories.report == Report::Both);
            if !left_matters && !right_matters {
                this.left.set(None);
                this.right.set(None);
                memories.left.clear();
                memories.right.clear();
                return Poll::Ready(None);
            }

            let mut ended = false;
            let mut right = *this.right_first;
            for _ in 0..2 {
                if right && right_runs {
                    match poll_released(this.right.as_mut(), cx) {
                        Poll::Ready(Some(item)) => {
                            *this.right_first = false;
                            let now = reading.unwrap_or_else(|| memories.now_forgetting());
                            let key = (this.right_key)(&item);
                            let hash = this.hasher.hash_one(&key);
                            let last_moment = C::checked_add(now, memories.span);
                            let entry = Entry { hash, key, item, last_moment, matched: false };
                            return Poll::Ready(Some(Event::Right(entry)));
                        }
                        Poll::Ready(None) => ended = true,
                        Poll::Pending => {}
                    }
                } else if !right && left_runs {
                    match poll_released(this.left.as_mut(), cx) {
                        Poll::Ready(Some(item)) => {
                            *this.right_first = true;
                            let now = reading.unwrap_or_else(|| memories.now_forgetting());
                            let key = (this.left_key)(&item);
                            let hash = this.hasher.hash_one(&key);
                            let last_moment = C::checked_add(now, memories.span);
                            let entry = Entry { hash, key, item, last_moment, matched: false };
                            return Poll::Ready(Some(Event::Left(entry)));
                        }
                        Poll::Ready(None) => ended = true,
                        Poll::Pending => {}
                    }
                }
                right = !right;
            }
            if !ended {
                return Poll::Pending;
            }
        }
    }
}

impl<K, L, R, C: Clock> Memories<K, L, R, C> {
    fn now(&mut self) -> C::Instant {
        self.time.read(&self.clock)
    }

    /// Only where no unmatched items are wanted: whatever is over is dropped.
    #[inline]
    fn now_forgetting(&mut self) -> C::Instant {
        let now = self.now();
        while is_over(&self.left, now) {
            self.left.forget_oldest();
        }
        while is_over(&self.right, now) {
            self.right.forget_oldest();
        }
        now
    }

    /// Drops what cannot match any more: when the other side has ended or, given the time, when the window is over.
    /// Stops at the first unmatched entry that is wanted, and gives it.
    fn forget(
        &mut self,
        now: Option<C::Instant>,
        left_runs: bool,
        right_runs: bool,
    ) -> Option<Unmatched<L, R>> {
        if let Some(evicted) = self.evicted.take() {
            return Some(evicted);
        }
        if self.report == Report::Neither {
            // The places stay: a further arrival on this side needs one while it meets its partners.
            while !right_runs && self.left.pop_oldest().is_some() {}
            while !left_runs && self.right.pop_oldest().is_some() {}
            return None;
        }
        while !right_runs || now.is_some_and(|now| is_over(&self.left, now)) {
            let Some(entry) = self.left.pop_oldest() else {
                break;
            };
            if !entry.matched {
                return Some(Unmatched::Left(entry.item));
            }
        }
        while !left_runs || now.is_some_and(|now| is_over(&self.right, now)) {
            let Some(entry) = self.right.pop_oldest() else {
                break;
            };
            if !entry.matched && self.report == Report::Both {
                return Some(Unmatched::Right(entry.item));
            }
        }
        None
    }

    /// When the next window is over of which an unmatched item would be wanted.
    fn next_over(&self) -> Option<C::Instant> {
        let left = self.left.oldest().map(|entry| entry.last_moment);
        let right = self.right.oldest().map(|entry| entry.last_moment);
        let right = right.filter(|_| self.report == Report::Both);
        let next = left.flatten().into_iter().chain(right.flatten()).min()?;
        right_after::<C>(next)
    }

    /// Ready when a window is over of which an unmatched item would be wanted: then there is something to forget.
    pub(super) fn poll_over(&mut self, alarm: Pin<&mut Alarm<C>>, cx: &mut Context<'_>) -> Poll<()>
    where
        C: Timer,
    {
        let next = self.next_over();
        alarm.poll_at(&self.clock, &mut self.time, next, cx)
    }

    /// Gives the place of the arrival.
    #[inline]
    pub(super) fn remember_left(&mut self, arrival: Entry<K, L, C::Instant>) -> u32
    where
        K: Eq,
    {
        let (place, evicted) = self.left.push(arrival);
        if let Some(evicted) = evicted.filter(|entry| !entry.matched && self.report != Report::Neither) {
            self.evicted = Some(Unmatched::Left(evicted.item));
        }
        place
    }

    /// Gives the place of the arrival.
    #[inline]
    pub(super) fn remember_right(&mut self, arrival: Entry<K, R, C::Instant>) -> u32
    where
        K: Eq,
    {
        let (place, evicted) = self.right.push(arrival);
        if let Some(evicted) = evicted.filter(|entry| !entry.matched && self.report == Report::Both) {
            self.evicted = Some(Unmatched::Right(evicted.item));
        }
        place
    }

    /// What had to make room, before the pairs of what it made room for.
    #[inline]
    pub(super) fn take_evicted(&mut self) -> Option<Unmatched<L, R>> {
        self.evicted.take()
    }

    /// How many entries of both sides gave way to newer ones before their time.
    pub(super) fn evicted(&self) -> u64 {
        self.left.evicted() + self.right.evicted()
    }

    /// Left items that are certain to leave unmatched or in a pair, and have not yet.
    pub(super) fn owed_left(&self) -> usize {
        let evicted = matches!(self.evicted, Some(Unmatched::Left(_)));
        self.left.iter().filter(|entry| !entry.matched).count() + usize::from(evicted)
    }

    /// The same for the right side.
    pub(super) fn owed_right(&self) -> usize {
        let evicted = matches!(self.evicted, Some(Unmatched::Right(_)));
        self.right.iter().filter(|entry| !entry.matched).count() + usize::from(evicted)
    }
}

/// The next moment the clock can tell: a window is over right after its last moment.
fn right_after<C: Clock>(moment: C::Instant) -> Option<C::Instant> {
    let mut tick = TICK;
    loop {
        // A clock that is coarser than the tick gives back the moment itself.
        let next = C::checked_add(moment, tick)?;
        if next > moment {
            return Some(next);
        }
        tick = tick.checked_mul(2)?;
    }
}

fn is_over<K, T, I: Copy + Ord>(memory: &Memory<K, T, I>, now: I) -> bool {
    memory.oldest().is_some_and(|entry| entry.last_moment.is_some_and(|last| last < now))
}

impl<L, R, K, FL, FR, C> Sides<L, R, K, FL, FR, C>
where
    L: Stream + fmt::Debug,
    R: Stream + fmt::Debug,
    C: Clock,
{
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("left", &self.left)
            .field("right", &self.right)
            .field("left_memory", &self.memories.left)
            .field("right_memory", &self.memories.right)
            .finish_non_exhaustive()
    }
}

/// `place` as an option.
#[inline]
pub(super) fn some_place(place: u32) -> Option<u32> {
    (place != NONE).then_some(place)
}
