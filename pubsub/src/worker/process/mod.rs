//! Workers that are processes: a member of the host's exchange that writes what it gets to a child's pipe, and publishes what it
//! reads from another.
//!
//! Each has four threads, which sleep most of the time: one for each pipe, and one that starts the process, sees to it that
//! it lives, and reaps it.

mod bridge;
mod builder;
mod failure;
mod feed;
mod run;
mod stderr;

pub use self::builder::ProcessBuilder;
pub use self::failure::ProcessFailure;
