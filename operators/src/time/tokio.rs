//! The timer of tokio.

use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
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
        TokioSleep { sleep: tokio::time::sleep_until(deadline) }
    }
}

pin_project! {
    /// The sleep of [`TokioTimer`].
    #[must_use = "futures do nothing unless polled"]
    pub struct TokioSleep {
        #[pin]
        sleep: tokio::time::Sleep,
    }
}

impl Future for TokioSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}

impl Sleep for TokioSleep {
    type Instant = Instant;

    fn reset(self: Pin<&mut Self>, deadline: Instant) {
        self.project().sleep.reset(deadline);
    }
}

impl fmt::Debug for TokioSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioSleep").field("deadline", &self.sleep.deadline()).finish_non_exhaustive()
    }
}
