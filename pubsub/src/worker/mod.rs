//! Worker threads: each has a bus of its own, and typed events cross between them without being encoded.
//!
//! A [`WorkerHost`] has the buses of all its workers, and one of its own, on one exchange: an event reaches every bus that
//! follows it, in one order for all. Nothing asks for a runtime, and no thread does nothing but carry events.

mod builder;
mod close;
mod core;
mod error;
mod host;
mod publish;
mod slot;
mod thread;
mod worker;

pub use self::builder::{RestartingWorker, WorkerBuilder};
pub use self::close::{CloseHost, HostReport};
pub use self::error::WorkerError;
pub use self::host::WorkerHost;
pub use self::publish::PublishTo;
pub use self::worker::{Worker, WorkerReport};
