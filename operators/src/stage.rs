//! `stage`: a pipeline without a source, where every closure learns its item type from the step before.

mod ok;
mod timed;

use alloc::{borrow::ToOwned, vec::Vec};
use core::{
    fmt,
    future::Future,
    hash::{BuildHasher, Hash},
    marker::PhantomData,
};

use futures_core::Stream;

use crate::{
    AccumulateOp, BatchByOp, BatchOp, BatchReadyOp, ChainOp, ChainWithOp, DedupeOp, DedupeRefOp,
    DedupeRunsOp, FilterMapOp, FilterOp, FlatMapOp, FlatOp, IntoFlat, LatestMapOp, LatestOp, MapOp, MergeOp,
    Operator, ReduceFirstOp, ReduceOp, Seeded, TakeOp, TakeUntilOp, TakeWhileOp, ToVecMaxOp, ToVecOp,
    TryReduceOp, WindowMapOp, WindowOp, WithLatestMapOp, WithLatestOp, YieldingOp, ZipOp,
};

/// Begins a pipeline over items of type `T`: a reusable operator, built like a chain of methods.
///
/// ```
/// use futures::{executor::block_on, stream};
/// use pubsub_operators::{StreamOps, stage};
///
/// #[derive(Clone)]
/// struct Event {
///     topic: &'static str,
///     size: u32,
/// }
///
/// let large = stage::<Event>().filter(|event| event.size > 10).map(|event| event.topic).take(2);
///
/// let one = stream::iter([Event { topic: "a", size: 11 }]).pipe(large);
/// let other = stream::iter([Event { topic: "b", size: 9 }]).pipe(large);
/// assert_eq!(block_on(one.to_vec()), ["a"]);
/// assert!(block_on(other.to_vec()).is_empty());
/// ```
///
/// The type is inferred if the first closure names it (`stage().filter(|event: &Event| ..)`) or if no step needs it
/// (`stage().take(3)`).
///
/// Absent are [`filter_async`](crate::Flow::filter_async) and [`map_async`](crate::Flow::map_async), whose adaptors have
/// no name a step could give them, and `group_by`, whose groups have the source in their type: for these write a
/// function from stream to stream. Any other operator goes in by [`pipe`](Pipeline::pipe).
#[inline]
pub fn stage<T>() -> Pipeline<T, T> {
    Pipeline { operator: (), items: PhantomData }
}

/// What [`stage`] builds: an operator from streams of `In` to streams of `Out`.
///
/// `Clone` and `Copy` if its closures are; each application starts afresh. It is the tuple of its steps, and costs
/// what the methods of [`Flow`](crate::Flow) cost. To return one from a function name what comes out, `impl
/// Operator<S, Out: Stream<Item = String>>`, or write a function from stream to stream: a hidden third parameter
/// cannot be applied.
#[must_use = "a pipeline does nothing until it is applied to a stream"]
pub struct Pipeline<In, Out, Op = ()> {
    operator: Op,
    items: PhantomData<fn(In) -> Out>,
}

#[allow(clippy::type_complexity, reason = "the type is the pipeline, step by step")]
impl<In, Out, Op> Pipeline<In, Out, Op> {
    #[inline]
    fn then<Next, Step>(self, step: Step) -> Pipeline<In, Next, (Op, Step)> {
        Pipeline { operator: (self.operator, step), items: PhantomData }
    }

    /// Adds any other operator: one of your own, or a tuple of values.
    ///
    /// Nothing tells the compiler what its items are, so if no use does either they are said:
    ///
    /// ```
    /// use futures::{executor::block_on, stream};
    /// use pubsub_operators::{StreamOps, chain, stage, take};
    ///
    /// let framed = (take(2), chain(stream::iter([0])));
    /// let tens = stage::<u32>().pipe::<u32, _>(framed).map(|n| n * 10);
    /// assert_eq!(block_on(stream::iter([1, 2, 3]).pipe(tens).to_vec()), [10, 20, 0]);
    /// ```
    #[inline]
    pub fn pipe<Next, O>(self, operator: O) -> Pipeline<In, Next, (Op, O)> {
        self.then(operator)
    }

    /// Adds [`filter`](crate::filter()).
    #[inline]
    pub fn filter<F>(self, predicate: F) -> Pipeline<In, Out, (Op, FilterOp<Out, F>)>
    where
        F: FnMut(&Out) -> bool,
    {
        self.then(crate::filter(predicate))
    }

    /// Adds [`filter_map`](crate::filter_map()).
    #[inline]
    pub fn filter_map<B, F>(self, convert: F) -> Pipeline<In, B, (Op, FilterMapOp<Out, F>)>
    where
        F: FnMut(Out) -> Option<B>,
    {
        self.then(crate::filter_map(convert))
    }

    /// Adds [`map`](crate::map()).
    #[inline]
    pub fn map<B, F>(self, convert: F) -> Pipeline<In, B, (Op, MapOp<Out, F>)>
    where
        F: FnMut(Out) -> B,
    {
        self.then(crate::map(convert))
    }

    /// Adds [`take`](crate::take()).
    #[inline]
    pub fn take(self, n: usize) -> Pipeline<In, Out, (Op, TakeOp)> {
        self.then(crate::take(n))
    }

    /// Adds [`take_while`](crate::take_while()).
    #[inline]
    pub fn take_while<F>(self, predicate: F) -> Pipeline<In, Out, (Op, TakeWhileOp<Out, F>)>
    where
        F: FnMut(&Out) -> bool,
    {
        self.then(crate::take_while(predicate))
    }

    /// Adds [`take_until`](crate::take_until()).
    #[inline]
    pub fn take_until<Fut>(self, until: Fut) -> Pipeline<In, Out, (Op, TakeUntilOp<Fut>)>
    where
        Fut: Future,
    {
        self.then(crate::take_until(until))
    }

    /// Adds [`accumulate`](crate::accumulate()).
    #[inline]
    pub fn accumulate<A, F>(self, init: A, f: F) -> Pipeline<In, A, (Op, AccumulateOp<Out, A, F>)>
    where
        A: Clone,
        F: FnMut(&mut A, Out),
    {
        self.then(crate::accumulate(init, f))
    }

    /// Adds [`batch`](crate::batch()).
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    #[inline]
    pub fn batch(self, max: usize) -> Pipeline<In, Vec<Out>, (Op, BatchOp)> {
        self.then(crate::batch(max))
    }

    /// Adds [`batch_ready`](crate::batch_ready()).
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    #[inline]
    pub fn batch_ready(self, max: usize) -> Pipeline<In, Vec<Out>, (Op, BatchReadyOp)> {
        self.then(crate::batch_ready(max))
    }

    /// Adds [`batch_by`](crate::batch_by()).
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    #[inline]
    pub fn batch_by<K, F>(self, max: usize, key: F) -> Pipeline<In, (K, Vec<Out>), (Op, BatchByOp<Out, K, F>)>
    where
        K: PartialEq,
        F: FnMut(&Out) -> K,
    {
        self.then(crate::batch_by(max, key))
    }

    /// Adds [`dedupe`](crate::dedupe()).
    ///
    /// # Panics
    ///
    /// If `last` is 0 or more than `u32::MAX`.
    #[inline]
    pub fn dedupe<K, F>(self, last: usize, key: F) -> Pipeline<In, Out, (Op, DedupeOp<Out, K, F, Seeded>)>
    where
        K: Hash + Eq,
        F: FnMut(&Out) -> K,
    {
        self.then(crate::dedupe(last, key))
    }

    /// Adds [`dedupe_with_hasher`](crate::dedupe_with_hasher()).
    ///
    /// # Panics
    ///
    /// If `last` is 0 or more than `u32::MAX`.
    #[inline]
    pub fn dedupe_with_hasher<K, F, H>(
        self,
        last: usize,
        hasher: H,
        key: F,
    ) -> Pipeline<In, Out, (Op, DedupeOp<Out, K, F, H>)>
    where
        K: Hash + Eq,
        H: BuildHasher,
        F: FnMut(&Out) -> K,
    {
        self.then(crate::dedupe_with_hasher(last, hasher, key))
    }

    /// Adds [`dedupe_ref`](crate::dedupe_ref()).
    ///
    /// # Panics
    ///
    /// If `last` is 0 or more than `u32::MAX`.
    #[inline]
    pub fn dedupe_ref<Q, F>(
        self,
        last: usize,
        key: F,
    ) -> Pipeline<In, Out, (Op, DedupeRefOp<Out, Q::Owned, F, Seeded>)>
    where
        Q: ?Sized + Hash + Eq + ToOwned,
        F: FnMut(&Out) -> &Q,
    {
        self.then(crate::dedupe_ref(last, key))
    }

    /// Adds [`dedupe_ref_with_hasher`](crate::dedupe_ref_with_hasher()).
    ///
    /// # Panics
    ///
    /// If `last` is 0 or more than `u32::MAX`.
    #[inline]
    pub fn dedupe_ref_with_hasher<Q, F, H>(
        self,
        last: usize,
        hasher: H,
        key: F,
    ) -> Pipeline<In, Out, (Op, DedupeRefOp<Out, Q::Owned, F, H>)>
    where
        Q: ?Sized + Hash + Eq + ToOwned,
        H: BuildHasher,
        F: FnMut(&Out) -> &Q,
    {
        self.then(crate::dedupe_ref_with_hasher(last, hasher, key))
    }

    /// Adds [`dedupe_runs`](crate::dedupe_runs()).
    #[inline]
    pub fn dedupe_runs<K, F>(self, key: F) -> Pipeline<In, Out, (Op, DedupeRunsOp<Out, K, F>)>
    where
        K: PartialEq,
        F: FnMut(&Out) -> K,
    {
        self.then(crate::dedupe_runs(key))
    }

    /// Adds [`window`](crate::window()).
    ///
    /// # Panics
    ///
    /// If `size` or `step` is 0.
    #[inline]
    pub fn window(self, size: usize, step: usize) -> Pipeline<In, Vec<Out>, (Op, WindowOp)>
    where
        Out: Clone,
    {
        self.then(crate::window(size, step))
    }

    /// Adds [`window_map`](crate::window_map()).
    ///
    /// # Panics
    ///
    /// If `size` or `step` is 0.
    #[inline]
    pub fn window_map<R, F>(
        self,
        size: usize,
        step: usize,
        f: F,
    ) -> Pipeline<In, R, (Op, WindowMapOp<Out, F>)>
    where
        F: FnMut(&[Out]) -> R,
    {
        self.then(crate::window_map(size, step, f))
    }

    /// Adds [`flat`](crate::flat()).
    #[inline]
    pub fn flat<Via>(self) -> Pipeline<In, Out::Item, (Op, FlatOp<Via>)>
    where
        Out: IntoFlat<Via>,
    {
        self.then(crate::flat())
    }

    /// Adds [`flat_map`](crate::flat_map()).
    #[inline]
    pub fn flat_map<I, Via, F>(self, convert: F) -> Pipeline<In, I::Item, (Op, FlatMapOp<Out, Via, F>)>
    where
        I: IntoFlat<Via>,
        F: FnMut(Out) -> I,
    {
        self.then(crate::flat_map(convert))
    }

    /// Adds [`chain`](crate::chain()).
    #[inline]
    pub fn chain<Next>(self, next: Next) -> Pipeline<In, Out, (Op, ChainOp<Next>)>
    where
        Next: Stream<Item = Out>,
    {
        self.then(crate::chain(next))
    }

    /// Adds [`chain_with`](crate::chain_with()).
    #[inline]
    pub fn chain_with<Next, F>(self, make: F) -> Pipeline<In, Out, (Op, ChainWithOp<F>)>
    where
        Next: Stream<Item = Out>,
        F: FnOnce() -> Next,
    {
        self.then(crate::chain_with(make))
    }

    /// Adds [`merge`](crate::merge()).
    #[inline]
    pub fn merge<Other>(self, other: Other) -> Pipeline<In, Out, (Op, MergeOp<Other>)>
    where
        Other: Stream<Item = Out>,
    {
        self.then(crate::merge(other))
    }

    /// Adds [`zip`](crate::zip()).
    #[inline]
    pub fn zip<Other>(self, other: Other) -> Pipeline<In, (Out, Other::Item), (Op, ZipOp<Other>)>
    where
        Other: Stream,
    {
        self.then(crate::zip(other))
    }

    /// Adds [`latest`](crate::latest()).
    #[inline]
    pub fn latest<Other>(self, other: Other) -> Pipeline<In, (Out, Other::Item), (Op, LatestOp<Other>)>
    where
        Out: Clone,
        Other: Stream,
        Other::Item: Clone,
    {
        self.then(crate::latest(other))
    }

    /// Adds [`latest_map`](crate::latest_map()).
    #[inline]
    pub fn latest_map<Other, R, F>(
        self,
        other: Other,
        f: F,
    ) -> Pipeline<In, R, (Op, LatestMapOp<Out, Other, F>)>
    where
        Other: Stream,
        F: FnMut(&Out, &Other::Item) -> R,
    {
        self.then(crate::latest_map(other, f))
    }

    /// Adds [`with_latest`](crate::with_latest()).
    #[inline]
    pub fn with_latest<Other>(
        self,
        other: Other,
    ) -> Pipeline<In, (Out, Other::Item), (Op, WithLatestOp<Other>)>
    where
        Other: Stream,
        Other::Item: Clone,
    {
        self.then(crate::with_latest(other))
    }

    /// Adds [`with_latest_map`](crate::with_latest_map()).
    #[inline]
    pub fn with_latest_map<Other, R, F>(
        self,
        other: Other,
        f: F,
    ) -> Pipeline<In, R, (Op, WithLatestMapOp<Out, Other, F>)>
    where
        Other: Stream,
        F: FnMut(Out, &Other::Item) -> R,
    {
        self.then(crate::with_latest_map(other, f))
    }

    /// Adds [`yielding`](crate::yielding()).
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    #[inline]
    pub fn yielding(self, n: usize) -> Pipeline<In, Out, (Op, YieldingOp)> {
        self.then(crate::yielding(n))
    }

    /// Adds [`reduce`](crate::reduce()), which gives a future: the last step.
    #[inline]
    pub fn reduce<A, F>(self, init: A, f: F) -> (Self, ReduceOp<Out, A, F>)
    where
        F: FnMut(A, Out) -> A,
    {
        (self, crate::reduce(init, f))
    }

    /// Adds [`reduce_first`](crate::reduce_first()), which gives a future: the last step.
    #[inline]
    pub fn reduce_first<F>(self, f: F) -> (Self, ReduceFirstOp<Out, F>)
    where
        F: FnMut(Out, Out) -> Out,
    {
        (self, crate::reduce_first(f))
    }

    /// Adds [`try_reduce`](crate::try_reduce()), which gives a future: the last step.
    #[inline]
    pub fn try_reduce<A, E, F>(self, init: A, f: F) -> (Self, TryReduceOp<Out, A, F>)
    where
        F: FnMut(A, Out) -> Result<A, E>,
    {
        (self, crate::try_reduce(init, f))
    }

    /// Adds [`to_vec`](crate::to_vec()), which gives a future: the last step.
    #[inline]
    pub fn to_vec(self) -> (Self, ToVecOp) {
        (self, crate::to_vec())
    }

    /// Adds [`to_vec_max`](crate::to_vec_max()), which gives a future: the last step.
    #[inline]
    pub fn to_vec_max(self, max: usize) -> (Self, ToVecMaxOp) {
        (self, crate::to_vec_max(max))
    }
}

impl<In, Out, Op> Pipeline<In, Out, (Op, WindowOp)> {
    /// Lets the [`window`](crate::window()) before it emit also what is left at the end.
    #[inline]
    pub fn partial(self) -> Self {
        let (before, window) = self.operator;
        Self { operator: (before, window.partial()), items: PhantomData }
    }
}

impl<In, Out, Op, T, F> Pipeline<In, Out, (Op, WindowMapOp<T, F>)> {
    /// Lets the [`window_map`](crate::window_map()) before it show also what is left at the end.
    #[inline]
    pub fn partial(self) -> Self {
        let (before, window) = self.operator;
        Self { operator: (before, window.partial()), items: PhantomData }
    }
}

impl<S, In, Out, Op> Operator<S> for Pipeline<In, Out, Op>
where
    S: Stream<Item = In>,
    Op: Operator<S>,
{
    type Out = Op::Out;

    #[inline(always)]
    fn apply(self, source: S) -> Self::Out {
        self.operator.apply(source)
    }
}

impl<In, Out, Op: Clone> Clone for Pipeline<In, Out, Op> {
    fn clone(&self) -> Self {
        Self { operator: self.operator.clone(), items: PhantomData }
    }
}

impl<In, Out, Op: Copy> Copy for Pipeline<In, Out, Op> {}

impl<In, Out, Op: fmt::Debug> fmt::Debug for Pipeline<In, Out, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pipeline").field(&self.operator).finish()
    }
}
