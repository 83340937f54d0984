//! Publishes that wait for room, in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Engine;
use super::queue::Queue;
use crate::IdString;
use crate::event::Stored;

/// Those that wait, the longest waiting first.
#[derive(Default)]
pub(super) struct Line {
    waiters: VecDeque<Waiter>,
    /// Events to give back: the bus was closed before there was room.
    refused: BTreeMap<u64, Stored>,
}

pub(super) struct Waiter {
    key: u64,
    pub(super) topic: usize,
    pub(super) id: IdString,
    pub(super) stored: Stored,
    pub(super) waker: Waker,
}

impl Line {
    pub(super) fn join(&mut self, key: u64, topic: usize, id: IdString, stored: Stored, waker: Waker) {
        self.waiters.push_back(Waiter { key, topic, id, stored, waker });
    }

    /// Whether somebody waits who will need a place in this queue.
    pub(super) fn has_any_for(&self, queue: &Queue) -> bool {
        self.waiters.iter().any(|waiter| queue.makes_wait(waiter.topic, &waiter.id))
    }

    /// Takes out the first for whom there is room, and who overtakes nobody that waits for the same room.
    pub(super) fn next_admissible(&mut self, queues: &BTreeMap<u64, Queue>) -> Option<Waiter> {
        let mut claimed = BTreeSet::new();
        let place = self.waiters.iter().position(|waiter| {
            let mut admissible = true;
            for (key, queue) in queues.iter().filter(|(_, queue)| queue.makes_wait(waiter.topic, &waiter.id))
            {
                admissible &= !queue.is_full() && !claimed.contains(key);
            }
            if !admissible {
                let needed = queues.iter().filter(|(_, queue)| queue.makes_wait(waiter.topic, &waiter.id));
                claimed.extend(needed.map(|(key, _)| *key));
            }
            admissible
        })?;
        self.waiters.remove(place)
    }

    pub(super) fn refuse_all(&mut self, wake: &mut Vec<Waker>) -> usize {
        let count = self.waiters.len();
        for waiter in self.waiters.drain(..) {
            wake.push(waiter.waker);
            self.refused.insert(waiter.key, waiter.stored);
        }
        count
    }
}

/// A publish in the line. Dropped before it was admitted, it leaves the line and reached nobody.
pub(in crate::engine::tests) struct Waiting {
    engine: Arc<Engine>,
    key: u64,
}

impl Waiting {
    pub(super) fn new(engine: Arc<Engine>, key: u64) -> Self {
        Self { engine, key }
    }

    /// Ready when the event was accepted, or with the event when the bus was closed.
    pub(in crate::engine::tests) fn poll(&self, cx: &Context<'_>) -> Poll<Result<(), Stored>> {
        let mut state = self.engine.lock();
        if let Some(waiter) = state.line.waiters.iter_mut().find(|waiter| waiter.key == self.key) {
            waiter.waker.clone_from(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(state.line.refused.remove(&self.key).map_or(Ok(()), Err))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _left = self.engine.with(|state, effects| {
            let place = state.line.waiters.iter().position(|waiter| waiter.key == self.key);
            let left = place.and_then(|place| state.line.waiters.remove(place));
            // Those behind may have waited for nothing but their turn.
            state.admit(effects);
            (left, state.line.refused.remove(&self.key))
        });
    }
}
