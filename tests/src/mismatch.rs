//! What was expected, and what was observed instead: a failure that says both.

use std::fmt;

use crate::waiting::DEADLINE;

/// Why a check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What should have been.
    pub expected: String,
    /// What was.
    pub observed: String,
}

impl Mismatch {
    /// One of these texts.
    pub fn new(expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Self { expected: expected.into(), observed: observed.into() }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}; observed {}", self.expected, self.observed)
    }
}

/// What comes in time.
///
/// # Errors
/// If it does not.
pub async fn in_time<F: Future>(what: &str, future: F) -> Result<F::Output, Mismatch> {
    let late = |_| Mismatch::new(what, format!("nothing for {} s", DEADLINE.as_secs()));
    tokio::time::timeout(DEADLINE, future).await.map_err(late)
}
