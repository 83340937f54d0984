//! `dedupe`, and in the folder its forms by borrowed key, for runs, for a while and inside `Ok`.

mod dedupe_ok;
mod dedupe_ref;
mod dedupe_runs;
mod dedupe_within;
mod expiring;
mod hashing;
mod memory;

use core::{
    fmt,
    hash::{BuildHasher, Hash},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use self::memory::Memory;
pub use self::{
    dedupe_ok::{DedupeOk, DedupeOkOp, dedupe_ok, dedupe_ok_with_hasher},
    dedupe_ref::{DedupeRef, DedupeRefOp, dedupe_ref, dedupe_ref_with_hasher},
    dedupe_runs::{DedupeRuns, DedupeRunsOp, dedupe_runs},
    dedupe_within::{DedupeWithin, DedupeWithinOp, dedupe_within, dedupe_within_with_hasher},
    hashing::{MakeHasher, RandomState, Seeded},
};
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Drops the items whose key is among the last distinct keys.
    ///
    /// ```text
    /// in   --1---2--1---3---1--|
    ///        dedupe(2, itself)
    /// out  --1---2------3---1--|     3 made it forget 1
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let once = stream::iter([1, 2, 1, 3, 1]).flow().dedupe(2, |n| *n);
    /// assert_eq!(block_on(once.to_vec()), [1, 2, 3, 1]);
    /// ```
    ///
    /// A duplicate is dropped if fewer than `last` distinct keys were first seen after its own; later ones pass. A
    /// duplicate does not refresh its key. The key is taken once per item, and owned; for one that
    /// is borrowed from the item use [`dedupe_ref`](crate::Flow::dedupe_ref). Ends with its source, and is fused if the
    /// source is. After a transport that delivers at least once, `dedupe(last, id)` makes it once.
    ///
    /// # Bounds
    ///
    /// Holds `last` keys, with 20 to 31 bytes each for finding them; grows to that and then allocates no more.
    /// [`forgotten`](Self::forgotten), reached by `flow.get_ref()`, tells how often the bound was at work. Runs of duplicates are taken in one poll, as
    /// by [`Filter`](crate::Filter).
    ///
    /// # Panics
    ///
    /// At construction, if `last` is 0 or more than `u32::MAX`.
    #[must_use = "streams do nothing unless polled"]
    pub struct Dedupe<S, F, K, B = RandomState> {
        #[pin]
        source: S,
        key: F,
        memory: Memory<K, B>,
    }
}

source_access!(Dedupe<S, F, K, B>);

impl<S, F, K, B> Dedupe<S, F, K, B> {
    /// How many items were dropped as duplicates.
    pub fn suppressed(&self) -> u64 {
        self.memory.suppressed
    }

    /// How many keys gave way to newer ones; a duplicate of those would pass.
    pub fn forgotten(&self) -> u64 {
        self.memory.forgotten
    }
}

impl<S, F, K, B> Stream for Dedupe<S, F, K, B>
where
    S: Stream,
    K: Hash + Eq,
    B: BuildHasher,
    F: FnMut(&S::Item) -> K,
{
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(item) => {
                    if this.memory.insert((this.key)(&item)) {
                        return Poll::Ready(Some(item));
                    }
                }
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.source.size_hint();
        // The first item always passes.
        (if self.memory.is_empty() { lower.min(1) } else { 0 }, upper)
    }
}

impl<S, F, K, B> FusedStream for Dedupe<S, F, K, B>
where
    S: FusedStream,
    K: Hash + Eq,
    B: BuildHasher,
    F: FnMut(&S::Item) -> K,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F, K, B> fmt::Debug for Dedupe<S, F, K, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedupe")
            .field("source", &self.source)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`dedupe`] gives. A clone starts with an empty memory: each application has its own.
    DedupeOp<[T, K], F, B> { last: usize, hasher: B, key: F }
}

/// [`Dedupe`] as an operator value.
///
/// # Panics
///
/// If `last` is 0 or more than `u32::MAX`.
#[inline]
pub fn dedupe<T, K, F>(last: usize, key: F) -> DedupeOp<T, K, F, Seeded>
where
    K: Hash + Eq,
    F: FnMut(&T) -> K,
{
    DedupeOp { last: memory::check(last), hasher: Seeded, key, phantom: PhantomData }
}

/// [`dedupe`] with a hasher of your own, for instance one with a fixed seed.
///
/// # Panics
///
/// If `last` is 0 or more than `u32::MAX`.
#[inline]
pub fn dedupe_with_hasher<T, K, F, B>(last: usize, hasher: B, key: F) -> DedupeOp<T, K, F, B>
where
    K: Hash + Eq,
    B: BuildHasher,
    F: FnMut(&T) -> K,
{
    DedupeOp { last: memory::check(last), hasher, key, phantom: PhantomData }
}

impl<S, T, K, F, B> Operator<S> for DedupeOp<T, K, F, B>
where
    S: Stream<Item = T>,
    K: Hash + Eq,
    B: MakeHasher,
    F: FnMut(&T) -> K,
{
    type Out = Flow<Dedupe<S, F, K, B::Hasher>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(Dedupe { source, key: self.key, memory: Memory::new(self.last, self.hasher.make()) })
    }
}
