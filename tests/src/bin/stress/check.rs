//! What was expected, and what was observed instead.

use std::fmt::{Debug, Display};
use std::time::Duration;

pub(crate) use pubsub_tests::mismatch::{Mismatch, in_time};

/// What a scenario did, or why it failed.
pub(crate) type Outcome = Result<String, Mismatch>;

pub(crate) fn same<T: PartialEq + Debug>(what: &str, observed: T, expected: T) -> Result<(), Mismatch> {
    if observed == expected {
        return Ok(());
    }
    Err(Mismatch::new(format!("{what}: {expected:?}"), format!("{observed:?}")))
}

pub(crate) fn holds(holds: bool, expected: &str, observed: impl FnOnce() -> String) -> Result<(), Mismatch> {
    if holds { Ok(()) } else { Err(Mismatch::new(expected, observed())) }
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
