//! What can go wrong with a pool.

use std::error::Error;
use std::fmt;

use crate::{AddressError, WorkerError};

/// Why no pool was started.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PoolError {
    /// The host has a pool of this name.
    NameTaken {
        /// The name.
        name: String,
    },
    /// The selector is an empty list: no event would ever match.
    NoTopic,
    /// A pool of no workers could do nothing.
    NoWorkers,
    /// The host is closed.
    Closed,
    /// A topic and id are no address.
    Address(AddressError),
    /// One of the workers could not be started. Those that were before it are told to stop.
    Worker(WorkerError),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken { name } => write!(f, "there is a pool `{name}` already"),
            Self::NoTopic => {
                f.write_str("the selector is empty, so no event would ever match: name at least one topic")
            }
            Self::NoWorkers => {
                f.write_str("a pool of no workers could do nothing: start it with at least one")
            }
            Self::Closed => f.write_str("the host of the workers is closed"),
            Self::Address(error) => error.fmt(f),
            Self::Worker(error) => error.fmt(f),
        }
    }
}

impl Error for PoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::Worker(error) => Some(error),
            _ => None,
        }
    }
}

impl From<WorkerError> for PoolError {
    fn from(error: WorkerError) -> Self {
        Self::Worker(error)
    }
}
