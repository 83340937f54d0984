//! Operators for streams: `filter`, `map`, `batch`, `dedupe` and their kin, over any `futures_core::Stream`.
//!
//! ```
//! use futures::{executor::block_on, stream};
//! use pubsub_operators::StreamOps;
//!
//! let readings = stream::iter([("a", 7), ("b", 2), ("a", 7), ("a", 9), ("a", 8)]);
//!
//! let pairs = readings
//!     .flow()
//!     .filter(|(sensor, _)| *sensor == "a")
//!     .map(|(_, value)| value)
//!     .dedupe(64, |value| *value)
//!     .batch(2);
//!
//! assert_eq!(block_on(pairs.to_vec()), [vec![7, 9], vec![8]]);
//! ```
//!
//! # Five ways to write a pipeline
//!
//! | | | use it for |
//! |---|---|---|
//! | methods | `stream.flow().filter(f).take(3)` | almost everything: all types are inferred, and no imported `StreamExt` gets in the way |
//! | [`stage`] | `stage::<Event>().filter(f).take(3)` | a pipeline that is built once and applied to many streams |
//! | functions | `fn hot(s: impl Stream<Item = Event>) -> impl Stream<Item = u32>`, then `stream.pipe(hot)` | a pipeline with a name |
//! | tuples | `stream.pipe((filter(f), take(3)))` | joining operators that exist already; closures say their item type |
//! | [`pipe!`] | `pipe!(stream, filter(f), take(3))` | the same as methods, written as a list |
//!
//! All five cost the same. What [`pipe`](StreamOps::pipe) gives after a value, a tuple or a stage is a [`Flow`] again, on
//! which the methods go on; after a function it is what the function returns.
//!
//! # The operators
//!
//! | | |
//! |---|---|
//! | select | [`filter`](Flow::filter) [`filter_map`](Flow::filter_map) [`filter_async`](Flow::filter_async) [`take`](Flow::take) [`take_while`](Flow::take_while) [`take_until`](Flow::take_until) [`dedupe`](Flow::dedupe) [`dedupe_ref`](Flow::dedupe_ref) [`dedupe_runs`](Flow::dedupe_runs) [`dedupe_within`](Flow::dedupe_within) |
//! | convert | [`map`](Flow::map) [`map_async`](Flow::map_async) [`accumulate`](Flow::accumulate) [`flat`](Flow::flat) [`flat_map`](Flow::flat_map) |
//! | gather | [`batch`](Flow::batch) [`batch_ready`](Flow::batch_ready) [`batch_by`](Flow::batch_by) [`window`](Flow::window) [`window_map`](Flow::window_map) [`batch_within`](Flow::batch_within) [`window_within`](Flow::window_within) |
//! | combine | [`chain`](Flow::chain) [`chain_with`](Flow::chain_with) [`merge`](Flow::merge) [`zip`](Flow::zip) [`latest`](Flow::latest) [`latest_map`](Flow::latest_map) [`with_latest`](Flow::with_latest) [`with_latest_map`](Flow::with_latest_map) |
//! | relate by key | [`join`](Flow::join) [`join_left`](Flow::join_left) [`join_outer`](Flow::join_outer) [`correlate`](Flow::correlate) [`correlate_left`](Flow::correlate_left) |
//! | split and bring together | [`group_by`](Flow::group_by) [`flat_merge`](Flow::flat_merge) |
//! | slow down | [`debounce`](Flow::debounce) [`throttle`](Flow::throttle) |
//! | finish, as a future | [`reduce`](Flow::reduce) [`reduce_first`](Flow::reduce_first) [`try_reduce`](Flow::try_reduce) [`to_vec`](Flow::to_vec) [`to_vec_max`](Flow::to_vec_max) [`try_to_vec`](Flow::try_to_vec) |
//! | for results | [`filter_ok`](Flow::filter_ok) [`filter_map_ok`](Flow::filter_map_ok) [`map_ok`](Flow::map_ok) [`dedupe_ok`](Flow::dedupe_ok) [`batch_ok`](Flow::batch_ok) [`window_ok`](Flow::window_ok) [`flat_ok`](Flow::flat_ok) [`batch_within_ok`](Flow::batch_within_ok) |
//! | give way | [`yielding`](Flow::yielding) |
//!
//! The endings mean the same everywhere: `_async` takes an async closure, `_ok` acts on `Ok` and lets `Err` through in
//! order, `try_` finishes at the first `Err`, `_ref` takes a key borrowed from the item, `_map` shows a closure what
//! would otherwise be cloned, `_max` has a bound, `_by` takes a key, `_ready` does not wait, `_runs` looks at neighbours
//! only, `_within` goes by a clock, `_left` and `_outer` also give what found no partner, `_with` makes its argument when
//! it is needed, `_with_hasher` takes a hasher.
//!
//! # Time
//!
//! What depends on time takes a [`Clock`] or a [`Timer`] as an argument, so it runs on any executor: `TokioTimer` with
//! the feature `tokio`, `ThreadTimer` with the feature `futures-timer`, or your own. In tests [`ManualTimer`] stands
//! still until it is moved, and no test has to wait. Nothing needs a runtime at construction.
//!
//! # The contract
//!
//! Every adaptor keeps it; one test harness puts each of them through it.
//!
//! * **Pull.** Nothing is polled before the first poll, nothing is spawned, and no item is taken beyond what the
//!   operator says it holds. So backpressure is the source's own.
//! * **Order** is the source's. [`merge`](Flow::merge) keeps the order of each side, [`flat_merge`](Flow::flat_merge) of
//!   each inner stream, [`group_by`](Flow::group_by) within each group; a join goes by arrival.
//! * **The end.** `filter`, `map`, `accumulate`, `dedupe` and `flat` in all their forms but `_async` and `flat_merge`,
//!   and `yielding`, hand the end of their source through: they are fused if it is. All others are fused themselves, and never poll a
//!   source again that has ended.
//! * **Release.** Those others drop a source in the poll in which it ended or became useless, before the item of that
//!   poll is handed out: `take(n)` unsubscribes with item `n`.
//! * **Cancel safety.** All state is in the adaptor. A future of `next` borrows it; dropping that future loses nothing,
//!   and an async closure in flight goes on with the next poll. Dropping the adaptor drops what it holds; `batch`,
//!   `window`, `debounce` and `throttle` give it out first, by `take_buffered`.
//! * **Errors** are items like all others, except to the operators that end in `_ok`. Those emit what came before an
//!   error before the error, and go on; only an unfinished window of `window_ok` goes on over the error.
//! * **Panics** of a closure pass through the poll. The adaptor can still be dropped; if it is polled, it may go on,
//!   end or panic.
//! * **Wakes.** `Pending` is returned only after a source, an async closure or a timer returned it; or, by `yielding`,
//!   with the task already woken; or, by the parties of a `group_by`, when another of them polls the source or an item
//!   waits for room, and they are woken after that.
//! * **Fairness.** [`merge`](Flow::merge), [`latest`](Flow::latest) and what relates two streams by a key ask the side
//!   first that did not give the last item. Operators that drop or collect items take many in one poll, and so does
//!   [`with_latest`](Flow::with_latest) from its other side: a source that is always ready needs one
//!   [`yielding`](Flow::yielding) after it.
//! * **Bounds.** What an operator can hold is written at the operator, and given by the caller. Only `to_vec` and
//!   `try_to_vec` have no bound. A bound of 0 is refused at construction.
//! * **`size_hint`** is exact where that can be known, and never wrong if the source's is not. A hint that lies costs at
//!   most a wrong guess of room.
//! * **Traits.** `Send`, `Sync` and `Unpin` are those of the parts; `_async` is never `Unpin`. `Debug` asks nothing of
//!   items and closures and prints neither. Operator values are `Clone` and `Copy` if their closures are; each
//!   application starts afresh.
//!
//! # Coming from elsewhere
//!
//! | here | RxJS | `futures` | Kafka Streams |
//! |---|---|---|---|
//! | `filter`, `filter_map` | `filter` | `filter` with `ready(..)`, `filter_map` | `filter`, `flatMapValues` |
//! | `filter_async` | `concatMap` to none or one | `filter` | |
//! | `map`, `map_async` | `map`, `concatMap` | `map`, `then` | `mapValues` |
//! | `pipe`, `stage` | `pipe` | | `StreamsBuilder` |
//! | `take`, `take_while`, `take_until` | `take`, `takeWhile`, `takeUntil` | the same | |
//! | `reduce` | `reduce` | `fold` | `KGroupedStream.reduce`, its last value |
//! | `accumulate` | `scan` | `scan` | `aggregate`, as it is updated |
//! | `to_vec` | `toArray` | `collect` | |
//! | `batch`, `batch_ready` | `bufferCount` | `chunks`, `ready_chunks` | |
//! | `dedupe` | `distinct`, but bounded | `filter` with a set | a state store |
//! | `batch_within`, `window_within` | `bufferTime` | `tokio_stream`'s `chunks_timeout` | windowed `aggregate` |
//! | `dedupe_within` | `distinct` with a flush by `timer` | | a window store |
//! | `debounce`, `throttle` | `debounceTime`, `throttleTime` with both edges | | `suppress` |
//! | `group_by` | `groupBy`, but bounded | | `groupBy` |
//! | `flat_merge(n)` | `mergeAll(n)` | `flatten_unordered` | |
//! | `join`, `join_left`, `join_outer` | | | `KStream` to `KStream` `join`, `leftJoin`, `outerJoin` |
//! | `correlate`, `correlate_left` | `zip` by `groupBy`, with `timeout` | | |
//! | `dedupe_runs` | `distinctUntilChanged` | `filter` with the last key | |
//! | `window(n, k).partial()` | `bufferCount(n, k)`, which with `k` below `n` ends with several short buffers | | |
//! | `flat`, `flat_map` | `concatAll`, `concatMap` | `flatten`, `flat_map` | `flatMapValues` |
//! | `chain`, `chain_with` | `concatWith`, `concat` with `defer` | `chain` | |
//! | `merge` | `mergeWith` | `select` | `merge` |
//! | `zip` | `zipWith` | `zip` | |
//! | `latest`, `with_latest` | `combineLatestWith`, `withLatestFrom` | | `KTable` join, `KStream` to `KTable` join |
//! | `_ok`, `try_` | `materialize` | `TryStreamExt` | |
//!
//! # Use something else if
//!
//! * you need combinators for futures, sinks or reading and writing: those of `futures` go well with these, since a [`Flow`] is a
//!   `Stream` like any other;
//! * several calls of an async closure should run at once: `buffered` and `buffer_unordered` of `futures`;
//! * items come faster than one task can take them: share the work among tasks first, and then use operators in each;
//! * time is that of the events and not of their arrival, with late ones corrected: that is what engines of dataflow are for.
//!
//! Without its default feature `std` the crate needs `alloc` alone and has all but [`group_by`](Flow::group_by),
//! [`flat_merge`](Flow::flat_merge) and [`ManualTimer`], which need a mutex. It has no unsafe code.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;
// The list of methods is expanded in other crates too, and names this crate in its documentation.
extern crate self as pubsub_operators;

mod access;
mod accumulate;
mod batch;
mod chain;
mod debounce;
mod dedupe;
mod filter;
mod flat;
mod flow;
#[cfg(feature = "std")]
mod group_by;
mod join;
mod latest;
mod map;
mod merge;
mod methods;
mod methods_ok;
mod methods_timed;
mod operator;
mod pair;
mod pipe;
mod reduce;
mod sequential;
mod stage;
#[cfg(feature = "std")]
mod sync;
mod take;
mod throttle;
mod time;
mod to_vec;
mod window;
mod yielding;
mod zip;

pub use self::{
    accumulate::{Accumulate, AccumulateOp, accumulate},
    batch::{
        Batch, BatchBy, BatchByOp, BatchOk, BatchOkOp, BatchOp, BatchReady, BatchReadyOp, batch, batch_by,
        batch_ok, batch_ready,
    },
    chain::{Chain, ChainOp, ChainWith, ChainWithOp, chain, chain_with},
    dedupe::{
        Dedupe, DedupeOk, DedupeOkOp, DedupeOp, DedupeRef, DedupeRefOp, DedupeRuns, DedupeRunsOp, MakeHasher,
        RandomState, Seeded, dedupe, dedupe_ok, dedupe_ok_with_hasher, dedupe_ref, dedupe_ref_with_hasher,
        dedupe_runs, dedupe_with_hasher,
    },
    filter::{
        Filter, FilterMap, FilterMapOk, FilterMapOkOp, FilterMapOp, FilterOk, FilterOkOp, FilterOp, filter,
        filter_map, filter_map_ok, filter_ok,
    },
    flat::{
        Flat, FlatMapOp, FlatOk, FlatOkOp, FlatOp, IntoFlat, ViaIterator, ViaStream, flat, flat_map, flat_ok,
    },
    flow::{Flow, Next},
    latest::{
        Latest, LatestMap, LatestMapOp, LatestOp, WithLatest, WithLatestMap, WithLatestMapOp, WithLatestOp,
        latest, latest_map, with_latest, with_latest_map,
    },
    map::{Map, MapOk, MapOkOp, MapOp, map, map_ok},
    merge::{Merge, MergeOp, merge},
    operator::Operator,
    pipe::{StreamOps, pipe},
    reduce::{
        Reduce, ReduceFirst, ReduceFirstOp, ReduceOp, TryReduce, TryReduceOp, reduce, reduce_first,
        try_reduce,
    },
    stage::{Pipeline, stage},
    take::{Take, TakeOp, TakeUntil, TakeUntilOp, TakeWhile, TakeWhileOp, take, take_until, take_while},
    to_vec::{
        Overflow, ToVec, ToVecMax, ToVecMaxOp, ToVecOp, TryToVec, TryToVecOp, to_vec, to_vec_max, try_to_vec,
    },
    window::{Window, WindowMap, WindowMapOp, WindowOk, WindowOkOp, WindowOp, window, window_map, window_ok},
    yielding::{Yielding, YieldingOp, yielding},
    zip::{Zip, ZipOp, zip},
};

// What depends on time, and what relates or splits streams.
#[cfg(feature = "futures-timer")]
pub use self::time::{ThreadSleep, ThreadTimer};
#[cfg(feature = "tokio")]
pub use self::time::{TokioSleep, TokioTimer};
pub use self::{
    batch::{BatchWithin, BatchWithinOk, BatchWithinOkOp, BatchWithinOp, batch_within, batch_within_ok},
    debounce::{Debounce, DebounceOp, debounce},
    dedupe::{DedupeWithin, DedupeWithinOp, dedupe_within, dedupe_within_with_hasher},
    join::{
        Correlate, CorrelateLeft, CorrelateLeftOp, CorrelateOp, EitherOrBoth, Join, JoinLeft, JoinLeftOp,
        JoinOp, JoinOuter, JoinOuterOp, Within, correlate, correlate_left, join, join_left, join_outer,
    },
    throttle::{Throttle, ThrottleOp, throttle},
    time::{Clock, Sleep, Timer},
    window::{WindowWithin, WindowWithinOp, window_within},
};
#[cfg(feature = "std")]
pub use self::{
    flat::{FlatMerge, FlatMergeOp, flat_merge},
    group_by::{Group, GroupBy, GroupByOp, Groups, OnFull, group_by},
    time::{ManualSleep, ManualTimer},
};

/// What the expansion of [`operator_methods!`] needs where it is expanded.
#[doc(hidden)]
pub mod __private {
    pub use alloc::borrow::ToOwned;

    pub use futures_core::{FusedStream, Stream};

    pub use crate::{filter::filter_async, map::map_async};
}
