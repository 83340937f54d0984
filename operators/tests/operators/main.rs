//! The tests of the crate: the contract over every adaptor, and what is particular to each.

mod harness;

mod accumulate;
mod asynchronous;
mod batch;
mod bounds;
mod chain;
mod costs;
mod dedupe;
mod filter;
mod flat;
mod flow;
mod latest;
mod map;
mod merge;
mod pipe;
mod reduce;
mod take;
mod to_vec;
mod window;
mod zip;
