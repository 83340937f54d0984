//! A bus over Redis, from outside: typed events between processes' buses, on servers that are really killed.

mod faults;
mod harness;
mod promises;
mod since;
mod turns;
