//! Waiting for what must happen, with a deadline.

use std::time::Duration;

use pubsub::Subscription;

/// How long anything that is awaited may take.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// What comes in time.
///
/// # Panics
/// If it does not.
pub async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("no {what} in time"))
}

/// The next event.
///
/// # Panics
/// If none comes in time, or the subscription is over.
pub async fn next<E>(subscription: &mut Subscription<E>) -> E {
    in_time("event", subscription.next()).await.expect("the subscription goes on")
}

/// Waits until it holds: asked again and again, since nobody tells.
///
/// # Panics
/// If it does not in time.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_async(what, async || holds()).await;
}

/// The same of what is not known at once.
///
/// # Panics
/// If it does not hold in time.
pub async fn until_async(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    in_time(what, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
