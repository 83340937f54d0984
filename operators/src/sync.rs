//! The mutex of the operators that are shared between tasks. Under `--cfg loom` every interleaving around it is tried:
//! see `tests/loom-operators`.

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};
