//! The guide's chapters, compiled: every Rust block in them is a test of `cargo test -p pubsub-book`.
#![forbid(unsafe_code)]

pub mod chapters;

/// One module for each chapter, made by `build.rs`.
#[cfg(doctest)]
mod compiled {
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}
