//! Tests that cross crates: see `tests/tests` in this folder.

pub mod processes;
