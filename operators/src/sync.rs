//! The mutex of the operators that are shared between tasks. `tests/loom-operators` compiles it for the model checker,
//! which tries every interleaving around it.

#[cfg(pubsub_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(pubsub_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};
