//! A subscription that shares no log, as the rosters list it.

use std::sync::Arc;

use super::queue::Queue;
use super::sync::{Mutex, MutexGuard, lock};
use crate::interest::Interest;

pub(super) struct Private {
    /// Given out in order; several are locked in this order.
    pub(super) key: u64,
    pub(super) interest: Interest,
    /// What the subscription is called in statistics.
    pub(super) name: Option<Box<str>>,
    queue: Mutex<Queue>,
}

impl Private {
    pub(super) fn new(key: u64, interest: Interest, name: Option<Box<str>>, queue: Queue) -> Self {
        Self { key, interest, name, queue: Mutex::new(queue) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }
}

/// Private subscriptions, by their key. Most rosters have none, so it takes one word.
#[derive(Default)]
#[expect(clippy::box_collection, reason = "one word in each roster, most of which have none")]
pub(super) struct Privates(Option<Box<Vec<Arc<Private>>>>);

impl Privates {
    pub(super) fn as_slice(&self) -> &[Arc<Private>] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    /// Newest last: subscriptions are made one at a time.
    pub(super) fn join(&mut self, private: Arc<Private>) {
        self.0.get_or_insert_default().push(private);
    }

    pub(super) fn leave(&mut self, key: u64) {
        let Some(list) = &mut self.0 else { return };
        if let Ok(place) = list.binary_search_by_key(&key, |private| private.key) {
            list.remove(place);
        }
        if list.is_empty() {
            self.0 = None;
        } else if list.len() < list.capacity() / 4 {
            list.shrink_to(list.len() * 2);
        }
    }
}
