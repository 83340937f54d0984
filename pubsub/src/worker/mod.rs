//! Worker threads: each has a bus of its own, and typed events cross between them without being encoded.
//!
//! A [`WorkerHost`] has the buses of all its workers, and one of its own, on one exchange: an event reaches every bus that
//! follows it, in one order for all. Nothing asks for a runtime, and no thread does nothing but carry events.

mod builder;
mod close;
mod core;
mod error;
mod handle;
mod host;
mod pool;
#[cfg(feature = "json")]
mod process;
mod publish;
mod slot;
mod thread;

pub use self::builder::{RestartingWorker, WorkerBuilder};
pub use self::close::{CloseHost, HostReport};
pub use self::error::WorkerError;
pub use self::handle::{Worker, WorkerReport};
pub use self::host::WorkerHost;
pub use self::pool::{Pool, PoolBuilder, PoolError, PoolReport};
#[cfg(feature = "json")]
pub use self::process::{ProcessBuilder, ProcessFailure};
pub use self::publish::PublishTo;
