//! Publishes that wait for room, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::effects::Effects;
use super::private::Private;
use super::routing::{Address, At};
use super::sync::lock;
use super::topic::Topic;
use super::{Engine, Refused, Store};
use crate::IdString;
use crate::event::Stored;

/// Those that wait, the longest waiting first.
#[derive(Default)]
pub(super) struct Line {
    pub(super) waiters: BTreeMap<u64, Waiter>,
    /// Events to give back: the bus was closed before there was room.
    refused: BTreeMap<u64, Stored>,
    last_key: u64,
    /// Topics of which was told that somebody waits for long, and for which somebody still waits.
    told: Vec<usize>,
}

/// One that was made before: as long as it waits.
impl Store for Option<Stored> {
    fn store(&mut self, _: Option<&IdString>) -> Stored {
        self.take().expect("an event is stored once")
    }
}

pub(super) struct Waiter {
    pub(super) topic: usize,
    pub(super) id: IdString,
    stored: Option<Stored>,
    waker: Waker,
    since: Instant,
}

impl Line {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty() && self.refused.is_empty()
    }

    pub(super) fn new_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    /// The keys of those that wait at the addresses that match, in order.
    pub(super) fn each_matching(&self, matches: impl Fn(usize, &str) -> bool, found: impl FnMut(u64)) {
        let matching = self.waiters.iter().filter(|(_, waiter)| matches(waiter.topic, &waiter.id));
        matching.map(|(key, _)| *key).for_each(found);
    }

    /// How long the first of those that wait for this topic has waited.
    pub(super) fn longest_wait(&self, topic: usize) -> Option<Duration> {
        let first = self.waiters.values().find(|waiter| waiter.topic == topic);
        first.map(|waiter| waiter.since.elapsed())
    }

    /// Whether it was not told yet.
    pub(super) fn tell_of(&mut self, topic: usize) -> bool {
        let is_new = !self.told.contains(&topic);
        if is_new {
            self.told.push(topic);
        }
        is_new
    }

    fn remove(&mut self, key: u64) -> Option<Waiter> {
        let waiter = self.waiters.remove(&key);
        if !self.told.is_empty() {
            let waiters = &self.waiters;
            self.told.retain(|topic| waiters.values().any(|waiter| waiter.topic == *topic));
        }
        waiter
    }

    pub(super) fn refuse_all(&mut self, effects: &mut Effects) -> usize {
        let waiters = std::mem::take(&mut self.waiters);
        let count = waiters.len();
        for (key, waiter) in waiters {
            effects.wake(waiter.waker);
            self.refused.extend(waiter.stored.map(|stored| (key, stored)));
        }
        count
    }
}

impl Engine {
    #[cold]
    pub(super) fn join_line(
        self: &Arc<Self>,
        address: Address<'_>,
        store: &mut dyn Store,
        waker: &Waker,
    ) -> Result<Option<Waiting>, Refused> {
        let mut effects = Effects::default();
        let mut line = lock(&self.line);
        let key = line.new_key();
        let result = self.with_matching(address, |matching| {
            if self.is_closed() {
                return Err(Refused::Closed);
            }
            // There may be room by now.
            if matching.has_room_for(None) {
                return Ok(Some(matching.accept(store, &mut effects)));
            }
            matching.claim(key);
            Ok(None)
        });
        if let Some(ended) = result? {
            drop(line);
            self.stop_listening(&ended);
            return Ok(None);
        }
        let stored = store.store(None);
        let waiter = Waiter {
            topic: address.topic,
            id: stored.id_text().into(),
            stored: Some(stored),
            waker: waker.clone(),
            since: Instant::now(),
        };
        line.waiters.insert(key, waiter);
        let overdue = self.find_overdue(&mut line, address.topic);
        drop(line);
        self.tell_if_overdue(address.topic, overdue);
        Ok(Some(Waiting { engine: Arc::clone(self), key }))
    }

    /// Gives a place to those in the line for whom there is room now, in their order: to `next`, and to all who
    /// waited for nothing but their turn.
    pub(super) fn admit(&self, line: &mut Line, mut next: BTreeSet<u64>, effects: &mut Effects) {
        while let Some(key) = next.pop_first() {
            let Some(Waiter { topic, id, stored, .. }) = line.waiters.get_mut(&key) else { continue };
            let address = Address { topic: *topic, at: At::Id(id) };
            let ended = self.with_matching(address, |matching| {
                matching.has_room_for(Some(key)).then(|| {
                    matching.unclaim(key, &mut next);
                    matching.accept(stored, effects)
                })
            });
            if let Some(ended) = ended {
                self.stop_listening(&ended);
                if let Some(waiter) = line.remove(key) {
                    effects.wake(waiter.waker);
                    effects.discard_all(waiter.stored);
                }
            }
        }
    }

    /// Readers made room, or left: it is the turn of these.
    #[cold]
    pub(super) fn admit_next(&self, next: impl IntoIterator<Item = u64>) {
        let mut effects = Effects::default();
        self.admit(&mut lock(&self.line), next.into_iter().collect(), &mut effects);
    }

    /// These follow nothing any more.
    pub(super) fn stop_listening(&self, ended: &[Arc<Private>]) {
        for private in ended {
            self.count_listening(&private.interest, Topic::left);
        }
    }
}

/// A publish in the line. Dropped before it was admitted, it leaves the line and reached nobody.
pub(crate) struct Waiting {
    engine: Arc<Engine>,
    key: u64,
}

impl Waiting {
    /// Gives it a place if there is room that no reader told of.
    pub(crate) fn look_again(&self) {
        let mut effects = Effects::default();
        let mut line = lock(&self.engine.line);
        self.engine.admit(&mut line, BTreeSet::from([self.key]), &mut effects);
        drop(line);
    }

    /// Ready when the event was accepted, or with the event when the bus was closed.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<(), Stored>> {
        let mut waker = waker.clone();
        let mut line = lock(&self.engine.line);
        if let Some(waiter) = line.waiters.get_mut(&self.key) {
            std::mem::swap(&mut waiter.waker, &mut waker);
            let topic = waiter.topic;
            let overdue = self.engine.find_overdue(&mut line, topic);
            drop(line);
            self.engine.tell_if_overdue(topic, overdue);
            return Poll::Pending;
        }
        Poll::Ready(line.refused.remove(&self.key).map_or(Ok(()), Err))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let engine = &self.engine;
        let mut effects = Effects::default();
        let mut line = lock(&engine.line);
        let refused = line.refused.remove(&self.key);
        let waiter = line.remove(self.key);
        if let Some(waiter) = &waiter {
            let address = Address { topic: waiter.topic, at: At::Id(&waiter.id) };
            let mut next = BTreeSet::new();
            engine.with_matching(address, |matching| matching.unclaim(self.key, &mut next));
            engine.admit(&mut line, next, &mut effects);
        }
        drop(line);
        drop((refused, waiter));
    }
}
