//! The list of operators as methods, written once: `Flow` expands it below, and so can any type that is a stream.

/// Gives a stream type the operators as inherent methods, which give a [`Flow`](crate::Flow).
///
/// `operator_methods! { impl [generics] Type [where ..]; source: Source, item: Item, into: path }`: `path` is a function
/// from the type to the stream the operators are applied to, whose type is `Source`. For a type that is that stream
/// itself it is `core::convert::identity`. The crate in which it is expanded has to depend on `pubsub-operators` under
/// its own name, for the links, and on `futures` for its doctests.
#[doc(hidden)]
#[macro_export]
macro_rules! operator_methods {
    (
        impl [$($generics:tt)*] $target:ty [$($bounds:tt)*];
        source: $source:ty, item: $item:ty, into: $into:expr $(,)?
    ) => {
        /// The operators.
        impl<$($generics)*> $target $($bounds)* {
            /// Keeps the items for which `predicate` is true: [`Filter`](pubsub_operators::Filter).
            #[inline]
            pub fn filter<F>(self, predicate: F) -> $crate::Flow<$crate::Filter<$source, F>>
            where
                F: FnMut(&$item) -> bool,
            {
                $crate::Operator::apply($crate::filter(predicate), $into(self))
            }

            /// Converts each item and keeps what is `Some`: [`FilterMap`](pubsub_operators::FilterMap).
            #[inline]
            pub fn filter_map<B, F>(self, convert: F) -> $crate::Flow<$crate::FilterMap<$source, F>>
            where
                F: FnMut($item) -> Option<B>,
            {
                $crate::Operator::apply($crate::filter_map(convert), $into(self))
            }

            /// Keeps the items for which an async predicate is true. It may borrow its item across awaits.
            ///
            /// ```text
            /// in   --1---2---3--|
            ///        filter_async(odd, asked elsewhere)
            /// out  ---1--------3|     each answer takes a moment
            /// ```
            ///
            /// ```
            /// use futures::{executor::block_on, stream};
            /// use pubsub_operators::StreamOps;
            ///
            /// async fn allowed(name: &str) -> bool {
            ///     name != "eve"
            /// }
            ///
            /// let names = ["ada", "eve"].map(String::from);
            /// let welcome = stream::iter(names).flow().filter_async(async |name| allowed(name).await);
            /// assert_eq!(block_on(welcome.to_vec()), ["ada"]);
            /// ```
            ///
            /// Write `async |item| ..`, not `|item| async ..`: only the first may borrow across awaits.
            ///
            /// One call at a time, in order; the next item is taken when the call is done. A call in flight is parked in
            /// the adaptor, so dropping a future of `next` neither cancels nor repeats it. Holds one item. Fused; the
            /// source is dropped when it ends. Not `Unpin`: for `next` pin it first, by `pin!(flow).flow()` or `boxed`.
            ///
            /// # Panics
            ///
            /// Polling again after the closure panicked.
            #[inline]
            pub fn filter_async<F>(
                self,
                predicate: F,
            ) -> $crate::Flow<impl $crate::__private::FusedStream<Item = $item>>
            where
                F: AsyncFnMut(&$item) -> bool,
            {
                $crate::__private::filter_async($into(self), predicate)
            }

            /// Converts every item: [`Map`](pubsub_operators::Map).
            #[inline]
            pub fn map<B, F>(self, convert: F) -> $crate::Flow<$crate::Map<$source, F>>
            where
                F: FnMut($item) -> B,
            {
                $crate::Operator::apply($crate::map(convert), $into(self))
            }

            /// Converts every item with an async closure.
            ///
            /// ```text
            /// in   --1---2---3--|
            ///        map_async(x 10, computed elsewhere)
            /// out  ---10--20--30|     each answer takes a moment
            /// ```
            ///
            /// ```
            /// use futures::{executor::block_on, stream};
            /// use pubsub_operators::StreamOps;
            ///
            /// async fn length(name: &str) -> usize {
            ///     name.len()
            /// }
            ///
            /// let lengths = stream::iter(["ada", "bo"]).flow().map_async(async |name| length(name).await);
            /// assert_eq!(block_on(lengths.to_vec()), [3, 2]);
            /// ```
            ///
            /// Write `async |item| ..`, not `|item| async ..`: only the first may borrow across awaits.
            ///
            /// One call at a time, in order; the next item is taken when the call is done. For several at once write
            /// `.map(f)` and `buffered(n)` of `futures`. A call in flight is parked in the adaptor, so dropping a future
            /// of `next` neither cancels nor repeats it. Holds one item. Fused; the source is dropped when it ends. Not
            /// `Unpin`: for `next` pin it first, by `pin!(flow).flow()` or `boxed`.
            ///
            /// # Panics
            ///
            /// Polling again after the closure panicked.
            #[inline]
            pub fn map_async<B, F>(
                self,
                convert: F,
            ) -> $crate::Flow<impl $crate::__private::FusedStream<Item = B>>
            where
                F: AsyncFnMut($item) -> B,
            {
                $crate::__private::map_async($into(self), convert)
            }

            /// The first `n` items, then the end: [`Take`](pubsub_operators::Take).
            #[doc(alias = "first")]
            #[doc(alias = "limit")]
            #[inline]
            pub fn take(self, n: usize) -> $crate::Flow<$crate::Take<$source>> {
                $crate::Operator::apply($crate::take(n), $into(self))
            }

            /// The items up to the first for which `predicate` is false: [`TakeWhile`](pubsub_operators::TakeWhile).
            #[inline]
            pub fn take_while<F>(self, predicate: F) -> $crate::Flow<$crate::TakeWhile<$source, F>>
            where
                F: FnMut(&$item) -> bool,
            {
                $crate::Operator::apply($crate::take_while(predicate), $into(self))
            }

            /// The items up to the moment `until` completes: [`TakeUntil`](pubsub_operators::TakeUntil).
            #[doc(alias = "takeUntil")]
            #[inline]
            pub fn take_until<Fut>(self, until: Fut) -> $crate::Flow<$crate::TakeUntil<$source, Fut>>
            where
                Fut: ::core::future::Future,
            {
                $crate::Operator::apply($crate::take_until(until), $into(self))
            }

            /// Folds into a state and emits it after every item: [`Accumulate`](pubsub_operators::Accumulate).
            #[doc(alias = "scan")]
            #[inline]
            pub fn accumulate<A, F>(self, init: A, f: F) -> $crate::Flow<$crate::Accumulate<$source, A, F>>
            where
                A: Clone,
                F: FnMut(&mut A, $item),
            {
                $crate::Operator::apply($crate::accumulate(init, f), $into(self))
            }

            /// Gathers items into vectors of `max`: [`Batch`](pubsub_operators::Batch).
            ///
            /// # Panics
            ///
            /// If `max` is 0.
            #[doc(alias = "chunks")]
            #[doc(alias = "bufferCount")]
            #[doc(alias = "buffer")]
            #[inline]
            pub fn batch(self, max: usize) -> $crate::Flow<$crate::Batch<$source>> {
                $crate::Operator::apply($crate::batch(max), $into(self))
            }

            /// Gathers what is ready now, one item to `max`: [`BatchReady`](pubsub_operators::BatchReady).
            ///
            /// # Panics
            ///
            /// If `max` is 0.
            #[doc(alias = "ready_chunks")]
            #[inline]
            pub fn batch_ready(self, max: usize) -> $crate::Flow<$crate::BatchReady<$source>> {
                $crate::Operator::apply($crate::batch_ready(max), $into(self))
            }

            /// Gathers neighbours with equal keys, up to `max`: [`BatchBy`](pubsub_operators::BatchBy).
            ///
            /// # Panics
            ///
            /// If `max` is 0.
            #[doc(alias = "groupAdjacentBy")]
            #[doc(alias = "chunk_by")]
            #[inline]
            pub fn batch_by<K, F>(self, max: usize, key: F) -> $crate::Flow<$crate::BatchBy<$source, K, F>>
            where
                K: PartialEq,
                F: FnMut(&$item) -> K,
            {
                $crate::Operator::apply($crate::batch_by(max, key), $into(self))
            }

            /// Drops items whose key is among the `last` distinct ones: [`Dedupe`](pubsub_operators::Dedupe).
            ///
            /// # Panics
            ///
            /// If `last` is 0 or more than `u32::MAX`.
            #[doc(alias = "distinct")]
            #[doc(alias = "unique")]
            #[doc(alias = "dedup")]
            #[inline]
            pub fn dedupe<K, F>(self, last: usize, key: F) -> $crate::Flow<$crate::Dedupe<$source, F, K>>
            where
                K: ::core::hash::Hash + Eq,
                F: FnMut(&$item) -> K,
            {
                $crate::Operator::apply($crate::dedupe(last, key), $into(self))
            }

            /// `dedupe` with a hasher of your own: [`Dedupe`](pubsub_operators::Dedupe).
            ///
            /// # Panics
            ///
            /// If `last` is 0 or more than `u32::MAX`.
            #[inline]
            pub fn dedupe_with_hasher<K, F, H>(self, last: usize, hasher: H, key: F) -> $crate::Flow<$crate::Dedupe<$source, F, K, H>>
            where
                K: ::core::hash::Hash + Eq,
                H: ::core::hash::BuildHasher,
                F: FnMut(&$item) -> K,
            {
                $crate::Operator::apply($crate::dedupe_with_hasher(last, hasher, key), $into(self))
            }

            /// `dedupe` by a key borrowed from the item: [`DedupeRef`](pubsub_operators::DedupeRef).
            ///
            /// # Panics
            ///
            /// If `last` is 0 or more than `u32::MAX`.
            #[inline]
            pub fn dedupe_ref<Q, F>(self, last: usize, key: F) -> $crate::Flow<$crate::DedupeRef<$source, F, Q::Owned>>
            where
                Q: ?Sized + ::core::hash::Hash + Eq + $crate::__private::ToOwned,
                Q::Owned: ::core::hash::Hash + Eq,
                F: FnMut(&$item) -> &Q,
            {
                $crate::Operator::apply($crate::dedupe_ref(last, key), $into(self))
            }

            /// `dedupe_ref` with a hasher of your own: [`DedupeRef`](pubsub_operators::DedupeRef).
            ///
            /// # Panics
            ///
            /// If `last` is 0 or more than `u32::MAX`.
            #[inline]
            pub fn dedupe_ref_with_hasher<Q, F, H>(self, last: usize, hasher: H, key: F) -> $crate::Flow<$crate::DedupeRef<$source, F, Q::Owned, H>>
            where
                Q: ?Sized + ::core::hash::Hash + Eq + $crate::__private::ToOwned,
                Q::Owned: ::core::hash::Hash + Eq,
                H: ::core::hash::BuildHasher,
                F: FnMut(&$item) -> &Q,
            {
                $crate::Operator::apply($crate::dedupe_ref_with_hasher(last, hasher, key), $into(self))
            }

            /// Drops items whose key equals that of the one before: [`DedupeRuns`](pubsub_operators::DedupeRuns).
            #[doc(alias = "distinctUntilChanged")]
            #[doc(alias = "dedup")]
            #[inline]
            pub fn dedupe_runs<K, F>(self, key: F) -> $crate::Flow<$crate::DedupeRuns<$source, F, K>>
            where
                K: PartialEq,
                F: FnMut(&$item) -> K,
            {
                $crate::Operator::apply($crate::dedupe_runs(key), $into(self))
            }

            /// Windows of `size` items, one every `step`: [`Window`](pubsub_operators::Window).
            ///
            /// # Panics
            ///
            /// If `size` or `step` is 0.
            #[doc(alias = "windows")]
            #[doc(alias = "sliding")]
            #[doc(alias = "pairwise")]
            #[doc(alias = "bufferCount")]
            #[inline]
            pub fn window(self, size: usize, step: usize) -> $crate::Flow<$crate::Window<$source>>
            where
                $item: Clone,
            {
                $crate::Operator::apply($crate::window(size, step), $into(self))
            }

            /// What `f` makes of each window, without copies: [`WindowMap`](pubsub_operators::WindowMap).
            ///
            /// # Panics
            ///
            /// If `size` or `step` is 0.
            #[inline]
            pub fn window_map<R, F>(self, size: usize, step: usize, f: F) -> $crate::Flow<$crate::WindowMap<$source, F>>
            where
                F: FnMut(&[$item]) -> R,
            {
                $crate::Operator::apply($crate::window_map(size, step, f), $into(self))
            }

            /// The items inside the items: [`Flat`](pubsub_operators::Flat).
            #[doc(alias = "flatten")]
            #[doc(alias = "concatAll")]
            #[inline]
            pub fn flat<Via>(self) -> $crate::Flow<$crate::Flat<$source, Via>>
            where
                $item: $crate::IntoFlat<Via>,
            {
                $crate::Operator::apply($crate::flat(), $into(self))
            }

            /// Converts every item and emits what is inside: [`flat_map`](fn@pubsub_operators::flat_map).
            #[doc(alias = "concatMap")]
            #[inline]
            pub fn flat_map<I, Via, F>(self, convert: F) -> $crate::Flow<$crate::Flat<$crate::Map<$source, F>, Via>>
            where
                I: $crate::IntoFlat<Via>,
                F: FnMut($item) -> I,
            {
                $crate::Operator::apply($crate::flat_map(convert), $into(self))
            }

            /// These items, then those of `next`: [`Chain`](pubsub_operators::Chain).
            #[doc(alias = "concat")]
            #[doc(alias = "concatWith")]
            #[inline]
            pub fn chain<Next>(self, next: Next) -> $crate::Flow<$crate::Chain<$source, Next>>
            where
                Next: $crate::__private::Stream<Item = $item>,
            {
                $crate::Operator::apply($crate::chain(next), $into(self))
            }

            /// These items, then those of a stream made at the seam: [`ChainWith`](pubsub_operators::ChainWith).
            #[doc(alias = "defer")]
            #[inline]
            pub fn chain_with<Next, F>(self, make: F) -> $crate::Flow<$crate::ChainWith<$source, Next, F>>
            where
                Next: $crate::__private::Stream<Item = $item>,
                F: FnOnce() -> Next,
            {
                $crate::Operator::apply($crate::chain_with(make), $into(self))
            }

            /// The items of both streams, as they come: [`Merge`](pubsub_operators::Merge).
            #[doc(alias = "mergeWith")]
            #[doc(alias = "select")]
            #[inline]
            pub fn merge<Other>(self, other: Other) -> $crate::Flow<$crate::Merge<$source, Other>>
            where
                Other: $crate::__private::Stream<Item = $item>,
            {
                $crate::Operator::apply($crate::merge(other), $into(self))
            }

            /// Pairs the items of both streams by position: [`Zip`](pubsub_operators::Zip).
            #[doc(alias = "zipWith")]
            #[inline]
            pub fn zip<Other>(self, other: Other) -> $crate::Flow<$crate::Zip<$source, Other>>
            where
                Other: $crate::__private::Stream,
            {
                $crate::Operator::apply($crate::zip(other), $into(self))
            }

            /// The last items of both, whenever either gives one: [`Latest`](pubsub_operators::Latest).
            #[doc(alias = "combineLatest")]
            #[doc(alias = "combine_latest")]
            #[inline]
            pub fn latest<Other>(self, other: Other) -> $crate::Flow<$crate::Latest<$source, Other>>
            where
                Other: $crate::__private::Stream,
                $item: Clone,
                Other::Item: Clone,
            {
                $crate::Operator::apply($crate::latest(other), $into(self))
            }

            /// What `f` makes of the last items of both, without copies: [`LatestMap`](pubsub_operators::LatestMap).
            #[inline]
            pub fn latest_map<Other, R, F>(self, other: Other, f: F) -> $crate::Flow<$crate::LatestMap<$source, Other, F>>
            where
                Other: $crate::__private::Stream,
                F: FnMut(&$item, &Other::Item) -> R,
            {
                $crate::Operator::apply($crate::latest_map(other, f), $into(self))
            }

            /// Each item with the last one of `other`: [`WithLatest`](pubsub_operators::WithLatest).
            #[doc(alias = "withLatestFrom")]
            #[inline]
            pub fn with_latest<Other>(self, other: Other) -> $crate::Flow<$crate::WithLatest<$source, Other>>
            where
                Other: $crate::__private::Stream,
                Other::Item: Clone,
            {
                $crate::Operator::apply($crate::with_latest(other), $into(self))
            }

            /// What `f` makes of each item and the last one of `other`: [`WithLatestMap`](pubsub_operators::WithLatestMap).
            #[inline]
            pub fn with_latest_map<Other, R, F>(self, other: Other, f: F) -> $crate::Flow<$crate::WithLatestMap<$source, Other, F>>
            where
                Other: $crate::__private::Stream,
                F: FnMut($item, &Other::Item) -> R,
            {
                $crate::Operator::apply($crate::with_latest_map(other, f), $into(self))
            }

            /// Gives other tasks a turn after `n` items that were ready: [`Yielding`](pubsub_operators::Yielding).
            ///
            /// # Panics
            ///
            /// If `n` is 0.
            #[doc(alias = "cooperative")]
            #[inline]
            pub fn yielding(self, n: usize) -> $crate::Flow<$crate::Yielding<$source>> {
                $crate::Operator::apply($crate::yielding(n), $into(self))
            }

            /// All items folded into one value, from `init` on: [`Reduce`](pubsub_operators::Reduce).
            #[doc(alias = "fold")]
            #[doc(alias = "aggregate")]
            #[inline]
            pub fn reduce<A, F>(self, init: A, f: F) -> $crate::Reduce<$source, A, F>
            where
                F: FnMut(A, $item) -> A,
            {
                $crate::Operator::apply($crate::reduce(init, f), $into(self))
            }

            /// All items folded into one, from the first on: [`ReduceFirst`](pubsub_operators::ReduceFirst).
            #[doc(alias = "fold1")]
            #[inline]
            pub fn reduce_first<F>(self, f: F) -> $crate::ReduceFirst<$source, F>
            where
                F: FnMut($item, $item) -> $item,
            {
                $crate::Operator::apply($crate::reduce_first(f), $into(self))
            }

            /// All items folded into one value, until a step fails: [`TryReduce`](pubsub_operators::TryReduce).
            #[doc(alias = "try_fold")]
            #[inline]
            pub fn try_reduce<A, E, F>(self, init: A, f: F) -> $crate::TryReduce<$source, A, F>
            where
                F: FnMut(A, $item) -> Result<A, E>,
            {
                $crate::Operator::apply($crate::try_reduce(init, f), $into(self))
            }

            /// All items in a vector, without a bound: [`ToVec`](pubsub_operators::ToVec).
            #[doc(alias = "toArray")]
            #[doc(alias = "to_array")]
            #[doc(alias = "collect")]
            #[inline]
            pub fn to_vec(self) -> $crate::ToVec<$source> {
                $crate::Operator::apply($crate::to_vec(), $into(self))
            }

            /// All items in a vector, if they are at most `max`: [`ToVecMax`](pubsub_operators::ToVecMax).
            #[inline]
            pub fn to_vec_max(self, max: usize) -> $crate::ToVecMax<$source> {
                $crate::Operator::apply($crate::to_vec_max(max), $into(self))
            }

            /// Applies an operator: a value, a tuple, a `stage` or a function. See
            /// [`StreamOps::pipe`](pubsub_operators::StreamOps::pipe).
            #[inline]
            pub fn pipe<O>(self, operator: O) -> O::Out
            where
                O: $crate::Operator<$source>,
            {
                operator.apply($into(self))
            }

            /// Hands the flow to a closure. See [`StreamOps::through`](pubsub_operators::StreamOps::through).
            #[inline]
            pub fn through<R>(self, f: impl FnOnce($crate::Flow<$source>) -> R) -> R {
                f($crate::Flow::new($into(self)))
            }
        }

        $crate::operator_methods_timed! {
            impl [$($generics)*] $target [$($bounds)*];
            source: $source, item: $item, into: $into,
        }
    };
}

operator_methods! {
    impl [S: futures_core::Stream] crate::Flow<S> [];
    source: S, item: S::Item, into: crate::Flow::into_inner,
}
