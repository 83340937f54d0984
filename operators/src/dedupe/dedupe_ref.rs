//! `dedupe_ref`: by a key that is part of the item.

use alloc::borrow::ToOwned;
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
    /// [`Dedupe`](crate::Dedupe) by a key borrowed from the item, which is copied only when it is new: a duplicate
    /// allocates nothing.
    ///
    /// ```text
    /// in   --"a"---"b"--"a"---|
    ///        dedupe_ref(8, text)
    /// out  --"a"---"b"--------|
    /// ```
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::StreamOps;
    ///
    /// let names = ["ada", "bob", "ada"].map(String::from);
    /// let once = stream::iter(names).flow().dedupe_ref(8, |name| name.as_str());
    /// assert_eq!(block_on(once.to_vec()), ["ada", "bob"]);
    /// ```
    ///
    /// Semantics, bounds and panics as [`Dedupe`](crate::Dedupe); `K` is the owned form of the key.
    #[must_use = "streams do nothing unless polled"]
    pub struct DedupeRef<S, F, K, B = RandomState> {
        #[pin]
        source: S,
        key: F,
        memory: Memory<K, B>,
    }
}

source_access!(DedupeRef<S, F, K, B>);

impl<S, F, K, B> DedupeRef<S, F, K, B> {
    /// How many items were dropped as duplicates.
    pub fn suppressed(&self) -> u64 {
        self.memory.suppressed
    }

    /// How many keys gave way to newer ones; a duplicate of those would pass.
    pub fn forgotten(&self) -> u64 {
        self.memory.forgotten
    }
}

impl<S, F, Q, B> Stream for DedupeRef<S, F, Q::Owned, B>
where
    S: Stream,
    Q: ?Sized + Hash + Eq + ToOwned,
    Q::Owned: Hash + Eq,
    B: BuildHasher,
    F: FnMut(&S::Item) -> &Q,
{
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(item) => {
                    if this.memory.insert_ref((this.key)(&item)) {
                        return Poll::Ready(Some(item));
                    }
                }
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.source.size_hint();
        (if self.memory.is_empty() { lower.min(1) } else { 0 }, upper)
    }
}

impl<S, F, Q, B> FusedStream for DedupeRef<S, F, Q::Owned, B>
where
    S: FusedStream,
    Q: ?Sized + Hash + Eq + ToOwned,
    Q::Owned: Hash + Eq,
    B: BuildHasher,
    F: FnMut(&S::Item) -> &Q,
{
    fn is_terminated(&self) -> bool {
        self.source.is_terminated()
    }
}

impl<S: fmt::Debug, F, K, B> fmt::Debug for DedupeRef<S, F, K, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DedupeRef")
            .field("source", &self.source)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

operator_value! {
    /// What [`dedupe_ref`] gives. A clone starts with an empty memory: each application has its own.
    DedupeRefOp<[T, K], F, B> { last: usize, hasher: B, key: F }
}

/// [`DedupeRef`] as an operator value.
///
/// # Panics
///
/// If `last` is 0 or more than `u32::MAX`.
#[inline]
pub fn dedupe_ref<T, Q, F>(last: usize, key: F) -> DedupeRefOp<T, Q::Owned, F, Seeded>
where
    Q: ?Sized + Hash + Eq + ToOwned,
    F: FnMut(&T) -> &Q,
{
    DedupeRefOp { last: memory::check(last), hasher: Seeded, key, phantom: PhantomData }
}

/// [`dedupe_ref`] with a hasher of your own, for instance one with a fixed seed.
///
/// # Panics
///
/// If `last` is 0 or more than `u32::MAX`.
#[inline]
pub fn dedupe_ref_with_hasher<T, Q, F, B>(last: usize, hasher: B, key: F) -> DedupeRefOp<T, Q::Owned, F, B>
where
    Q: ?Sized + Hash + Eq + ToOwned,
    B: BuildHasher,
    F: FnMut(&T) -> &Q,
{
    DedupeRefOp { last: memory::check(last), hasher, key, phantom: PhantomData }
}

impl<S, T, Q, F, B> Operator<S> for DedupeRefOp<T, Q::Owned, F, B>
where
    S: Stream<Item = T>,
    Q: ?Sized + Hash + Eq + ToOwned,
    Q::Owned: Hash + Eq,
    B: MakeHasher,
    F: FnMut(&T) -> &Q,
{
    type Out = Flow<DedupeRef<S, F, Q::Owned, B::Hasher>>;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        Flow::new(DedupeRef { source, key: self.key, memory: Memory::new(self.last, self.hasher.make()) })
    }
}
