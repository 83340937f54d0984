//! What threads meet at in the exchange. `tests/loom-exchange` compiles it for the model checker, which tries every interleaving
//! around it.

#[cfg(pubsub_loom)]
pub(super) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};
#[cfg(not(pubsub_loom))]
pub(super) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};
