//! `dedupe_within`: duplicates for a while.

use core::{
    fmt,
    hash::{BuildHasher, Hash},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{MakeHasher, RandomState, Seeded, expiring::Expiring, memory};
use crate::{Clock, Flow, Operator, access::source_access, operator::operator_value};

pin_project! {
    /// Drops the items whose key is among the last distinct keys and was first seen less than a while ago.
    ///
    /// ```text
    /// in   --1---1-----1---1--|
    ///        dedupe_within(8, 6 ticks, clock, itself)
    /// out  --1---------1------|
    /// ```
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures::{FutureExt, channel::mpsc};
    /// use pubsub_operators::{ManualTimer, StreamOps};
    ///
    /// let clock = ManualTimer::new();
    /// let minute = Duration::from_secs(60);
    /// let (alerts, source) = mpsc::unbounded();
    /// let mut calm = source.flow().dedupe_within(100, minute, clock.clone(), |alert: &&str| *alert);
    ///
    /// alerts.unbounded_send("disk full").unwrap();
    /// alerts.unbounded_send("disk full").unwrap();
    /// assert_eq!(calm.next().now_or_never(), Some(Some("disk full")));
    /// assert_eq!(calm.next().now_or_never(), None);
    ///
    /// clock.advance(minute);
    /// alerts.unbounded_send("disk full").unwrap();
    /// assert_eq!(calm.next().now_or_never(), Some(Some("disk full")));
    /// ```
    ///
    /// A key is forgotten `ttl` after it was first seen, or when `last` others were first seen after it, whichever is
    /// earlier. A duplicate refreshes nothing: of a steady stream of duplicates one passes per `ttl`. A `ttl` of zero
    /// drops nothing; with [`Duration::MAX`] only `last` counts. What has expired is dropped when the next item comes,
    /// so a clock is enough. Ends with its source, and is fused if the source is.
    ///
    /// # Bounds
    ///
    /// Holds up to `last` keys, with the time of expiry and a table entry each; grows to what is needed and then
    /// allocates no more. [`forgotten`](Self::forgotten) tells when the bound was at work. Runs of duplicates are
    /// taken in one poll, as by [`Filter`](crate::Filter).
    ///
    /// # Panics
    ///
    /// At construction, if `last` is 0 or more than `u32::MAX`.
    #[must_use = "streams do nothing unless polled"]
    pub struct DedupeWithin<S, F, K, C: Clock, B = RandomState> {
        #[pin]
        source: S,
        key: F,
        memory: Expiring<K, B, C>,
    }
}

source_access!(DedupeWithin<S, F, K, C, B> where C: Clock);

impl<S, F, K, C: Clock, B> DedupeWithin<S, F, K, C, B> {
    /// How many items were dropped as duplicates.
    pub fn suppressed(&self) -> u64 {
        self.memory.suppressed
    }

    /// How many keys gave way to newer ones before their time; a duplicate of those would pass.
    pub fn forgotten(&self) -> u64 {
        self.memory.forgotten
    }
}

impl<S, F, K, C, B> Stream for DedupeWithin<S, F, K, C, B>
where
    S: Stream,
    K: Hash + Eq,
    C: Clock,
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
        (if self.memory.is_new() { lower.min(1) } else { 0 }, upper)
    }
}

impl<S, F, K, C, B> FusedStream for DedupeWithin<S, F, K, C, B>
where
    S: FusedStream,
    K: Hash + Eq,
    C: Clock,
    B: BuildHasher,
    F: FnMut(&S::Item) -> K,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F, K, C: Clock, B> fmt::Debug for DedupeWithin<S, F, K, C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupeWithin")
            .field("source", &self.source)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`dedupe_within`] gives. A clone starts with an empty memory: each application has its own.
    DedupeWithinOp<[T, K], C, F, B> { last: usize, ttl: Duration, clock: C, hasher: B, key: F }
}

/// [`DedupeWithin`] as an operator value.
///
/// # Panics
///
/// If `last` is 0 or more than `u32::MAX`.
#[inline]
pub fn dedupe_within<T, K, C, F>(
    last: usize,
    ttl: Duration,
    clock: C,
    key: F,
) -> DedupeWithinOp<T, K, C, F, Seeded>
where
    K: Hash + Eq,
    C: Clock,
    F: FnMut(&T) -> K,
{
    DedupeWithinOp { last: memory::check(last), ttl, clock, hasher: Seeded, key, phantom: PhantomData }
}

/// [`dedupe_within`] with a hasher of your own, for instance one with a fixed seed.
///
/// # Panics
///
/// If `last` is 0 or more than `u32::MAX`.
#[inline]
pub fn dedupe_within_with_hasher<T, K, C, F, B>(
    last: usize,
    ttl: Duration,
    clock: C,
    hasher: B,
    key: F,
) -> DedupeWithinOp<T, K, C, F, B>
where
    K: Hash + Eq,
    C: Clock,
    B: BuildHasher,
    F: FnMut(&T) -> K,
{
    DedupeWithinOp { last: memory::check(last), ttl, clock, hasher, key, phantom: PhantomData }
}

impl<S, T, K, C, F, B> Operator<S> for DedupeWithinOp<T, K, C, F, B>
where
    S: Stream<Item = T>,
    K: Hash + Eq,
    C: Clock,
    B: MakeHasher,
    F: FnMut(&T) -> K,
{
    type Out = Flow<DedupeWithin<S, F, K, C, B::Hasher>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(DedupeWithin {
            source,
            key: self.key,
            memory: Expiring::new(self.last, self.ttl, self.clock, self.hasher.make()),
        })
    }
}
