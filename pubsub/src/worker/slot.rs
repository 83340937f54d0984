//! One worker: what it is doing, and how it ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use pubsub_transports::__private::MemberId;

use super::{WorkerError, WorkerReport};

pub(super) struct Slot {
    pub(super) name: String,
    state: Mutex<State>,
    /// Told when it is to stop.
    stopping: Condvar,
}

/// How far a worker is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Stop {
    #[default]
    Runs,
    /// It gets nothing more than what it was sent. If it fails, it runs again only for what its pool has still to do.
    Drains,
    /// And nothing more of a pool. It does not run again.
    Ends,
    /// At once, if it is a process.
    Dies,
}

/// Ready when the worker's pool has nothing more to do.
pub(super) type PollOver = Arc<dyn Fn(&Waker) -> Poll<()> + Send + Sync>;

type Killer = Box<dyn Fn() + Send>;

type Finished = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    /// The member of the bus of the run at work.
    member: Option<MemberId>,
    /// Runs that were begun.
    runs: u32,
    stop: Stop,
    /// Something happened that whoever waits for the next run may have to know.
    is_told: bool,
    /// Of the pool that it belongs to.
    pool_over: Option<PollOver>,
    outcome: Option<Result<WorkerReport, WorkerError>>,
    /// Called when it has ended.
    finished: Vec<Finished>,
    /// Ends a process at once; a thread has none.
    killer: Option<Killer>,
    /// Who waits for another run or the end: at most one waker for each.
    waiting: BTreeMap<u64, Waker>,
    last_key: u64,
}

impl Slot {
    pub(super) fn new(name: String) -> Arc<Self> {
        Arc::new(Self { name, state: Mutex::default(), stopping: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes who waits for that, outside the lock.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(Waker::wake);
        result
    }

    /// A run begins, on the bus of `member`. Gives what the worker was told before.
    pub(super) fn begin(&self, member: MemberId) -> Stop {
        self.change(|state| {
            state.member = Some(member);
            state.runs += 1;
            state.stop
        })
    }

    /// It belongs to a pool.
    pub(super) fn set_pool(&self, over: PollOver) {
        self.lock().pool_over = Some(over);
    }

    pub(super) fn end_run(&self) {
        self.lock().member = None;
    }

    pub(super) fn finish(&self, outcome: Result<WorkerReport, WorkerError>) {
        // They come first: whoever waits for the end finds all as it is then.
        loop {
            let finished = std::mem::take(&mut self.lock().finished);
            finished.into_iter().for_each(|call| call());
            let mut state = self.lock();
            if state.finished.is_empty() {
                state.outcome = Some(outcome);
                // Whoever has a handle on the worker keeps no pool.
                let _over = state.pool_over.take();
                break;
            }
        }
        self.change(|_| {});
    }

    /// Calls this once the worker has ended, at once if it has.
    pub(super) fn when_finished(&self, call: Finished) {
        let mut state = self.lock();
        if state.outcome.is_none() {
            state.finished.push(call);
            return;
        }
        drop(state);
        call();
    }

    /// Gives the member of the run at work, if there is one.
    pub(super) fn stop(&self, stop: Stop) -> Option<MemberId> {
        let mut state = self.lock();
        state.stop = state.stop.max(stop);
        let member = state.member;
        drop(state);
        self.tell();
        member
    }

    /// Whoever waits for the next run looks again.
    fn tell(&self) {
        self.lock().is_told = true;
        self.stopping.notify_all();
    }

    #[cfg(feature = "json")]
    pub(super) fn set_killer(&self, killer: Killer) {
        self.lock().killer = Some(killer);
    }

    /// Ends the run at work, if it is a process.
    pub(super) fn kill(&self) {
        if let Some(killer) = &self.lock().killer {
            killer();
        }
    }

    /// Waits before the next run. Says whether there is to be one.
    pub(super) fn wait_to_restart(self: &Arc<Self>, delay: Duration) -> bool {
        let until = Instant::now() + delay;
        while self.may_restart() {
            let mut state = self.lock();
            if !std::mem::take(&mut state.is_told) {
                let Some(rest) = until.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero())
                else {
                    return true;
                };
                drop(self.stopping.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner));
            }
        }
        false
    }

    /// Whether it would run again if it failed now. Whoever waits for the next run looks again when that changes.
    pub(super) fn may_restart(self: &Arc<Self>) -> bool {
        let state = self.lock();
        let (stop, over) = (state.stop, state.pool_over.clone());
        drop(state);
        match (stop, over) {
            (Stop::Runs, _) => true,
            (Stop::Drains, Some(over)) => over(&Waker::from(Arc::clone(self))).is_pending(),
            (Stop::Drains, None) | (Stop::Ends | Stop::Dies, _) => false,
        }
    }

    pub(super) fn member(&self) -> Option<MemberId> {
        self.lock().member
    }

    pub(super) fn restarts(&self) -> u32 {
        self.lock().runs.saturating_sub(1)
    }

    pub(super) fn is_running(&self) -> bool {
        self.lock().outcome.is_none()
    }

    /// The number and the member of a run after the first `seen`; `None` if there will be none.
    pub(super) async fn run_after(&self, seen: u32) -> Option<(u32, MemberId)> {
        self.wait_for(|state| match (state.member, &state.outcome) {
            (_, Some(_)) => Some(None),
            (Some(member), None) if state.runs > seen => Some(Some((state.runs, member))),
            _ => None,
        })
        .await
    }

    pub(super) async fn finished(&self) -> Result<WorkerReport, WorkerError> {
        self.wait_for(|state| state.outcome.clone()).await
    }

    async fn wait_for<T>(&self, find: impl Fn(&State) -> Option<T>) -> T {
        let mut waiting = Waiting { slot: self, key: None };
        std::future::poll_fn(|cx| waiting.poll(cx, &find)).await
    }
}

/// Woken when its pool is over.
impl Wake for Slot {
    fn wake(self: Arc<Self>) {
        self.tell();
    }
}

/// Who waits for a change. Dropped, it leaves no waker behind.
struct Waiting<'a> {
    slot: &'a Slot,
    key: Option<u64>,
}

impl Waiting<'_> {
    fn poll<T>(&mut self, cx: &mut Context<'_>, find: impl Fn(&State) -> Option<T>) -> Poll<T> {
        // Wakers are cloned and dropped outside the lock: both may run any code.
        let waker = cx.waker().clone();
        let mut state = self.slot.lock();
        if let Some(found) = find(&state) {
            drop(state);
            return Poll::Ready(found);
        }
        let key = *self.key.get_or_insert_with(|| {
            state.last_key += 1;
            state.last_key
        });
        let before = state.waiting.insert(key, waker);
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let _waker = self.slot.lock().waiting.remove(&key);
        }
    }
}
