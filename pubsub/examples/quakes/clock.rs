//! The time of the replay: that of its events, at any speed.
//!
//! What depends on time is told this one and not the wall's. So an hour is an hour of the week: windows and joins hold
//! the same at an hour a second as at full speed, and a machine that is too slow for a speed shows a week that takes
//! longer, not one with other figures.

use std::time::Duration;

use pubsub::operators::ManualTimer;
use tokio::time::{Instant, sleep};

use crate::calendar::Timestamp;

/// How often the time moves while nothing happens, so that a window ends when its time is over and not with the next
/// event.
const TICK: Duration = Duration::from_millis(50);

/// Tells the time of the replay; clones tell the same.
#[derive(Clone)]
pub(crate) struct Clock {
    start: Timestamp,
    /// The time since `start`.
    pub(crate) timer: ManualTimer,
}

impl Clock {
    /// A clock that stands at `start`.
    pub(crate) fn new(start: Timestamp) -> Self {
        Self { start, timer: ManualTimer::new() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.start.after(pubsub::operators::Clock::now(&self.timer))
    }
}

/// Moves a [`Clock`] at a speed: the time of an event comes when it is due.
pub(crate) struct Pace {
    clock: Clock,
    /// How many times as fast as it happened; `None` for as fast as it goes.
    speed: Option<f64>,
    began: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(clock: Clock, speed: Option<f64>) -> Self {
        Self { clock, speed, began: None }
    }

    /// Waits until `time` has come. One before the start has, and the clock never goes back for it.
    pub(crate) async fn reach(&mut self, time: Timestamp) {
        let moment = time.since(self.clock.start);
        if let Some(speed) = self.speed {
            let began = *self.began.get_or_insert_with(Instant::now);
            let due = seconds(moment.as_secs_f64() / speed);
            while let left = due.saturating_sub(began.elapsed())
                && !left.is_zero()
            {
                sleep(left.min(TICK)).await;
                let reached = seconds(began.elapsed().as_secs_f64() * speed);
                self.clock.timer.advance_to(reached.min(moment));
            }
        }
        self.clock.timer.advance_to(moment);
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
