//! Worker processes: events over pipes, what processes do wrong, and that nothing is left of them.

mod faults;
mod flow;
mod harness;
mod pool;
