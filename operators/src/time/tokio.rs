//! The timer of tokio.

use alloc::boxed::Box;
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Clock, Sleep, Timer};

/// Time as tokio tells it: virtual under `tokio::time::pause`. Its resolution is a millisecond.
///
/// # Panics
///
/// An operator that has to wait for it panics when it is polled outside a tokio runtime with time enabled. It may be
/// constructed anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer;

impl Clock for TokioTimer {
    type Instant = Instant;

    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn checked_add(instant: Instant, duration: Duration) -> Option<Instant> {
        instant.checked_add(duration)
    }

    fn duration_since(later: Instant, earlier: Instant) -> Duration {
        later.saturating_duration_since(earlier)
    }
}

impl Timer for TokioTimer {
    type Sleep = TokioSleep;

    fn sleep_until(&self, deadline: Instant) -> TokioSleep {
        TokioSleep { sleep: Box::pin(tokio::time::sleep_until(deadline)) }
    }
}

/// The sleep of [`TokioTimer`].
///
/// Boxed, so that an operator with it is `Unpin` and its `next` can be awaited as it is. That is one allocation for an
/// operator, when it first has to wait: the sleep is then set anew.
#[must_use = "futures do nothing unless polled"]
pub struct TokioSleep {
    sleep: Pin<Box<tokio::time::Sleep>>,
}

impl Future for TokioSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}

impl Sleep for TokioSleep {
    type Instant = Instant;

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
    }
}

impl fmt::Debug for TokioSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioSleep").field("deadline", &self.sleep.deadline()).finish_non_exhaustive()
    }
}
