//! What was expected, and what was observed instead.

use std::fmt::{self, Debug, Display};
use std::time::Duration;

use pubsub_tests::waiting::DEADLINE;

/// Why a scenario failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) observed: String,
}

/// What a scenario did, or why it failed.
pub(crate) type Outcome = Result<String, Mismatch>;

impl Mismatch {
    pub(crate) fn new(expected: impl Into<String>, observed: impl Into<String>) -> Self {
        Self { expected: expected.into(), observed: observed.into() }
    }
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}; observed {}", self.expected, self.observed)
    }
}

pub(crate) fn same<T: PartialEq + Debug>(what: &str, observed: T, expected: T) -> Result<(), Mismatch> {
    if observed == expected {
        return Ok(());
    }
    Err(Mismatch::new(format!("{what}: {expected:?}"), format!("{observed:?}")))
}

pub(crate) fn holds(holds: bool, expected: &str, observed: impl FnOnce() -> String) -> Result<(), Mismatch> {
    if holds { Ok(()) } else { Err(Mismatch::new(expected, observed())) }
}

/// What comes in time.
pub(crate) async fn in_time<F: Future>(what: &str, future: F) -> Result<F::Output, Mismatch> {
    let late = |_| Mismatch::new(what, format!("nothing for {} s", DEADLINE.as_secs()));
    tokio::time::timeout(DEADLINE, future).await.map_err(late)
}

/// Waits until the condition holds, which nothing announces.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) -> Result<(), Mismatch> {
    in_time(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
}

/// An error, or nothing, where something was expected.
pub(crate) trait OrMismatch<T> {
    fn or_mismatch(self, expected: &str) -> Result<T, Mismatch>;
}

impl<T, E: Display> OrMismatch<T> for Result<T, E> {
    fn or_mismatch(self, expected: &str) -> Result<T, Mismatch> {
        self.map_err(|error| Mismatch::new(expected, error.to_string()))
    }
}

impl<T> OrMismatch<T> for Option<T> {
    fn or_mismatch(self, expected: &str) -> Result<T, Mismatch> {
        self.ok_or_else(|| Mismatch::new(expected, "nothing"))
    }
}
