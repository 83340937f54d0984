//! Time as an argument: a clock for what expires lazily, a timer for what must be woken.

mod alarm;
#[cfg(feature = "futures-timer")]
mod futures_timer;
#[cfg(feature = "std")]
mod manual;
mod monotonic;
#[cfg(feature = "tokio")]
mod tokio;

use core::{future::Future, pin::Pin, time::Duration};

#[cfg(feature = "futures-timer")]
pub use self::futures_timer::{ThreadSleep, ThreadTimer};
#[cfg(feature = "std")]
pub use self::manual::{ManualSleep, ManualTimer};
#[cfg(feature = "tokio")]
pub use self::tokio::{TokioSleep, TokioTimer};
pub(crate) use self::{alarm::Alarm, monotonic::Monotonic};

/// Tells what time it is. Enough for operators that forget lazily: `dedupe_within`, `join`, `correlate`.
///
/// Operators take their clock as an argument, so nothing depends on which runtime happens to run them:
///
/// | type | feature | time |
/// |---|---|---|
/// | `ManualTimer` | `std` (on by default) | stands still until a test moves it |
/// | `TokioTimer` | `tokio` | tokio's, which `tokio::time::pause` makes virtual |
/// | `ThreadTimer` | `futures-timer` | the system's, on any executor |
///
/// ```
/// use std::time::Duration;
///
/// use pubsub_operators::Clock;
///
/// /// The time stamps of a recording that is played back.
/// struct Playback {
///     position: std::cell::Cell<Duration>,
/// }
///
/// impl Clock for Playback {
///     type Instant = Duration;
///
///     fn now(&self) -> Duration {
///         self.position.get()
///     }
///
///     fn checked_add(instant: Duration, duration: Duration) -> Option<Duration> {
///         instant.checked_add(duration)
///     }
///
///     fn duration_since(later: Duration, earlier: Duration) -> Duration {
///         later.saturating_sub(earlier)
///     }
/// }
///
/// let playback = Playback { position: Duration::from_secs(3).into() };
/// assert_eq!(playback.now(), Duration::from_secs(3));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a clock",
    note = "pass a `TokioTimer` (feature `tokio`), a `ThreadTimer` (feature `futures-timer`), a `ManualTimer` in tests, or implement `Clock`"
)]
pub trait Clock {
    /// A moment of this clock. Moments of different clocks do not compare, hence a type of the clock's own.
    type Instant: Copy + Ord;

    /// The present moment. A clock that goes backwards is taken to stand still until it has caught up.
    fn now(&self) -> Self::Instant;

    /// The moment `duration` after `instant`, or `None` if the clock cannot tell it: then it never comes.
    fn checked_add(instant: Self::Instant, duration: Duration) -> Option<Self::Instant>;

    /// How long after `earlier` the moment `later` is; zero if it is not later.
    fn duration_since(later: Self::Instant, earlier: Self::Instant) -> Duration;
}

/// A clock that can also wake a task: `batch_within`, `window_within`, `debounce`, `throttle`, `join_left`,
/// `join_outer` and `correlate_left` need one.
///
/// Operators ask for a sleep when they first have to wait for one, and set it anew after that, so there is at most
/// one timer per adaptor and none before the first item. Nothing needs a runtime at construction.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a timer",
    note = "pass a `TokioTimer` (feature `tokio`), a `ThreadTimer` (feature `futures-timer`), a `ManualTimer` in tests, or implement `Timer`"
)]
pub trait Timer: Clock {
    /// The future of [`sleep_until`](Self::sleep_until).
    type Sleep: Sleep<Instant = Self::Instant>;

    /// A future that completes at `deadline`, or at once if that has passed.
    fn sleep_until(&self, deadline: Self::Instant) -> Self::Sleep;
}

/// A future that completes at a moment, and can be set anew in place.
pub trait Sleep: Future<Output = ()> {
    /// The moments of its clock.
    type Instant;

    /// Completes at `deadline` instead, also if it has completed before. It must be polled after this to be sure to
    /// wake.
    fn reset(self: Pin<&mut Self>, deadline: Self::Instant);
}

impl<C: Clock + ?Sized> Clock for &C {
    type Instant = C::Instant;

    #[inline]
    fn now(&self) -> Self::Instant {
        (**self).now()
    }

    #[inline]
    fn checked_add(instant: Self::Instant, duration: Duration) -> Option<Self::Instant> {
        C::checked_add(instant, duration)
    }

    #[inline]
    fn duration_since(later: Self::Instant, earlier: Self::Instant) -> Duration {
        C::duration_since(later, earlier)
    }
}

impl<T: Timer + ?Sized> Timer for &T {
    type Sleep = T::Sleep;

    #[inline]
    fn sleep_until(&self, deadline: Self::Instant) -> Self::Sleep {
        (**self).sleep_until(deadline)
    }
}
