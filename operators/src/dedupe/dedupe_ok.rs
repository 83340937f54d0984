//! `dedupe_ok`: drops duplicates among `Ok` items.

use core::{
    fmt,
    hash::{BuildHasher, Hash},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{
    MakeHasher, RandomState, Seeded,
    memory::{self, Memory},
};
use crate::{Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// [`Dedupe`](crate::Dedupe) over the `Ok` items; every `Err` passes, in order.
    ///
    /// ```text
    /// in   --1---E--1---E---2--|     numbers are Ok, E is an Err
    ///        dedupe_ok(8, itself)
    /// out  --1---E------E---2--|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let once = stream::iter([Ok(1), Err("lost"), Ok(1), Ok(2)]).flow().dedupe_ok(8, |n| *n);
    /// assert_eq!(block_on(once.to_vec()), [Ok(1), Err("lost"), Ok(2)]);
    /// ```
    ///
    /// Semantics, bounds and panics as [`Dedupe`](crate::Dedupe).
    #[must_use = "streams do nothing unless polled"]
    pub struct DedupeOk<S, F, K, B = RandomState> {
        #[pin]
        source: S,
        key: F,
        memory: Memory<K, B>,
    }
}

source_access!(DedupeOk<S, F, K, B>);

impl<S, F, K, B> DedupeOk<S, F, K, B> {
    /// How many items were dropped as duplicates.
    pub fn suppressed(&self) -> u64 {
        self.memory.suppressed
    }

    /// How many keys gave way to newer ones; a duplicate of those would pass.
    pub fn forgotten(&self) -> u64 {
        self.memory.forgotten
    }
}

impl<S, T, E, F, K, B> Stream for DedupeOk<S, F, K, B>
where
    S: Stream<Item = Result<T, E>>,
    K: Hash + Eq,
    B: BuildHasher,
    F: FnMut(&T) -> K,
{
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(Ok(item)) => {
                    if this.memory.insert((this.key)(&item)) {
                        return Poll::Ready(Some(Ok(item)));
                    }
                }
                error_or_end => return Poll::Ready(error_or_end),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.source.size_hint();
        // The first item always passes.
        (if self.memory.is_empty() { lower.min(1) } else { 0 }, upper)
    }
}

impl<S, T, E, F, K, B> FusedStream for DedupeOk<S, F, K, B>
where
    S: FusedStream<Item = Result<T, E>>,
    K: Hash + Eq,
    B: BuildHasher,
    F: FnMut(&T) -> K,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F, K, B> fmt::Debug for DedupeOk<S, F, K, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupeOk")
            .field("source", &self.source)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`dedupe_ok`] gives. A clone starts with an empty memory: each application has its own.
    DedupeOkOp<[T, K], F, B> { last: usize, hasher: B, key: F }
}

/// [`DedupeOk`] as an operator value.
///
/// # Panics
///
/// If `last` is 0 or more than `u32::MAX`.
#[inline]
pub fn dedupe_ok<T, K, F>(last: usize, key: F) -> DedupeOkOp<T, K, F, Seeded>
where
    K: Hash + Eq,
    F: FnMut(&T) -> K,
{
    DedupeOkOp { last: memory::check(last), hasher: Seeded, key, phantom: PhantomData }
}

/// [`dedupe_ok`] with a hasher of your own, for instance one with a fixed seed.
///
/// # Panics
///
/// If `last` is 0 or more than `u32::MAX`.
#[inline]
pub fn dedupe_ok_with_hasher<T, K, F, B>(last: usize, hasher: B, key: F) -> DedupeOkOp<T, K, F, B>
where
    K: Hash + Eq,
    B: BuildHasher,
    F: FnMut(&T) -> K,
{
    DedupeOkOp { last: memory::check(last), hasher, key, phantom: PhantomData }
}

impl<S, T, E, K, F, B> Operator<S> for DedupeOkOp<T, K, F, B>
where
    S: Stream<Item = Result<T, E>>,
    K: Hash + Eq,
    B: MakeHasher,
    F: FnMut(&T) -> K,
{
    type Out = Flow<DedupeOk<S, F, K, B::Hasher>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(DedupeOk { source, key: self.key, memory: Memory::new(self.last, self.hasher.make()) })
    }
}
