//! Operators for streams of anything: `filter`, `map`, `batch`, `dedupe` and their kin, as adaptors that only
//! pull.
//!
//! This crate is a leaf: it knows `futures_core::Stream` and nothing of topics, events or transports. It holds no
//! operator yet.
#![forbid(unsafe_code)]
