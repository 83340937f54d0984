//! The second half of `operator_methods!`: what depends on time, and what relates two streams.

/// Expanded by `operator_methods!`, with the same arguments.
#[doc(hidden)]
#[macro_export]
macro_rules! operator_methods_timed {
    (
        impl [$($generics:tt)*] $target:ty [$($bounds:tt)*];
        source: $source:ty, item: $item:ty, into: $into:expr $(,)?
    ) => {
        /// The operators that depend on time.
        impl<$($generics)*> $target $($bounds)* {
            /// Gathers items into vectors of `max`, or of fewer when the first is `age` old:
            /// [`BatchWithin`](pubsub_operators::BatchWithin).
            ///
            /// # Panics
            ///
            /// If `max` is 0.
            #[doc(alias = "chunks_timeout")]
            #[doc(alias = "bufferTime")]
            #[doc(alias = "groupWithin")]
            #[inline]
            pub fn batch_within<Time>(
                self,
                max: usize,
                age: ::core::time::Duration,
                timer: Time,
            ) -> $crate::Flow<$crate::BatchWithin<$source, Time>>
            where
                Time: $crate::Timer,
            {
                $crate::Operator::apply($crate::batch_within(max, age, timer), $into(self))
            }

            /// The items of each `span` of time, one every `slide`, at most `max` of them:
            /// [`WindowWithin`](pubsub_operators::WindowWithin).
            ///
            /// # Panics
            ///
            /// If `span` or `slide` is zero, or `max` is 0.
            #[doc(alias = "windowTime")]
            #[doc(alias = "tumbling")]
            #[doc(alias = "hopping")]
            #[inline]
            pub fn window_within<Time>(
                self,
                span: ::core::time::Duration,
                slide: ::core::time::Duration,
                max: usize,
                timer: Time,
            ) -> $crate::Flow<$crate::WindowWithin<$source, Time>>
            where
                $item: Clone,
                Time: $crate::Timer,
            {
                $crate::Operator::apply($crate::window_within(span, slide, max, timer), $into(self))
            }

            /// Drops items whose key is among the `last` distinct ones and was first seen less than `ttl` ago:
            /// [`DedupeWithin`](pubsub_operators::DedupeWithin).
            ///
            /// # Panics
            ///
            /// If `last` is 0 or more than `u32::MAX`.
            #[inline]
            pub fn dedupe_within<K, Time, F>(
                self,
                last: usize,
                ttl: ::core::time::Duration,
                clock: Time,
                key: F,
            ) -> $crate::Flow<$crate::DedupeWithin<$source, F, K, Time>>
            where
                K: ::core::hash::Hash + Eq,
                Time: $crate::Clock,
                F: FnMut(&$item) -> K,
            {
                $crate::Operator::apply($crate::dedupe_within(last, ttl, clock, key), $into(self))
            }

            /// Emits an item once none has followed it for `quiet`: [`Debounce`](pubsub_operators::Debounce).
            #[doc(alias = "debounceTime")]
            #[inline]
            pub fn debounce<Time>(
                self,
                quiet: ::core::time::Duration,
                timer: Time,
            ) -> $crate::Flow<$crate::Debounce<$source, Time>>
            where
                Time: $crate::Timer,
            {
                $crate::Operator::apply($crate::debounce(quiet, timer), $into(self))
            }

            /// At most one item per `period`, and the last of each: [`Throttle`](pubsub_operators::Throttle).
            #[doc(alias = "throttleTime")]
            #[doc(alias = "sample")]
            #[doc(alias = "audit")]
            #[inline]
            pub fn throttle<Time>(
                self,
                period: ::core::time::Duration,
                timer: Time,
            ) -> $crate::Flow<$crate::Throttle<$source, Time>>
            where
                Time: $crate::Timer,
            {
                $crate::Operator::apply($crate::throttle(period, timer), $into(self))
            }
        }

        /// The operators that relate two streams by a key.
        impl<$($generics)*> $target $($bounds)* {
            /// What `combine` makes of every two items with equal keys that arrive within a while of each other: [`Join`](pubsub_operators::Join).
            ///
            /// # Panics
            ///
            /// If the capacity is 0 or not below `u32::MAX`.
            #[doc(alias = "innerJoin")]
            #[doc(alias = "windowJoin")]
            #[doc(alias = "intervalJoin")]
            #[inline]
            pub fn join<Other, K, O, Time, FL, FR, FO>(
                self,
                right: Other,
                within: $crate::Within<Time>,
                left_key: FL,
                right_key: FR,
                combine: FO,
            ) -> $crate::Flow<$crate::Join<$source, Other, K, FL, FR, FO, Time>>
            where
                Other: $crate::__private::Stream,
                K: ::core::hash::Hash + Eq,
                Time: $crate::Clock,
                FL: FnMut(&$item) -> K,
                FR: FnMut(&Other::Item) -> K,
                FO: FnMut(&$item, &Other::Item) -> O,
            {
                $crate::Operator::apply(
                    $crate::join(right, within, left_key, right_key, combine),
                    $into(self),
                )
            }

            /// `join`, and the left items that found no partner: [`JoinLeft`](pubsub_operators::JoinLeft).
            ///
            /// # Panics
            ///
            /// If the capacity is 0 or not below `u32::MAX`.
            #[doc(alias = "leftJoin")]
            #[inline]
            pub fn join_left<Other, K, O, Time, FL, FR, FO>(
                self,
                right: Other,
                within: $crate::Within<Time>,
                left_key: FL,
                right_key: FR,
                combine: FO,
            ) -> $crate::Flow<$crate::JoinLeft<$source, Other, K, FL, FR, FO, Time>>
            where
                Other: $crate::__private::Stream,
                K: ::core::hash::Hash + Eq,
                Time: $crate::Timer,
                FL: FnMut(&$item) -> K,
                FR: FnMut(&Other::Item) -> K,
                FO: FnMut(&$item, Option<&Other::Item>) -> O,
            {
                $crate::Operator::apply(
                    $crate::join_left(right, within, left_key, right_key, combine),
                    $into(self),
                )
            }

            /// `join`, and the items of both sides that found no partner: [`JoinOuter`](pubsub_operators::JoinOuter).
            ///
            /// # Panics
            ///
            /// If the capacity is 0 or not below `u32::MAX`.
            #[doc(alias = "outerJoin")]
            #[doc(alias = "fullJoin")]
            #[inline]
            pub fn join_outer<Other, K, O, Time, FL, FR, FO>(
                self,
                right: Other,
                within: $crate::Within<Time>,
                left_key: FL,
                right_key: FR,
                combine: FO,
            ) -> $crate::Flow<$crate::JoinOuter<$source, Other, K, FL, FR, FO, Time>>
            where
                Other: $crate::__private::Stream,
                K: ::core::hash::Hash + Eq,
                Time: $crate::Timer,
                FL: FnMut(&$item) -> K,
                FR: FnMut(&Other::Item) -> K,
                FO: FnMut($crate::EitherOrBoth<&$item, &Other::Item>) -> O,
            {
                $crate::Operator::apply(
                    $crate::join_outer(right, within, left_key, right_key, combine),
                    $into(self),
                )
            }

            /// Pairs each item with one of `right` that has the same key, by value: [`Correlate`](pubsub_operators::Correlate).
            ///
            /// # Panics
            ///
            /// If the capacity is 0 or not below `u32::MAX`.
            #[doc(alias = "requestReply")]
            #[inline]
            pub fn correlate<Other, K, Time, FL, FR>(
                self,
                right: Other,
                within: $crate::Within<Time>,
                left_key: FL,
                right_key: FR,
            ) -> $crate::Flow<$crate::Correlate<$source, Other, K, FL, FR, Time>>
            where
                Other: $crate::__private::Stream,
                K: ::core::hash::Hash + Eq,
                Time: $crate::Clock,
                FL: FnMut(&$item) -> K,
                FR: FnMut(&Other::Item) -> K,
            {
                $crate::Operator::apply(
                    $crate::correlate(right, within, left_key, right_key),
                    $into(self),
                )
            }

            /// `correlate`, and the left items that found no partner in time: [`CorrelateLeft`](pubsub_operators::CorrelateLeft).
            ///
            /// # Panics
            ///
            /// If the capacity is 0 or not below `u32::MAX`.
            #[doc(alias = "timeout")]
            #[inline]
            pub fn correlate_left<Other, K, Time, FL, FR>(
                self,
                right: Other,
                within: $crate::Within<Time>,
                left_key: FL,
                right_key: FR,
            ) -> $crate::Flow<$crate::CorrelateLeft<$source, Other, K, FL, FR, Time>>
            where
                Other: $crate::__private::Stream,
                K: ::core::hash::Hash + Eq,
                Time: $crate::Timer,
                FL: FnMut(&$item) -> K,
                FR: FnMut(&Other::Item) -> K,
            {
                $crate::Operator::apply(
                    $crate::correlate_left(right, within, left_key, right_key),
                    $into(self),
                )
            }
        }

        $crate::operator_methods_shared! {
            impl [$($generics)*] $target [$($bounds)*];
            source: $source, item: $item, into: $into,
        }
    };
}

/// Expanded by `operator_methods!`, with the same arguments: the operators that need a mutex.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! operator_methods_shared {
    (
        impl [$($generics:tt)*] $target:ty [$($bounds:tt)*];
        source: $source:ty, item: $item:ty, into: $into:expr $(,)?
    ) => {
        /// The operators of several streams that tasks may share.
        impl<$($generics)*> $target $($bounds)* {
            /// A stream per key: [`GroupBy`](pubsub_operators::GroupBy).
            ///
            /// # Panics
            ///
            /// If `max` or `per_group` is 0.
            #[doc(alias = "groupBy")]
            #[doc(alias = "partition")]
            #[inline]
            pub fn group_by<K, F>(
                self,
                groups: $crate::Groups,
                key: F,
            ) -> $crate::Flow<$crate::GroupBy<$source, K, F>>
            where
                K: ::core::hash::Hash + Eq + Clone,
                F: FnMut(&$item) -> K,
            {
                $crate::Operator::apply($crate::group_by(groups, key), $into(self))
            }

            /// The items of the streams inside, of `limit` at once: [`FlatMerge`](pubsub_operators::FlatMerge).
            ///
            /// # Panics
            ///
            /// If `limit` is 0.
            #[doc(alias = "flatten_unordered")]
            #[doc(alias = "mergeAll")]
            #[doc(alias = "parJoin")]
            #[inline]
            pub fn flat_merge(self, limit: usize) -> $crate::Flow<$crate::FlatMerge<$source>>
            where
                $item: $crate::__private::Stream,
            {
                $crate::Operator::apply($crate::flat_merge(limit), $into(self))
            }
        }
    };
}

/// Without a mutex there are none.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! operator_methods_shared {
    ($($arguments:tt)*) => {};
}
