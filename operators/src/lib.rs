#![no_std]
#![forbid(unsafe_code)]
//! Operators for streams.

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
        Batch, BatchBy, BatchByOp, BatchOk, BatchOkOp, BatchOp, BatchReady, BatchReadyOp, BatchWithin,
        BatchWithinOk, BatchWithinOkOp, BatchWithinOp, batch, batch_by, batch_ok, batch_ready, batch_within,
        batch_within_ok,
    },
    chain::{Chain, ChainOp, ChainWith, ChainWithOp, chain, chain_with},
    debounce::{Debounce, DebounceOp, debounce},
    dedupe::{
        Dedupe, DedupeOk, DedupeOkOp, DedupeOp, DedupeRef, DedupeRefOp, DedupeRuns, DedupeRunsOp,
        DedupeWithin, DedupeWithinOp, RandomState, dedupe, dedupe_ok, dedupe_ok_with_hasher, dedupe_ref,
        dedupe_ref_with_hasher, dedupe_runs, dedupe_with_hasher, dedupe_within, dedupe_within_with_hasher,
    },
    filter::{
        Filter, FilterMap, FilterMapOk, FilterMapOkOp, FilterMapOp, FilterOk, FilterOkOp, FilterOp, filter,
        filter_map, filter_map_ok, filter_ok,
    },
    flat::{
        Flat, FlatMapOp, FlatOk, FlatOkOp, FlatOp, IntoFlat, ViaIterator, ViaStream, flat, flat_map, flat_ok,
    },
    flow::{Flow, Next},
    join::{
        Correlate, CorrelateLeft, CorrelateLeftOp, CorrelateOp, EitherOrBoth, Join, JoinLeft, JoinLeftOp,
        JoinOp, JoinOuter, JoinOuterOp, Within, correlate, correlate_left, join, join_left, join_outer,
    },
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
    throttle::{Throttle, ThrottleOp, throttle},
    time::{Clock, Sleep, Timer},
    to_vec::{
        Overflow, ToVec, ToVecMax, ToVecMaxOp, ToVecOp, TryToVec, TryToVecOp, to_vec, to_vec_max, try_to_vec,
    },
    window::{
        Window, WindowMap, WindowMapOp, WindowOk, WindowOkOp, WindowOp, WindowWithin, WindowWithinOp, window,
        window_map, window_ok, window_within,
    },
    yielding::{Yielding, YieldingOp, yielding},
    zip::{Zip, ZipOp, zip},
};

#[cfg(feature = "futures-timer")]
pub use self::time::{ThreadSleep, ThreadTimer};
#[cfg(feature = "tokio")]
pub use self::time::{TokioSleep, TokioTimer};
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
