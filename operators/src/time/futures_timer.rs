//! The timer of futures-timer: one helper thread, any executor.

use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use std::time::Instant;

use futures_timer::Delay;

use crate::{Clock, Sleep, Timer};

/// The longest single delay; a sleep beyond it takes several. Keeps `now + delay` in what the system's clock can tell.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The system's monotonic time. Its sleeps are served by a thread shared by the whole process, so they work on every
/// executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadTimer;

impl Clock for ThreadTimer {
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

impl Timer for ThreadTimer {
    type Sleep = ThreadSleep;

    fn sleep_until(&self, deadline: Instant) -> ThreadSleep {
        ThreadSleep { delay: Delay::new(remaining(deadline)), deadline }
    }
}

/// The sleep of [`ThreadTimer`].
#[must_use = "futures do nothing unless polled"]
pub struct ThreadSleep {
    delay: Delay,
    deadline: Instant,
}

fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).min(LONGEST)
}

impl Future for ThreadSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(Pin::new(&mut self.delay).poll(cx));
            let rest = remaining(self.deadline);
            if rest.is_zero() {
                return Poll::Ready(());
            }
            self.delay.reset(rest);
        }
    }
}

impl Sleep for ThreadSleep {
    type Instant = Instant;

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
        self.delay.reset(remaining(deadline));
    }
}

impl fmt::Debug for ThreadSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadSleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
