//! `ManualTimer`: time that a test moves.

use alloc::{sync::Arc, vec::Vec};
use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Clock, Sleep, Timer};

/// Virtual time: it stands still until it is moved, and moving it wakes exactly the sleeps that are due.
///
/// Meant for tests, where no test then has to sleep, and for playing back recordings by their own time. Its moments
/// are durations since it was made. Clones share one time.
///
/// ```
/// use std::time::Duration;
///
/// use futures::{FutureExt, channel::mpsc};
/// use pubsub_operators::{ManualTimer, StreamOps};
///
/// let timer = ManualTimer::new();
/// let (events, source) = mpsc::unbounded();
/// let mut batches = source.flow().batch_within(100, Duration::from_secs(60), timer.clone());
///
/// events.unbounded_send("one").unwrap();
/// assert_eq!(batches.next().now_or_never(), None);
///
/// timer.advance(Duration::from_secs(60));
/// assert_eq!(batches.next().now_or_never(), Some(Some(vec!["one"])));
/// ```
#[derive(Clone, Default)]
pub struct ManualTimer {
    time: Arc<Mutex<Time>>,
}

#[derive(Default)]
struct Time {
    now: Duration,
    next_id: u64,
    waiting: Vec<Waiting>,
}

struct Waiting {
    id: u64,
    deadline: Duration,
    waker: Waker,
}

impl ManualTimer {
    /// A timer whose time is zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves time on by `by` and wakes the sleeps that are due, the earliest first.
    ///
    /// # Panics
    ///
    /// If the time would exceed [`Duration::MAX`].
    pub fn advance(&self, by: Duration) {
        let now = self.now().checked_add(by);
        self.advance_to(now.expect("manual time ends at Duration::MAX: advance by less"));
    }

    /// Moves time on to `moment`, or not at all if that has passed, and wakes the sleeps that are due.
    pub fn advance_to(&self, moment: Duration) {
        let mut due = {
            let mut time = self.lock();
            time.now = time.now.max(moment);
            let now = time.now;
            time.waiting.extract_if(.., |waiting| waiting.deadline <= now).collect::<Vec<_>>()
        };
        due.sort_by_key(|waiting| waiting.deadline);
        for waiting in due {
            waiting.waker.wake();
        }
    }

    /// How many sleeps wait to be woken.
    pub fn sleepers(&self) -> usize {
        self.lock().waiting.len()
    }

    /// The earliest moment a sleep waits for: a test that wants the next thing to happen moves time there.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.lock().waiting.iter().map(|waiting| waiting.deadline).min()
    }

    // No user code runs under the lock: wakers are cloned before it and dropped after it, which may be the end of a
    // task that asks for the time.
    fn lock(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Time {
    /// The waker of a sleep, to be dropped without the lock.
    #[must_use]
    fn take(&mut self, id: u64) -> Option<Waker> {
        let place = self.waiting.iter().position(|waiting| waiting.id == id)?;
        Some(self.waiting.remove(place).waker)
    }
}

impl Clock for ManualTimer {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.lock().now
    }

    fn checked_add(instant: Duration, duration: Duration) -> Option<Duration> {
        instant.checked_add(duration)
    }

    fn duration_since(later: Duration, earlier: Duration) -> Duration {
        later.saturating_sub(earlier)
    }
}

impl Timer for ManualTimer {
    type Sleep = ManualSleep;

    fn sleep_until(&self, deadline: Duration) -> ManualSleep {
        let mut time = self.lock();
        time.next_id += 1;
        ManualSleep { timer: self.clone(), id: time.next_id, deadline }
    }
}

impl fmt::Debug for ManualTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.lock();
        f.debug_struct("ManualTimer").field("now", &time.now).field("sleepers", &time.waiting.len()).finish()
    }
}

/// The sleep of [`ManualTimer`].
#[must_use = "futures do nothing unless polled"]
pub struct ManualSleep {
    timer: ManualTimer,
    id: u64,
    deadline: Duration,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut time = self.timer.lock();
        let before = time.take(self.id);
        let poll = if time.now >= self.deadline {
            Poll::Ready(())
        } else {
            time.waiting.push(Waiting { id: self.id, deadline: self.deadline, waker });
            Poll::Pending
        };
        drop(time);
        drop(before);
        poll
    }
}

impl Sleep for ManualSleep {
    type Instant = Duration;

    fn reset(mut self: Pin<&mut Self>, deadline: Duration) {
        self.deadline = deadline;
        let before = self.timer.lock().take(self.id);
        drop(before);
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        let before = self.timer.lock().take(self.id);
        drop(before);
    }
}

impl fmt::Debug for ManualSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualSleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
