//! The reference: what the engine does, in the plainest way. The model test runs both side by side.
//!
//! Every publish goes to all matching subscriptions or to
//! none: under one lock, room is checked in each that asks for backpressure, then the event is given to all.
//! Otherwise the publish waits, once, in a line that keeps the order in which publishes arrived, and the reader that
//! makes room gives the event its place: nobody overtakes.
//!
//! Wake-ups and the destructors of events, both of which run code of users, happen outside the lock.

mod queue;
mod waiting;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use self::queue::{Popped, Queue};
use self::waiting::Line;
pub(in crate::engine::tests) use self::waiting::Waiting;
use crate::engine::{Left, Refused, Store, Taken};
use crate::event::Stored;
use crate::interest::Interest;
use crate::overflow::Overflow;

pub(in crate::engine::tests) struct Engine {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queues: BTreeMap<u64, Queue>,
    line: Line,
    last_key: u64,
    closed: bool,
    /// Who waits for a closed bus to be drained.
    drained: Vec<Waker>,
}

/// What is left to do once the lock is released. Dropping it does it.
#[derive(Default)]
struct Effects {
    wake: Vec<Waker>,
    /// Dropped here, because the destructor of a payload may do anything.
    garbage: Vec<Stored>,
}

impl Drop for Effects {
    fn drop(&mut self) {
        self.wake.drain(..).for_each(Waker::wake);
    }
}

impl Engine {
    pub(in crate::engine::tests) fn new() -> Self {
        Self { state: Mutex::default() }
    }

    /// The lock is never poisoned by an invariant broken half-way: no code of users runs under it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` under the lock, and its effects after.
    fn with<R>(&self, f: impl FnOnce(&mut State, &mut Effects) -> R) -> R {
        let mut effects = Effects::default();
        let result = f(&mut self.lock(), &mut effects);
        drop(effects);
        result
    }

    /// Gives the event to all that follow its address, or to none. `store` is called only if it is accepted, and at
    /// most once.
    pub(in crate::engine::tests) fn try_publish(
        &self,
        topic: usize,
        id: &str,
        store: &mut dyn Store,
    ) -> Result<(), Refused> {
        self.with(|state, effects| {
            if state.closed {
                return Err(Refused::Closed);
            }
            if !state.has_room(topic, id) {
                return Err(Refused::Full);
            }
            state.accept(topic, id, store, effects);
            Ok(())
        })
    }

    /// Like [`try_publish`](Self::try_publish); where there is no room the event joins the line.
    pub(in crate::engine::tests) fn publish(
        self: &Arc<Self>,
        topic: usize,
        id: &str,
        store: &mut dyn Store,
        cx: &Context<'_>,
    ) -> Result<Option<Waiting>, Refused> {
        self.with(|state, effects| {
            if state.closed {
                return Err(Refused::Closed);
            }
            if state.has_room(topic, id) {
                state.accept(topic, id, store, effects);
                return Ok(None);
            }
            let key = state.new_key();
            state.line.join(key, topic, id.into(), store.store(None), cx.waker().clone());
            Ok(Some(Waiting::new(Arc::clone(self), key)))
        })
    }

    pub(in crate::engine::tests) fn subscribe(
        self: &Arc<Self>,
        interest: Interest,
        bound: usize,
        overflow: Overflow,
    ) -> Result<Reader, Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        let key = state.new_key();
        state.queues.insert(key, Queue::new(interest, bound, overflow));
        Ok(Reader { engine: Arc::clone(self), key })
    }

    pub(in crate::engine::tests) fn has_subscribers(&self, interest: &Interest) -> bool {
        self.lock().queues.values().any(|queue| queue.is_open() && queue.interest().overlaps(interest))
    }

    pub(in crate::engine::tests) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Accepts nothing more. What is queued stays readable.
    pub(in crate::engine::tests) fn close(&self) -> Left {
        self.with(|state, effects| {
            state.closed = true;
            let refused = state.line.refuse_all(&mut effects.wake);
            for queue in state.queues.values_mut() {
                queue.close();
                effects.wake.extend(queue.take_waker());
            }
            Left { refused, ..state.left() }
        })
    }

    /// Ready when every event of a closed bus has been read.
    pub(in crate::engine::tests) fn poll_drained(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.queues.values().all(|queue| queue.len() == 0) {
            return Poll::Ready(());
        }
        if !state.drained.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.drained.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Takes away what has not been read from a closed bus, and says what it was.
    pub(in crate::engine::tests) fn discard(&self) -> Left {
        self.with(|state, effects| {
            let left = state.left();
            for queue in state.queues.values_mut() {
                queue.discard(&mut effects.garbage);
                effects.wake.extend(queue.take_waker());
            }
            left
        })
    }
}

impl State {
    fn new_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    /// Whether an event can be accepted now, without overtaking one in the line.
    fn has_room(&self, topic: usize, id: &str) -> bool {
        let mut blocking = self
            .queues
            .iter()
            .filter(|(_, queue)| queue.makes_wait(topic, id))
            .filter(|(_, queue)| queue.is_full() || self.line.has_any_for(queue));
        blocking.next().is_none()
    }

    fn accept(&mut self, topic: usize, id: &str, store: &mut dyn Store, effects: &mut Effects) {
        let mut stored = None;
        for queue in self.queues.values_mut().filter(|queue| queue.follows(topic, id)) {
            let stored = stored.get_or_insert_with(|| store.store(None));
            queue.push(stored.clone(), id, &mut effects.garbage);
            effects.wake.extend(queue.take_waker());
        }
        effects.garbage.extend(stored);
    }

    /// Gives a place to those in the line for whom there is room now, in their order.
    fn admit(&mut self, effects: &mut Effects) {
        while let Some(admitted) = self.line.next_admissible(&self.queues) {
            effects.wake.push(admitted.waker);
            let mut stored = Some(admitted.stored);
            self.accept(admitted.topic, &admitted.id, &mut stored, effects);
            effects.garbage.extend(stored);
        }
    }

    fn wake_if_drained(&mut self, effects: &mut Effects) {
        if self.closed && self.queues.values().all(|queue| queue.len() == 0) {
            effects.wake.append(&mut self.drained);
        }
    }

    fn left(&self) -> Left {
        let queued = self.queues.values().map(Queue::left).filter(|topics| !topics.is_empty()).collect();
        Left { queued, refused: 0 }
    }
}

/// One subscription's end of the engine; dropping it unsubscribes.
pub(in crate::engine::tests) struct Reader {
    engine: Arc<Engine>,
    key: u64,
}

impl Reader {
    pub(in crate::engine::tests) fn poll_next(&self, cx: &Context<'_>) -> Poll<Taken> {
        self.engine.with(|state, effects| {
            let queue = state.queues.get_mut(&self.key).expect("a reader has a queue");
            let taken = match queue.pop() {
                Popped::Event(stored, missed) => Taken::Event { stored, missed },
                Popped::End(end, missed) => Taken::End { end, missed },
                Popped::Nothing => {
                    queue.set_waker(cx.waker());
                    return Poll::Pending;
                }
            };
            state.admit(effects);
            state.wake_if_drained(effects);
            Poll::Ready(taken)
        })
    }

    pub(in crate::engine::tests) fn missed(&self) -> u64 {
        self.engine.lock().queues[&self.key].lost()
    }

    pub(in crate::engine::tests) fn len(&self) -> usize {
        self.engine.lock().queues[&self.key].len()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _queue = self.engine.with(|state, effects| {
            let queue = state.queues.remove(&self.key);
            state.admit(effects);
            state.wake_if_drained(effects);
            queue
        });
    }
}
