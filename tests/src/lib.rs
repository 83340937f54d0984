//! Tests that cross crates: see `tests/tests` in this folder. Here is what they share, with each other and with the program `stress`.

use std::time::Duration;

use pubsub::Subscription;

pub mod hub;
pub mod processes;
pub mod proxy;
pub mod raw;
#[path = "../../transports/tests/redis/harness/server.rs"]
pub mod server;

/// How long anything that is awaited may take.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// What comes in time.
///
/// # Panics
/// If it does not.
pub async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("no {what} in time"))
}

/// The next event, in time.
///
/// # Panics
/// If there is none.
pub async fn next<E>(subscription: &mut Subscription<E>) -> E {
    in_time("event", subscription.next()).await.expect("it goes on")
}

/// Waits until the condition holds, which nothing announces.
///
/// # Panics
/// If that takes too long.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    in_time(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
