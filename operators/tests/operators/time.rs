//! The clocks and timers themselves, and what the tests of timed operators share.

use std::{
    cell::Cell,
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::channel::mpsc;

use pubsub_operators::{Clock, ManualSleep, ManualTimer, Sleep, Timer};

use crate::harness::{Waking, poll_future};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const TICK: Duration = Duration::from_nanos(1);

/// A manual timer that counts what is asked of it.
#[derive(Clone, Default)]
pub(crate) struct Counted {
    pub(crate) timer: ManualTimer,
    pub(crate) sleeps: Rc<Cell<usize>>,
    pub(crate) resets: Rc<Cell<usize>>,
}

pub(crate) struct CountedSleep {
    sleep: ManualSleep,
    resets: Rc<Cell<usize>>,
}

impl Clock for Counted {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.timer.now()
    }

    fn checked_add(instant: Duration, duration: Duration) -> Option<Duration> {
        ManualTimer::checked_add(instant, duration)
    }

    fn duration_since(later: Duration, earlier: Duration) -> Duration {
        ManualTimer::duration_since(later, earlier)
    }
}

impl Timer for Counted {
    type Sleep = CountedSleep;

    fn sleep_until(&self, deadline: Duration) -> CountedSleep {
        self.sleeps.set(self.sleeps.get() + 1);
        CountedSleep { sleep: self.timer.sleep_until(deadline), resets: self.resets.clone() }
    }
}

impl Future for CountedSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.sleep).poll(cx)
    }
}

impl Sleep for CountedSleep {
    type Instant = Duration;

    fn reset(mut self: Pin<&mut Self>, deadline: Duration) {
        self.resets.set(self.resets.get() + 1);
        Pin::new(&mut self.sleep).reset(deadline);
    }
}

/// A clock set by hand, which may also go backwards.
#[derive(Clone, Default)]
pub(crate) struct Erratic(pub(crate) Rc<Cell<Duration>>);

impl Clock for Erratic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.get()
    }

    fn checked_add(instant: Duration, duration: Duration) -> Option<Duration> {
        instant.checked_add(duration)
    }

    fn duration_since(later: Duration, earlier: Duration) -> Duration {
        later.saturating_sub(earlier)
    }
}

/// A timer whose clock is set by hand, also backwards, and whose sleeps do not mind: what a wall clock does that is set
/// while a task sleeps.
#[derive(Clone, Default)]
pub(crate) struct Wall {
    pub(crate) clock: Erratic,
    pub(crate) timer: ManualTimer,
}

impl Clock for Wall {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn checked_add(instant: Duration, duration: Duration) -> Option<Duration> {
        Erratic::checked_add(instant, duration)
    }

    fn duration_since(later: Duration, earlier: Duration) -> Duration {
        Erratic::duration_since(later, earlier)
    }
}

impl Timer for Wall {
    type Sleep = WallSleep;

    fn sleep_until(&self, deadline: Duration) -> WallSleep {
        WallSleep { sleep: self.timer.sleep_until(self.on_timer(deadline)), wall: self.clone() }
    }
}

impl Wall {
    pub(crate) fn at(now: Duration) -> Self {
        let wall = Self::default();
        wall.clock.0.set(now);
        wall
    }

    fn on_timer(&self, deadline: Duration) -> Duration {
        self.timer.now() + deadline.saturating_sub(self.now())
    }
}

pub(crate) struct WallSleep {
    sleep: ManualSleep,
    wall: Wall,
}

impl Future for WallSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.sleep).poll(cx)
    }
}

impl Sleep for WallSleep {
    type Instant = Duration;

    fn reset(mut self: Pin<&mut Self>, deadline: Duration) {
        let deadline = self.wall.on_timer(deadline);
        Pin::new(&mut self.sleep).reset(deadline);
    }
}

/// A timer that knows whole milliseconds only.
#[derive(Clone, Default)]
pub(crate) struct Coarse(pub(crate) ManualTimer);

impl Clock for Coarse {
    type Instant = u64;

    fn now(&self) -> u64 {
        u64::try_from(self.0.now().as_millis()).unwrap()
    }

    fn checked_add(instant: u64, duration: Duration) -> Option<u64> {
        instant.checked_add(u64::try_from(duration.as_millis()).ok()?)
    }

    fn duration_since(later: u64, earlier: u64) -> Duration {
        Duration::from_millis(later.saturating_sub(earlier))
    }
}

impl Timer for Coarse {
    type Sleep = CoarseSleep;

    fn sleep_until(&self, deadline: u64) -> CoarseSleep {
        CoarseSleep(self.0.sleep_until(Duration::from_millis(deadline)))
    }
}

pub(crate) struct CoarseSleep(ManualSleep);

impl Future for CoarseSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl Sleep for CoarseSleep {
    type Instant = u64;

    fn reset(mut self: Pin<&mut Self>, deadline: u64) {
        Pin::new(&mut self.0).reset(Duration::from_millis(deadline));
    }
}

#[test]
fn a_manual_sleep_wakes_when_it_is_due_and_not_before() {
    let timer = ManualTimer::new();
    let mut sleep = pin!(timer.sleep_until(10 * MS));
    assert_eq!(timer.sleepers(), 0, "not before it is polled");
    let (waking, waker) = Waking::new();
    assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!((timer.sleepers(), timer.next_deadline()), (1, Some(10 * MS)));
    timer.advance(10 * MS - TICK);
    assert_eq!(waking.count(), 0);
    timer.advance(TICK);
    assert_eq!((waking.count(), timer.sleepers()), (1, 0));
    assert!(poll_future(sleep.as_mut()).is_ready());
}

#[test]
fn a_manual_sleep_can_be_set_anew_and_dropped() {
    let timer = ManualTimer::new();
    let mut sleep = Box::pin(timer.sleep_until(MS));
    let (waking, waker) = Waking::new();
    let mut cx = Context::from_waker(&waker);
    assert!(sleep.as_mut().poll(&mut cx).is_pending());
    sleep.as_mut().reset(5 * MS);
    assert!(sleep.as_mut().poll(&mut cx).is_pending());
    timer.advance(MS);
    assert_eq!(waking.count(), 0, "the first deadline is forgotten");
    timer.advance(4 * MS);
    assert!(sleep.as_mut().poll(&mut cx).is_ready());
    sleep.as_mut().reset(7 * MS);
    assert!(sleep.as_mut().poll(&mut cx).is_pending());
    drop(sleep);
    assert_eq!(timer.sleepers(), 0);
}

/// Looks at the time when the last waker of a task is gone, as the drop of a task may.
struct LooksAtTheEnd(ManualTimer, mpsc::UnboundedSender<Duration>);

impl Wake for LooksAtTheEnd {
    fn wake(self: Arc<Self>) {}
}

impl Drop for LooksAtTheEnd {
    fn drop(&mut self) {
        self.1.unbounded_send(self.0.now()).unwrap();
    }
}

#[test]
fn no_waker_is_dropped_under_the_lock_of_a_manual_timer() {
    let timer = ManualTimer::new();
    let (ends, mut ended) = mpsc::unbounded();
    let wait = |sleep: Pin<&mut ManualSleep>| {
        let waker = Waker::from(Arc::new(LooksAtTheEnd(timer.clone(), ends.clone())));
        let waits = sleep.poll(&mut Context::from_waker(&waker)).is_pending();
        drop(waker);
        waits
    };
    let mut sleep = Box::pin(timer.sleep_until(MS));
    assert!(wait(sleep.as_mut()));
    assert!(ended.try_recv().is_err());
    assert!(wait(sleep.as_mut()), "another task");
    assert_eq!(ended.try_recv(), Ok(Duration::ZERO));
    sleep.as_mut().reset(2 * MS);
    assert_eq!(ended.try_recv(), Ok(Duration::ZERO));
    assert!(wait(sleep.as_mut()));
    timer.advance(MS);
    sleep.as_mut().reset(MS);
    assert_eq!(ended.try_recv(), Ok(MS));
    assert!(!wait(sleep.as_mut()));
    assert_eq!(ended.try_recv(), Ok(MS));
    sleep.as_mut().reset(3 * MS);
    assert!(wait(sleep.as_mut()));
    drop(sleep);
    assert_eq!(ended.try_recv(), Ok(MS));
    let mut sleep = Box::pin(timer.sleep_until(2 * MS));
    assert!(wait(sleep.as_mut()));
    timer.advance(MS);
    assert_eq!(ended.try_recv(), Ok(2 * MS));
    assert!(ended.try_recv().is_err());
}

#[test]
fn manual_time_wakes_the_earliest_first_and_never_goes_back() {
    let timer = ManualTimer::new();
    let order = Rc::new(std::cell::RefCell::new(Vec::new()));
    let mut late = pin!(timer.sleep_until(9 * MS));
    let mut early = pin!(timer.sleep_until(3 * MS));
    let (late_waking, late_waker) = Waking::new();
    let (early_waking, early_waker) = Waking::new();
    assert!(late.as_mut().poll(&mut Context::from_waker(&late_waker)).is_pending());
    assert!(early.as_mut().poll(&mut Context::from_waker(&early_waker)).is_pending());
    while let Some(next) = timer.next_deadline() {
        timer.advance_to(next);
        order.borrow_mut().push((early_waking.count(), late_waking.count()));
    }
    assert_eq!(*order.borrow(), [(1, 0), (1, 1)]);
    timer.advance_to(MS);
    assert_eq!(timer.now(), 9 * MS);
    assert_eq!(format!("{timer:?}"), "ManualTimer { now: 9ms, sleepers: 0 }");
}

#[test]
fn a_reference_to_a_timer_is_one() {
    let timer = ManualTimer::new();
    let by_reference = &timer;
    let mut sleep = pin!((&by_reference).sleep_until(MS));
    assert!(poll_future(sleep.as_mut()).is_pending());
    timer.advance(MS);
    assert_eq!((&by_reference).now(), MS);
    assert!(poll_future(sleep.as_mut()).is_ready());
}

/// Paused time: nobody waits for it.
#[cfg(feature = "tokio")]
mod tokio_time {
    use std::{pin::pin, time::Duration};

    use futures::{StreamExt, channel::mpsc};
    use pubsub_operators::{StreamOps, TokioTimer, Within};

    const HOUR: Duration = Duration::from_secs(3600);

    fn paused() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
    }

    #[test]
    fn operators_are_made_outside_the_runtime_and_honour_its_paused_time() {
        let (events, source) = mpsc::unbounded();
        let mut batches = pin!(source.flow().batch_within(10, HOUR, TokioTimer));
        paused().block_on(async {
            let begin = tokio::time::Instant::now();
            for hour in 1..=3 {
                events.unbounded_send(hour).unwrap();
                assert_eq!(StreamExt::next(&mut batches).await, Some(vec![hour]));
                assert!(begin.elapsed() >= hour * HOUR);
            }
        });
    }

    #[test]
    fn two_runtimes_in_one_process_have_their_own_time() {
        for _ in 0..2 {
            paused().block_on(async {
                let (requests, left) = mpsc::unbounded();
                let within = Within { span: HOUR, capacity: 4, clock: TokioTimer };
                let outcomes =
                    left.flow().correlate_left(futures::stream::pending::<u32>(), within, |n| *n, |n| *n);
                let mut outcomes = pin!(outcomes);
                requests.unbounded_send(1).unwrap();
                let begin = tokio::time::Instant::now();
                assert_eq!(StreamExt::next(&mut outcomes).await, Some((1, None)));
                assert!(begin.elapsed() >= HOUR);
            });
        }
    }

    #[test]
    fn a_sleep_beyond_all_time_never_comes_and_does_not_panic() {
        paused().block_on(async {
            let (events, source) = mpsc::unbounded();
            let mut last = pin!(source.flow().debounce(Duration::MAX, TokioTimer));
            events.unbounded_send(1).unwrap();
            assert!(futures::poll!(StreamExt::next(&mut last)).is_pending());
            drop(events);
            assert_eq!(StreamExt::next(&mut last).await, Some(1));
        });
    }
}

/// The only tests in real time, because this timer has no other: they wait for two milliseconds of it.
#[cfg(feature = "futures-timer")]
mod thread_time {
    use std::{
        pin::pin,
        time::{Duration, Instant},
    };

    use futures::executor::block_on;
    use pubsub_operators::{Clock, Sleep, StreamOps, ThreadTimer, Timer};

    use crate::harness::poll_future;

    #[test]
    fn a_thread_serves_any_executor() {
        let timer = ThreadTimer;
        let begin = Instant::now();
        let mut sleep = pin!(timer.sleep_until(begin + Duration::from_millis(2)));
        block_on(sleep.as_mut());
        assert!(begin.elapsed() >= Duration::from_millis(2));
        sleep.as_mut().reset(begin);
        block_on(sleep);
    }

    #[test]
    fn far_away_is_pending_and_does_not_panic() {
        let timer = ThreadTimer;
        let far = ThreadTimer::checked_add(timer.now(), Duration::from_secs(10 * 365 * 24 * 3600)).unwrap();
        assert!(poll_future(pin!(timer.sleep_until(far))).is_pending());
        assert_eq!(ThreadTimer::checked_add(timer.now(), Duration::MAX), None);
    }

    #[test]
    fn operators_take_it() {
        let (events, source) = futures::channel::mpsc::unbounded();
        let batches = source.flow().batch_within(9, Duration::from_millis(1), ThreadTimer);
        events.unbounded_send(1).unwrap();
        let mut batches = pin!(batches);
        assert_eq!(block_on(futures::StreamExt::next(&mut batches)), Some(vec![1]));
        drop(events);
        assert_eq!(block_on(futures::StreamExt::next(&mut batches)), None);
    }
}
