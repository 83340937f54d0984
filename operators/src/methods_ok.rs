//! The operators for streams of results: they act on `Ok`, and let `Err` through in order.

use core::{
    hash::{BuildHasher, Hash},
    time::Duration,
};

use futures_core::Stream;

use crate::{
    BatchOk, BatchWithinOk, DedupeOk, FilterMapOk, FilterOk, FlatOk, Flow, IntoFlat, MapOk, Operator, Timer,
    TryToVec, WindowOk, batch_ok, batch_within_ok, dedupe_ok, dedupe_ok_with_hasher, filter_map_ok,
    filter_ok, flat_ok, map_ok, try_to_vec, window_ok,
};

/// The operators for streams of results.
impl<S, T, E> Flow<S>
where
    S: Stream<Item = Result<T, E>>,
{
    /// Keeps the `Ok` items for which `predicate` is true: [`FilterOk`](crate::FilterOk).
    #[inline]
    pub fn filter_ok<F>(self, predicate: F) -> Flow<FilterOk<S, F>>
    where
        F: FnMut(&T) -> bool,
    {
        filter_ok(predicate).apply(self.into_inner())
    }

    /// Converts each `Ok` item and keeps what is `Some`: [`FilterMapOk`](crate::FilterMapOk).
    #[inline]
    pub fn filter_map_ok<B, F>(self, convert: F) -> Flow<FilterMapOk<S, F>>
    where
        F: FnMut(T) -> Option<B>,
    {
        filter_map_ok(convert).apply(self.into_inner())
    }

    /// Converts every `Ok` item: [`MapOk`](crate::MapOk).
    #[inline]
    pub fn map_ok<B, F>(self, convert: F) -> Flow<MapOk<S, F>>
    where
        F: FnMut(T) -> B,
    {
        map_ok(convert).apply(self.into_inner())
    }

    /// Gathers `Ok` items into vectors of `max`: [`BatchOk`](crate::BatchOk).
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    #[doc(alias = "try_chunks")]
    #[inline]
    pub fn batch_ok(self, max: usize) -> Flow<BatchOk<S, T, E>> {
        batch_ok(max).apply(self.into_inner())
    }

    /// Gathers `Ok` items into vectors of `max`, or of fewer when the first is `age` old:
    /// [`BatchWithinOk`](crate::BatchWithinOk).
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    #[inline]
    pub fn batch_within_ok<Time>(
        self,
        max: usize,
        age: Duration,
        timer: Time,
    ) -> Flow<BatchWithinOk<S, T, E, Time>>
    where
        Time: Timer,
    {
        batch_within_ok(max, age, timer).apply(self.into_inner())
    }

    /// Drops `Ok` items whose key is among the `last` distinct ones: [`DedupeOk`](crate::DedupeOk).
    ///
    /// # Panics
    ///
    /// If `last` is 0 or more than `u32::MAX`.
    #[inline]
    pub fn dedupe_ok<K, F>(self, last: usize, key: F) -> Flow<DedupeOk<S, F, K>>
    where
        K: Hash + Eq,
        F: FnMut(&T) -> K,
    {
        dedupe_ok(last, key).apply(self.into_inner())
    }

    /// `dedupe_ok` with a hasher of your own: [`DedupeOk`](crate::DedupeOk).
    ///
    /// # Panics
    ///
    /// If `last` is 0 or more than `u32::MAX`.
    #[inline]
    pub fn dedupe_ok_with_hasher<K, F, H>(self, last: usize, hasher: H, key: F) -> Flow<DedupeOk<S, F, K, H>>
    where
        K: Hash + Eq,
        H: BuildHasher,
        F: FnMut(&T) -> K,
    {
        dedupe_ok_with_hasher(last, hasher, key).apply(self.into_inner())
    }

    /// Windows of `size` `Ok` items, one every `step`: [`WindowOk`](crate::WindowOk).
    ///
    /// # Panics
    ///
    /// If `size` or `step` is 0.
    #[inline]
    pub fn window_ok(self, size: usize, step: usize) -> Flow<WindowOk<S, T>>
    where
        T: Clone,
    {
        window_ok(size, step).apply(self.into_inner())
    }

    /// The items inside the `Ok` items: [`FlatOk`](crate::FlatOk).
    #[doc(alias = "try_flatten")]
    #[inline]
    pub fn flat_ok<Via>(self) -> Flow<FlatOk<S, T, Via>>
    where
        T: IntoFlat<Via>,
    {
        flat_ok().apply(self.into_inner())
    }

    /// The `Ok` items in a vector, or the first `Err`: [`TryToVec`](crate::TryToVec).
    #[doc(alias = "try_collect")]
    #[inline]
    pub fn try_to_vec(self) -> TryToVec<S, T> {
        try_to_vec().apply(self.into_inner())
    }
}
