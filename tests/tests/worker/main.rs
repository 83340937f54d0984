//! Worker threads: typed events between them, and how they end.

mod closing;
mod flow;
mod harness;
mod panics;
mod pool;
mod pool_ends;
