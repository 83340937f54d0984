//! The steps for streams of results.
#![allow(clippy::type_complexity, reason = "the type of a pipeline is the list of its steps")]

use alloc::vec::Vec;
use core::{
    hash::{BuildHasher, Hash},
    marker::PhantomData,
};

use super::Pipeline;
use crate::{
    BatchOkOp, DedupeOkOp, FilterMapOkOp, FilterOkOp, FlatOkOp, IntoFlat, MapOkOp, Seeded, TryToVecOp,
    WindowOkOp,
};

/// The steps for streams of results.
impl<In, T, E, Op> Pipeline<In, Result<T, E>, Op> {
    /// Adds [`filter_ok`](crate::filter_ok()).
    #[inline]
    pub fn filter_ok<F>(self, predicate: F) -> Pipeline<In, Result<T, E>, (Op, FilterOkOp<T, F>)>
    where
        F: FnMut(&T) -> bool,
    {
        self.then(crate::filter_ok(predicate))
    }

    /// Adds [`filter_map_ok`](crate::filter_map_ok()).
    #[inline]
    pub fn filter_map_ok<B, F>(self, convert: F) -> Pipeline<In, Result<B, E>, (Op, FilterMapOkOp<T, F>)>
    where
        F: FnMut(T) -> Option<B>,
    {
        self.then(crate::filter_map_ok(convert))
    }

    /// Adds [`map_ok`](crate::map_ok()).
    #[inline]
    pub fn map_ok<B, F>(self, convert: F) -> Pipeline<In, Result<B, E>, (Op, MapOkOp<T, F>)>
    where
        F: FnMut(T) -> B,
    {
        self.then(crate::map_ok(convert))
    }

    /// Adds [`batch_ok`](crate::batch_ok()).
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    #[inline]
    pub fn batch_ok(self, max: usize) -> Pipeline<In, Result<Vec<T>, E>, (Op, BatchOkOp)> {
        self.then(crate::batch_ok(max))
    }

    /// Adds [`dedupe_ok`](crate::dedupe_ok()).
    ///
    /// # Panics
    ///
    /// If `last` is 0 or more than `u32::MAX`.
    #[inline]
    pub fn dedupe_ok<K, F>(
        self,
        last: usize,
        key: F,
    ) -> Pipeline<In, Result<T, E>, (Op, DedupeOkOp<T, K, F, Seeded>)>
    where
        K: Hash + Eq,
        F: FnMut(&T) -> K,
    {
        self.then(crate::dedupe_ok(last, key))
    }

    /// Adds [`dedupe_ok_with_hasher`](crate::dedupe_ok_with_hasher()).
    ///
    /// # Panics
    ///
    /// If `last` is 0 or more than `u32::MAX`.
    #[inline]
    pub fn dedupe_ok_with_hasher<K, F, H>(
        self,
        last: usize,
        hasher: H,
        key: F,
    ) -> Pipeline<In, Result<T, E>, (Op, DedupeOkOp<T, K, F, H>)>
    where
        K: Hash + Eq,
        H: BuildHasher,
        F: FnMut(&T) -> K,
    {
        self.then(crate::dedupe_ok_with_hasher(last, hasher, key))
    }

    /// Adds [`window_ok`](crate::window_ok()).
    ///
    /// # Panics
    ///
    /// If `size` or `step` is 0.
    #[inline]
    pub fn window_ok(self, size: usize, step: usize) -> Pipeline<In, Result<Vec<T>, E>, (Op, WindowOkOp)>
    where
        T: Clone,
    {
        self.then(crate::window_ok(size, step))
    }

    /// Adds [`flat_ok`](crate::flat_ok()).
    #[inline]
    pub fn flat_ok<Via>(self) -> Pipeline<In, Result<T::Item, E>, (Op, FlatOkOp<Via>)>
    where
        T: IntoFlat<Via>,
    {
        self.then(crate::flat_ok())
    }

    /// Adds [`try_to_vec`](crate::try_to_vec()), which gives a future: the last step.
    #[inline]
    pub fn try_to_vec(self) -> (Self, TryToVecOp) {
        (self, crate::try_to_vec())
    }
}

impl<In, Out, Op> Pipeline<In, Out, (Op, WindowOkOp)> {
    /// Lets the [`window_ok`](crate::window_ok()) before it emit also what is left at the end.
    #[inline]
    pub fn partial(self) -> Self {
        let (before, window) = self.operator;
        Self { operator: (before, window.partial()), items: PhantomData }
    }
}
