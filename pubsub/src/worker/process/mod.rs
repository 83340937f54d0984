//! Workers that are processes: a member of the host's exchange that writes what it gets to a child's pipe, and publishes what it
//! reads from another.
//!
//! Each has five threads, which sleep most of the time: one for each pipe, one that waits for the process to end, and one that starts
//! it and sees to it. That one waits for none of the others longer than it has to: what a process leaves behind may hold its pipes.

mod bridge;
mod builder;
mod failure;
mod feed;
mod followed;
mod intake;
mod reader;
mod run;
mod stderr;
mod watch;

pub use self::builder::ProcessBuilder;
pub use self::failure::ProcessFailure;
