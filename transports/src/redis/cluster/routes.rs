//! Which node has which slot, for those who publish.

use std::sync::{Arc, Mutex, PoisonError};

use super::slot::SLOTS;
use crate::redis::outbox::Outbox;

/// A slot that is nobody's.
pub(super) const NOBODY: u16 = u16::MAX;

pub(super) struct Routes {
    state: Mutex<State>,
}

struct State {
    /// The node of each slot.
    slots: Box<[u16]>,
    outboxes: Vec<Arc<Outbox>>,
}

impl Routes {
    pub(super) fn new() -> Self {
        let slots = vec![NOBODY; usize::from(SLOTS)].into_boxed_slice();
        Self { state: Mutex::new(State { slots, outboxes: Vec::new() }) }
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The outbox of a node: of one more, or instead of one that is over.
    pub(super) fn put(&self, node: usize, outbox: Arc<Outbox>) {
        self.with(|state| match state.outboxes.get_mut(node) {
            Some(own) => *own = outbox,
            None => state.outboxes.push(outbox),
        });
    }

    pub(super) fn of(&self, node: usize) -> Option<Arc<Outbox>> {
        self.with(|state| state.outboxes.get(node).cloned())
    }

    pub(super) fn set(&self, slots: Box<[u16]>) {
        self.with(|state| state.slots = slots);
    }

    pub(super) fn node(&self, slot: u16) -> Option<usize> {
        self.with(|state| state.slots.get(usize::from(slot)).copied())
            .filter(|node| *node != NOBODY)
            .map(usize::from)
    }

    pub(super) fn outbox(&self, slot: u16) -> Option<Arc<Outbox>> {
        self.with(|state| {
            let node = *state.slots.get(usize::from(slot))?;
            state.outboxes.get(usize::from(node)).cloned()
        })
    }

    pub(super) fn all(&self) -> Vec<Arc<Outbox>> {
        self.with(|state| state.outboxes.clone())
    }
}
