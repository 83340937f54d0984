//! Calling what is not ours, and may panic.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// What a function of the application gives.
pub(super) type Calling<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// It has panicked, which the hook has told by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panicked;

/// Calls a function, and awaits what it gives; it may panic at once or later.
pub(super) async fn caught<T>(call: impl FnOnce() -> Calling<T>) -> Result<T, Panicked> {
    let mut future = catch_unwind(AssertUnwindSafe(call)).map_err(|_| Panicked)?;
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}
