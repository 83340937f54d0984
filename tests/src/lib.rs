//! Tests that cross crates: see `tests/tests` in this folder. What several of them need stands here once.

pub mod client;
pub mod hubs;
pub mod processes;
pub mod waiting;
