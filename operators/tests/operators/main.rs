//! The tests of the crate: the contract over every adaptor, and what is particular to each.

mod harness;

mod accumulate;
mod asynchronous;
mod batch;
mod batch_within;
mod bounds;
mod chain;
mod costs;
mod dedupe;
mod dedupe_within;
mod filter;
mod flat;
mod flat_merge;
mod flow;
mod group_by;
mod hints;
mod join;
mod latest;
mod map;
mod merge;
mod methods;
mod pipe;
mod rate;
mod reduce;
mod take;
mod time;
mod timed_costs;
mod to_vec;
mod window;
mod window_within;
mod zip;
