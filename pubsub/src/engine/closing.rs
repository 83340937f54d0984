//! Closing, and what is asked of all subscriptions at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::effects::Effects;
use super::private::Private;
use super::roster::Roster;
use super::shard::Place;
use super::sync::{Ordering, lock};
use super::{Engine, Left};
use crate::interest::Interest;

impl Engine {
    /// Accepts nothing more. What is queued stays readable.
    pub(crate) fn close(&self) -> Left {
        let mut effects = Effects::default();
        // Held to the end: whoever closes a bus that is being closed comes back when it is.
        let mut line = lock(&self.line);
        let mut refused = 0;
        if !self.closed.swap(true, Ordering::AcqRel) {
            refused = line.refuse_all(&mut effects);
            let mut undrained = 0;
            self.visit(|_, _, roster, private| {
                let logs = roster.logs.iter_mut().flatten();
                undrained += logs.map(|log| log.close(&mut effects)).sum::<usize>();
                for private in private {
                    undrained += usize::from(private.lock().close(&mut effects));
                }
            });
            // Some may have been read to the end already; then this was below zero for a while.
            self.undrained.fetch_add(undrained, Ordering::AcqRel);
        }
        let queued = self.left();
        drop(line);
        Left { queued, refused }
    }

    /// What has not been read.
    pub(crate) fn unread(&self) -> Left {
        Left { queued: self.left(), refused: 0 }
    }

    /// Subscriptions to a closed bus have nothing left to read.
    pub(super) fn drained(&self, count: usize) {
        if count > 0 && self.undrained.fetch_sub(count, Ordering::AcqRel) == count {
            let wakers = std::mem::take(&mut lock(&self.drained).wakers);
            wakers.into_values().for_each(Waker::wake);
        }
    }

    /// Takes away what has not been read from a closed bus, and says what it was.
    pub(crate) fn discard(&self) -> Left {
        let mut effects = Effects::default();
        let mut queued = Vec::new();
        let mut drained = 0;
        self.visit(|topic, _, roster, private| {
            for log in roster.logs.iter_mut().flatten() {
                let (discarded, settled) = log.discard(&mut effects);
                let discarded = discarded.into_iter().filter(|&events| events > 0);
                queued.extend(discarded.map(|events| BTreeMap::from([(topic, events)])));
                drained += settled;
            }
            for private in private {
                let mut queue = private.lock();
                let left = queue.left();
                if !left.is_empty() {
                    queued.push(left);
                    drained += 1;
                }
                queue.discard(&mut effects);
            }
        });
        self.drained(drained);
        Left { queued, refused: 0 }
    }

    fn left(&self) -> Vec<BTreeMap<usize, u64>> {
        let mut queued = Vec::new();
        self.visit(|topic, _, roster, private| {
            for log in roster.logs.iter().flatten() {
                let unread = log.each_unread().filter(|&unread| unread > 0);
                queued.extend(unread.map(|unread| BTreeMap::from([(topic, unread)])));
            }
            let left = private.iter().map(|private| private.lock().left());
            queued.extend(left.filter(|left| !left.is_empty()));
        });
        queued
    }

    pub(crate) fn has_subscribers(&self, interest: &Interest) -> bool {
        if self.is_closed() {
            return false;
        }
        let anybody = |topic: &usize| self.topics[*topic].listening().anybody();
        if interest.all {
            return (0..self.topics.len()).any(|topic| anybody(&topic));
        }
        interest.topics.iter().any(anybody)
            || interest.addresses.iter().any(|(topic, id)| {
                let listening = self.topics[*topic].listening();
                listening.to_topic() || (listening.to_addresses() && self.has_address(*topic as u32, id))
            })
    }

    fn has_address(&self, topic: u32, id: &str) -> bool {
        let hash = self.hash(topic, id);
        let mut shard = lock(self.shard(Self::shard_of(hash)));
        let place = shard.find(hash, topic, id);
        place.is_some_and(|place| {
            let follows = |private: &Arc<Private>| private.lock().follows;
            !place.roster.logs.is_empty() || place.roster.private.as_slice().iter().any(follows)
        })
    }

    /// Visits every roster, one after the other: `f` is given its topic, its id if it is of one address, and those
    /// of its private subscriptions that were not in one before.
    pub(super) fn visit(&self, mut f: impl FnMut(usize, Option<&str>, &mut Roster, &[Arc<Private>])) {
        let mut seen = BTreeSet::new();
        let mut visit = |topic: usize, id: Option<&str>, roster: &mut Roster| {
            let private = roster.private.as_slice().iter();
            let new: Vec<_> = private.filter(|private| seen.insert(private.key)).cloned().collect();
            f(topic, id, roster, &new);
        };
        for (number, topic) in self.topics.iter().enumerate() {
            visit(number, None, &mut lock(&topic.roster));
        }
        for shard in &self.shards {
            for place in lock(shard).places() {
                let Place { topic, id, roster, .. } = place;
                visit(*topic as usize, Some(id), roster);
            }
        }
    }
}

/// Who waits for a closed bus to be drained.
#[derive(Default)]
pub(super) struct Drained {
    /// At most one for each [`Draining`].
    wakers: BTreeMap<u64, Waker>,
    last_key: u64,
}

/// Waits for a closed bus to be drained.
pub(crate) struct Draining<'a> {
    engine: &'a Engine,
    key: u64,
}

impl<'a> Draining<'a> {
    pub(crate) fn new(engine: &'a Engine) -> Self {
        let mut drained = lock(&engine.drained);
        drained.last_key += 1;
        Self { engine, key: drained.last_key }
    }

    /// Ready when every event of a closed bus has been read.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<()> {
        // Wakers are cloned and dropped outside the lock: both may run any code.
        let waker = waker.clone();
        let mut drained = lock(&self.engine.drained);
        if self.engine.undrained.load(Ordering::Acquire) == 0 {
            return Poll::Ready(());
        }
        let before = drained.wakers.insert(self.key, waker);
        drop(drained);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Draining<'_> {
    fn drop(&mut self) {
        let _waker = lock(&self.engine.drained).wakers.remove(&self.key);
    }
}
