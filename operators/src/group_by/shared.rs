//! What the outer stream and its groups share, and how any of them drives the source.

use alloc::{boxed::Box, sync::Arc};
use core::{
    hash::{BuildHasher, Hash},
    mem,
    ops::{Deref, DerefMut},
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use std::thread;

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{
    Groups,
    parties::Parties,
    routing::{Effects, Routed, Routing},
};
use crate::{
    RandomState,
    sync::{Mutex, MutexGuard},
};

/// The lock is held for routing alone: not while the source is polled, not in the key function, not in the hash of a
/// key, not in a wake and not in the drop of an item. Instead the source is taken out by the party that drives it, so
/// that a panic there loses the source and nothing else.
///
/// What runs under the lock are the `Eq` and `Clone` of the keys, before anything is moved. If one of them panics
/// everything is over, for all: see [`Locked`].
pub(super) struct Shared<S: Stream, K, F> {
    state: Mutex<State<S, K, F>>,
    parties: Arc<Parties>,
    // Wakes all parties; made once.
    waker: Waker,
}

pub(super) struct State<S: Stream, K, F> {
    pub(super) routing: Routing<K, S::Item>,
    feed: Feed<S, F>,
}

enum Feed<S, F> {
    Idle(Pin<Box<Driver<S, F>>>),
    /// Some party is polling the source now. Parties that came meanwhile and did nothing are woken after that.
    Driven {
        others_came: bool,
    },
    Ended,
}

pin_project! {
    struct Driver<S, F> {
        #[pin]
        source: S,
        key: F,
        hasher: RandomState,
    }
}

impl<S: Stream, F> Driver<S, F> {
    fn poll_routed<K>(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Routed<K, S::Item>>>
    where
        K: Hash,
        F: FnMut(&S::Item) -> K,
    {
        let this = self.project();
        let Some(item) = ready!(this.source.poll_next(cx)) else {
            return Poll::Ready(None);
        };
        let key = (this.key)(&item);
        let hash = this.hasher.hash_one(&key);
        Poll::Ready(Some(Routed { hash, key, item }))
    }
}

impl<S: Stream, K, F> State<S, K, F> {
    /// Nothing is going to be routed any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.feed, Feed::Ended) && !self.routing.is_holding()
    }

    /// At most so many items are still to be routed.
    pub(super) fn most_items(&self) -> Option<usize> {
        let upper = match &self.feed {
            Feed::Idle(driver) => driver.source.size_hint().1?,
            Feed::Driven { .. } => return None,
            Feed::Ended => 0,
        };
        upper.checked_add(self.routing.held())
    }
}

impl<S: Stream, K, F> Shared<S, K, F> {
    pub(super) fn new(source: S, config: Groups, key: F) -> Self {
        let parties = Arc::<Parties>::default();
        let driver = Driver { source, key, hasher: RandomState::default() };
        Self {
            state: Mutex::new(State { routing: Routing::new(config), feed: Feed::Idle(Box::pin(driver)) }),
            waker: parties.clone().into(),
            parties,
        }
    }

    /// None if a key has panicked under the lock: then everything is over.
    pub(super) fn lock(&self) -> Option<Locked<'_, S, K, F>> {
        let state = self.state.lock().ok()?;
        let release = Release { parties: &self.parties, feed: None };
        Some(Locked { state, unwinds: thread::panicking(), release })
    }

    /// After the lock is released: wakes, and drops.
    fn finish(&self, effects: Effects<K, S::Item>) {
        if effects.wake_all {
            self.parties.wake_all();
        } else {
            let places = effects.wakes.into_iter().flatten();
            places.for_each(|place| self.parties.wake(place));
        }
        drop(effects);
    }
}

impl<S, K, F> Shared<S, K, F>
where
    S: Stream,
    K: Hash + Eq,
    F: FnMut(&S::Item) -> K,
{
    /// One poll of the party at `place`: `settle` says what it may return, given the state; until then the party
    /// drives the source, if nobody else does, and routes what comes to everybody.
    pub(super) fn poll<R>(
        &self,
        place: usize,
        cx: &mut Context<'_>,
        mut settle: impl FnMut(&mut State<S, K, F>, &mut Effects<K, S::Item>) -> Option<Option<R>>,
    ) -> Poll<Option<R>> {
        let mut effects = Effects::none();
        let settled = match self.lock() {
            Some(mut state) => settle(&mut state, &mut effects),
            None => return Poll::Ready(None),
        };
        self.finish(effects);
        if let Some(result) = settled {
            return Poll::Ready(result);
        }

        // Registered before the state is looked at again, so whatever happens after that look wakes this party.
        self.parties.register(place, cx.waker());
        let Some(mut turn) = self.take_turn() else {
            // Somebody else drives, the source has ended, or an item waits for room.
            let mut effects = Effects::none();
            let settled = match self.lock() {
                Some(mut state) => settle(&mut state, &mut effects),
                None => Some(None),
            };
            return self.conclude(place, settled, effects, false);
        };
        let mut cx = Context::from_waker(&self.waker);
        loop {
            let next = turn.poll(&mut cx);
            let mut effects = Effects::none();
            let Some(mut state) = self.lock() else {
                return Poll::Ready(None);
            };
            let known = match &next {
                Poll::Ready(Some(routed)) => state.routing.find(routed),
                _ => None,
            };
            let stop = match next {
                Poll::Ready(Some(routed)) => {
                    state.routing.route(routed, known, &mut effects);
                    // What is held keeps everybody from the source, or the order would be lost.
                    state.routing.is_holding()
                }
                Poll::Ready(None) => {
                    // The source was dropped by `turn`, without the lock.
                    state.feed = Feed::Ended;
                    effects.wake_all = true;
                    true
                }
                Poll::Pending => true,
            };
            let settled = settle(&mut state, &mut effects);
            if settled.is_none() && !stop {
                drop(state);
                self.finish(effects);
                continue;
            }
            let others_came = turn.give_back(&mut state);
            drop(state);
            return self.conclude(place, settled, effects, others_came);
        }
    }

    fn conclude<R>(
        &self,
        place: usize,
        settled: Option<Option<R>>,
        effects: Effects<K, S::Item>,
        others_came: bool,
    ) -> Poll<Option<R>> {
        if settled.is_some() {
            self.parties.forget(place);
        }
        if others_came {
            // They found the source taken; one of them has to drive it now.
            self.parties.wake_all_but(Some(place));
        }
        self.finish(effects);
        settled.map_or(Poll::Pending, Poll::Ready)
    }

    /// Takes the source out to poll it, unless there is a reason not to.
    fn take_turn(&self) -> Option<Turn<'_, S, K, F>> {
        let mut state = self.lock()?;
        if state.routing.is_holding() {
            return None;
        }
        match &mut state.feed {
            Feed::Ended => None,
            Feed::Driven { others_came } => {
                *others_came = true;
                None
            }
            Feed::Idle(_) => {
                let taken = mem::replace(&mut state.feed, Feed::Driven { others_came: false });
                let Feed::Idle(driver) = taken else { return None };
                Some(Turn { shared: self, driver: Some(driver), over: false })
            }
        }
    }

    pub(super) fn leave(
        &self,
        place: usize,
        leave: impl FnOnce(&mut Routing<K, S::Item>, &mut Effects<K, S::Item>),
    ) {
        let mut effects = Effects::none();
        if let Some(mut state) = self.lock() {
            leave(&mut state.routing, &mut effects);
        }
        self.parties.forget(place);
        self.finish(effects);
    }
}

/// The lock. If a key panics under it the source is dropped and all parties are woken, after the lock is released: no
/// one of them would ever drive the source again.
pub(super) struct Locked<'a, S: Stream, K, F> {
    state: MutexGuard<'a, State<S, K, F>>,
    // Whether there was a panic before: then this is the drop of a group, and not to blame.
    unwinds: bool,
    // Dropped after the lock.
    release: Release<'a, S, F>,
}

impl<S: Stream, K, F> Deref for Locked<'_, S, K, F> {
    type Target = State<S, K, F>;

    fn deref(&self) -> &Self::Target {
        &self.state
    }
}

impl<S: Stream, K, F> DerefMut for Locked<'_, S, K, F> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.state
    }
}

impl<S: Stream, K, F> Drop for Locked<'_, S, K, F> {
    fn drop(&mut self) {
        if !self.unwinds && thread::panicking() {
            self.release.feed = Some(mem::replace(&mut self.state.feed, Feed::Ended));
        }
    }
}

struct Release<'a, S, F> {
    parties: &'a Parties,
    feed: Option<Feed<S, F>>,
}

impl<S, F> Drop for Release<'_, S, F> {
    fn drop(&mut self) {
        if let Some(feed) = self.feed.take() {
            drop(feed);
            self.parties.wake_all();
        }
    }
}

/// The right to poll the source. If that panics, dropping it says that the source is gone.
struct Turn<'a, S: Stream, K, F> {
    shared: &'a Shared<S, K, F>,
    driver: Option<Pin<Box<Driver<S, F>>>>,
    over: bool,
}

impl<S: Stream, K, F> Turn<'_, S, K, F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Routed<K, S::Item>>>
    where
        K: Hash,
        F: FnMut(&S::Item) -> K,
    {
        let Some(driver) = self.driver.as_mut() else {
            return Poll::Ready(None);
        };
        let next = driver.as_mut().poll_routed(cx);
        if let Poll::Ready(None) = next {
            self.driver = None;
        }
        next
    }

    /// Puts the source back. True if others came meanwhile.
    fn give_back(&mut self, state: &mut State<S, K, F>) -> bool {
        self.over = true;
        let others_came = matches!(state.feed, Feed::Driven { others_came: true });
        if let Some(driver) = self.driver.take() {
            state.feed = Feed::Idle(driver);
        }
        others_came
    }
}

impl<S: Stream, K, F> Drop for Turn<'_, S, K, F> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        // The source or the key function panicked: everybody else sees the end.
        self.driver = None;
        if let Some(mut state) = self.shared.lock() {
            state.feed = Feed::Ended;
        }
        self.shared.parties.wake_all();
    }
}
