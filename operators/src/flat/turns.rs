//! Which of the inner streams of a `flat_merge` have been woken, in the order in which they were.

use alloc::{collections::VecDeque, sync::Arc, task::Wake, vec::Vec};
use core::task::Waker;
use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ready: VecDeque<usize>,
    // By place: whether it is in `ready`.
    queued: Vec<bool>,
    // The task that polls the whole.
    task: Option<Waker>,
}

impl Turns {
    pub(super) fn set_task(&self, waker: &Waker) {
        let mut state = self.lock();
        if state.task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            return;
        }
        let before = state.task.replace(waker.clone());
        drop(state);
        drop(before);
    }

    /// When the whole is dropped: wakers of inner streams may live on, and the task should not with them.
    pub(super) fn forget_task(&self) {
        let task = self.lock().task.take();
        drop(task);
    }

    /// The place gets a turn, after those that have one already.
    pub(super) fn push(&self, place: usize) {
        self.lock().push(place);
    }

    pub(super) fn pop(&self) -> Option<usize> {
        let mut state = self.lock();
        let place = state.ready.pop_front()?;
        state.queued[place] = false;
        Some(place)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().ready.len()
    }

    /// The waker for the stream at `place`.
    pub(super) fn waker(self: &Arc<Self>, place: usize) -> Waker {
        Arc::new(Inner { turns: self.clone(), place }).into()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, place: usize) {
        if self.queued.len() <= place {
            self.queued.resize(place + 1, false);
        }
        if !core::mem::replace(&mut self.queued[place], true) {
            self.ready.push_back(place);
        }
    }
}

struct Inner {
    turns: Arc<Turns>,
    place: usize,
}

impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.turns.lock();
        state.push(self.place);
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
    }
}
