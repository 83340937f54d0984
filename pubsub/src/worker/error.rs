//! What can go wrong with a worker.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Why there is no such worker, or none any more.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum WorkerError {
    /// A worker of this name is running.
    NameTaken {
        /// The name.
        name: String,
    },
    /// The name is empty or contains a zero byte, so a thread cannot have it.
    InvalidName {
        /// The name.
        name: String,
    },
    /// The host is closed.
    Closed,
    /// The system gave no thread, or no runtime for it.
    NotStarted {
        /// The worker.
        name: String,
        /// What the system said; also the [`source`](Error::source).
        error: Arc<io::Error>,
    },
    /// It panicked, and was not restarted (any more).
    Panicked {
        /// The worker.
        name: String,
        /// What it panicked with.
        message: String,
        /// How often it had been restarted before.
        restarts: u32,
    },
    /// It is a process that failed, and was not started again (any more).
    #[cfg(feature = "json")]
    Failed {
        /// The worker.
        name: String,
        /// How it failed.
        failure: super::ProcessFailure,
        /// How often it had been restarted before.
        restarts: u32,
    },
    /// It ended before what was waited for.
    Ended {
        /// The worker.
        name: String,
    },
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken { name } => write!(f, "a worker `{name}` is running already"),
            Self::InvalidName { name } => {
                write!(f, "{name:?} is no name for a worker: it is empty or contains a zero byte")
            }
            Self::Closed => f.write_str("the host of the workers is closed"),
            Self::NotStarted { name, .. } => write!(f, "the worker `{name}` could not be started"),
            Self::Panicked { name, message, restarts: 0 } => {
                write!(f, "the worker `{name}` panicked: {message}")
            }
            Self::Panicked { name, message, restarts } => {
                write!(f, "the worker `{name}` panicked, restarts before: {restarts}: {message}")
            }
            #[cfg(feature = "json")]
            Self::Failed { name, failure, restarts: 0 } => write!(f, "the worker `{name}` failed: {failure}"),
            #[cfg(feature = "json")]
            Self::Failed { name, failure, restarts } => {
                write!(f, "the worker `{name}` failed, restarts before: {restarts}: {failure}")
            }
            Self::Ended { name } => write!(f, "the worker `{name}` has ended"),
        }
    }
}

impl Error for WorkerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotStarted { error, .. } => Some(&**error),
            _ => None,
        }
    }
}
