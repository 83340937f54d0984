//! Tests that cross crates: see `tests/tests` in this folder.

pub mod fuzz;
pub mod memory;
pub mod processes;
