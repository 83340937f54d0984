//! Worker processes: events over pipes, what processes do wrong, and that nothing is left of them.

mod ends;
mod faults;
mod flow;
mod harness;
mod limits;
mod pool;
mod pool_ends;
mod room;
