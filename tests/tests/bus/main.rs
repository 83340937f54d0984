//! What the bus promises, tested from outside: one binary, a module for each promise.

mod closing;
mod delivery;
mod handling;
mod harness;
mod operators;
mod ordering;
mod overflow;
mod publisher;
mod publishing;
mod reentrancy;
mod selecting;
mod stats;
mod testing;
