//! The guide's chapters, compiled: every Rust block in them is a test of `cargo test -p pubsub-book`.
#![forbid(unsafe_code)]

pub mod chapters;
pub mod marbles;

/// A redis-server for the chapters that need one.
#[path = "../../pubsub/examples/two_processes/server.rs"]
#[allow(missing_docs, reason = "a module of an example")]
pub mod server;

/// One module for each chapter, made by `build.rs`.
#[cfg(doctest)]
mod compiled {
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}
