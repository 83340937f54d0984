//! How a worker process fails.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

/// Why a worker process ended that was not to end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProcessFailure {
    /// The system did not start it.
    NotStarted(Arc<io::Error>),
    /// It ended with this status, or by this signal.
    Exited(ExitStatus),
    /// What it wrote to standard output is nothing that a worker says. It was killed.
    Garbage {
        /// What showed it.
        reason: String,
    },
    /// It did not say in time that it is a worker. It was killed.
    NoHandshake {
        /// How long it was waited for.
        after: Duration,
    },
    /// It gave no sign of life any more. It was killed.
    Silent {
        /// For how long.
        after: Duration,
    },
    /// It did not read what it was sent. It was killed.
    NotReading {
        /// For how long.
        after: Duration,
    },
    /// It had closed its bus, or its standard output, and did not end. It was killed.
    NotExited {
        /// How long it was waited for.
        after: Duration,
    },
    /// It did not end before the deadline of the host's close. It was killed.
    Killed,
}

impl fmt::Display for ProcessFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(f, "it could not be started: {error}"),
            Self::Exited(status) => write!(f, "it ended with {status}"),
            Self::Garbage { reason } => {
                write!(f, "it wrote to standard output what no worker says, and was killed: {reason}")
            }
            Self::NoHandshake { after } => {
                write!(
                    f,
                    "it did not make a bus of `WorkerProcess::from_stdio` within {after:?}, and was killed"
                )
            }
            Self::Silent { after } => write!(f, "it gave no sign of life for {after:?}, and was killed"),
            Self::NotReading { after } => {
                write!(f, "it did not read what it was sent for {after:?}, and was killed")
            }
            Self::NotExited { after } => {
                write!(f, "it did not end within {after:?} after it had closed its bus, and was killed")
            }
            Self::Killed => f.write_str("it did not end in time, and was killed"),
        }
    }
}
