//! The wires of the `pubsub` crate.
//!
//! This crate is a leaf: it names no payload type and no subscriber.
#![forbid(unsafe_code)]
