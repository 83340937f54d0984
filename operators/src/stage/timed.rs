//! The steps that depend on time, that relate two streams, or that split one.
#![allow(clippy::type_complexity, reason = "the type of a pipeline is the list of its steps")]

use alloc::vec::Vec;
use core::{hash::Hash, time::Duration};

use futures_core::Stream;

use super::Pipeline;
use crate::{
    BatchWithinOkOp, BatchWithinOp, Clock, CorrelateLeftOp, CorrelateOp, DebounceOp, DedupeWithinOp,
    EitherOrBoth, JoinLeftOp, JoinOp, JoinOuterOp, Seeded, ThrottleOp, Timer, WindowWithinOp, Within,
};

/// The steps that depend on time.
impl<In, Out, Op> Pipeline<In, Out, Op> {
    /// Adds [`batch_within`](crate::batch_within()).
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    #[inline]
    pub fn batch_within<T: Timer>(
        self,
        max: usize,
        age: Duration,
        timer: T,
    ) -> Pipeline<In, Vec<Out>, (Op, BatchWithinOp<T>)> {
        self.then(crate::batch_within(max, age, timer))
    }

    /// Adds [`window_within`](crate::window_within()).
    ///
    /// # Panics
    ///
    /// If `span` or `slide` is zero, or `max` is 0.
    #[inline]
    pub fn window_within<T: Timer>(
        self,
        span: Duration,
        slide: Duration,
        max: usize,
        timer: T,
    ) -> Pipeline<In, Vec<Out>, (Op, WindowWithinOp<T>)>
    where
        Out: Clone,
    {
        self.then(crate::window_within(span, slide, max, timer))
    }

    /// Adds [`dedupe_within`](crate::dedupe_within()).
    ///
    /// # Panics
    ///
    /// If `last` is 0 or more than `u32::MAX`.
    #[inline]
    pub fn dedupe_within<K, C, F>(
        self,
        last: usize,
        ttl: Duration,
        clock: C,
        key: F,
    ) -> Pipeline<In, Out, (Op, DedupeWithinOp<Out, K, C, F, Seeded>)>
    where
        K: Hash + Eq,
        C: Clock,
        F: FnMut(&Out) -> K,
    {
        self.then(crate::dedupe_within(last, ttl, clock, key))
    }

    /// Adds [`debounce`](crate::debounce()).
    #[inline]
    pub fn debounce<T: Timer>(self, quiet: Duration, timer: T) -> Pipeline<In, Out, (Op, DebounceOp<T>)> {
        self.then(crate::debounce(quiet, timer))
    }

    /// Adds [`throttle`](crate::throttle()).
    #[inline]
    pub fn throttle<T: Timer>(self, period: Duration, timer: T) -> Pipeline<In, Out, (Op, ThrottleOp<T>)> {
        self.then(crate::throttle(period, timer))
    }
}

/// The steps that relate two streams by a key.
impl<In, Out, Op> Pipeline<In, Out, Op> {
    /// Adds [`join`](crate::join()).
    ///
    /// # Panics
    ///
    /// If the capacity is 0 or not below `u32::MAX`.
    #[inline]
    pub fn join<R, K, O, C, FL, FR, FO>(
        self,
        right: R,
        within: Within<C>,
        left_key: FL,
        right_key: FR,
        combine: FO,
    ) -> Pipeline<In, O, (Op, JoinOp<Out, K, R, C, FL, FR, FO>)>
    where
        R: Stream,
        K: Hash + Eq,
        C: Clock,
        FL: FnMut(&Out) -> K,
        FR: FnMut(&R::Item) -> K,
        FO: FnMut(&Out, &R::Item) -> O,
    {
        self.then(crate::join(right, within, left_key, right_key, combine))
    }

    /// Adds [`join_left`](crate::join_left()).
    ///
    /// # Panics
    ///
    /// If the capacity is 0 or not below `u32::MAX`.
    #[inline]
    pub fn join_left<R, K, O, T, FL, FR, FO>(
        self,
        right: R,
        within: Within<T>,
        left_key: FL,
        right_key: FR,
        combine: FO,
    ) -> Pipeline<In, O, (Op, JoinLeftOp<Out, K, R, T, FL, FR, FO>)>
    where
        R: Stream,
        K: Hash + Eq,
        T: Timer,
        FL: FnMut(&Out) -> K,
        FR: FnMut(&R::Item) -> K,
        FO: FnMut(&Out, Option<&R::Item>) -> O,
    {
        self.then(crate::join_left(right, within, left_key, right_key, combine))
    }

    /// Adds [`join_outer`](crate::join_outer()).
    ///
    /// # Panics
    ///
    /// If the capacity is 0 or not below `u32::MAX`.
    #[inline]
    pub fn join_outer<R, K, O, T, FL, FR, FO>(
        self,
        right: R,
        within: Within<T>,
        left_key: FL,
        right_key: FR,
        combine: FO,
    ) -> Pipeline<In, O, (Op, JoinOuterOp<Out, K, R, T, FL, FR, FO>)>
    where
        R: Stream,
        K: Hash + Eq,
        T: Timer,
        FL: FnMut(&Out) -> K,
        FR: FnMut(&R::Item) -> K,
        FO: FnMut(EitherOrBoth<&Out, &R::Item>) -> O,
    {
        self.then(crate::join_outer(right, within, left_key, right_key, combine))
    }

    /// Adds [`correlate`](crate::correlate()).
    ///
    /// # Panics
    ///
    /// If the capacity is 0 or not below `u32::MAX`.
    #[inline]
    pub fn correlate<R, K, C, FL, FR>(
        self,
        right: R,
        within: Within<C>,
        left_key: FL,
        right_key: FR,
    ) -> Pipeline<In, (Out, R::Item), (Op, CorrelateOp<Out, K, R, C, FL, FR>)>
    where
        R: Stream,
        K: Hash + Eq,
        C: Clock,
        FL: FnMut(&Out) -> K,
        FR: FnMut(&R::Item) -> K,
    {
        self.then(crate::correlate(right, within, left_key, right_key))
    }

    /// Adds [`correlate_left`](crate::correlate_left()).
    ///
    /// # Panics
    ///
    /// If the capacity is 0 or not below `u32::MAX`.
    #[inline]
    pub fn correlate_left<R, K, T, FL, FR>(
        self,
        right: R,
        within: Within<T>,
        left_key: FL,
        right_key: FR,
    ) -> Pipeline<In, (Out, Option<R::Item>), (Op, CorrelateLeftOp<Out, K, R, T, FL, FR>)>
    where
        R: Stream,
        K: Hash + Eq,
        T: Timer,
        FL: FnMut(&Out) -> K,
        FR: FnMut(&R::Item) -> K,
    {
        self.then(crate::correlate_left(right, within, left_key, right_key))
    }
}

/// The step that brings together what was split.
#[cfg(feature = "std")]
impl<In, Out: Stream, Op> Pipeline<In, Out, Op> {
    /// Adds [`flat_merge`](crate::flat_merge()). What [`group_by`](crate::group_by()) emits depends on the source, so
    /// that goes in by [`pipe`](Self::pipe).
    ///
    /// # Panics
    ///
    /// If `limit` is 0.
    #[inline]
    pub fn flat_merge(self, limit: usize) -> Pipeline<In, Out::Item, (Op, crate::FlatMergeOp)> {
        self.then(crate::flat_merge(limit))
    }
}

/// The step for streams of results.
impl<In, T, E, Op> Pipeline<In, Result<T, E>, Op> {
    /// Adds [`batch_within_ok`](crate::batch_within_ok()).
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    #[inline]
    pub fn batch_within_ok<Time: Timer>(
        self,
        max: usize,
        age: Duration,
        timer: Time,
    ) -> Pipeline<In, Result<Vec<T>, E>, (Op, BatchWithinOkOp<Time>)> {
        self.then(crate::batch_within_ok(max, age, timer))
    }
}
