//! Acceptance: by all that follow an address, or by none.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Store;
use super::effects::Effects;
use super::log::Log;
use super::private::Private;
use super::queue::Queue;
use super::roster::Logs;
use super::sync::MutexGuard;
use super::topic::Topic;

/// All that follow one address, locked.
pub(super) struct Matching<'a> {
    pub(super) topic: &'a Topic,
    /// Of the roster that counts it.
    pub(super) published: Option<&'a mut u64>,
    /// Logs of the whole topic.
    pub(super) wide: Option<&'a mut Logs>,
    /// Logs of the address.
    pub(super) narrow: Option<&'a mut Logs>,
    pub(super) guards: Guards<'a>,
}

/// Private queues, locked in the order of their keys. One takes no memory.
#[derive(Default)]
pub(super) struct Guards<'a> {
    one: Option<Locked<'a>>,
    more: Vec<Locked<'a>>,
}

struct Locked<'a> {
    private: &'a Arc<Private>,
    queue: MutexGuard<'a, Queue>,
}

impl<'a> Guards<'a> {
    /// Both lists are sorted. No subscription is in both: its interest is in normal form.
    #[inline]
    pub(super) fn lock(one: &'a [Arc<Private>], two: &'a [Arc<Private>]) -> Self {
        let mut guards = Self::default();
        if !(one.is_empty() && two.is_empty()) {
            guards.lock_merged(one, two);
        }
        guards
    }

    fn lock_merged(&mut self, one: &'a [Arc<Private>], two: &'a [Arc<Private>]) {
        let (mut one, mut two) = (one.iter().peekable(), two.iter().peekable());
        loop {
            let next = match (one.peek(), two.peek()) {
                (Some(first), Some(second)) if first.key > second.key => two.next(),
                (Some(_), _) => one.next(),
                (None, _) => two.next(),
            };
            let Some(private) = next else { return };
            let queue = private.lock();
            if !queue.follows {
                continue;
            }
            let locked = Locked { private, queue };
            if self.one.is_none() {
                self.one = Some(locked);
            } else {
                self.more.push(locked);
            }
        }
    }

    fn iter(&mut self) -> impl Iterator<Item = &mut Locked<'a>> {
        self.one.iter_mut().chain(&mut self.more)
    }
}

impl Matching<'_> {
    fn logs(&mut self) -> impl Iterator<Item = &mut Log> {
        self.wide.iter_mut().chain(&mut self.narrow).flat_map(|logs| logs.iter_mut())
    }

    /// Those that can make publishers wait.
    fn waited_for(&mut self) -> (impl Iterator<Item = &mut Log>, impl Iterator<Item = &mut Queue>) {
        let logs = self.wide.iter_mut().chain(&mut self.narrow).flat_map(|logs| logs.iter_mut());
        let queues = self.guards.iter().map(|locked| &mut *locked.queue);
        (logs.filter(|log| log.makes_wait()), queues.filter(|queue| queue.makes_wait()))
    }

    /// Whether an event can be accepted now, without overtaking one that waits.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        let (mut logs, mut queues) = self.waited_for();
        logs.all(Log::has_room_now) && queues.all(|queue| queue.claims.is_empty() && !queue.is_full())
    }

    /// Whether the publish `key`, or one that has no key yet, has its turn everywhere, and there is room. Where there
    /// is none, readers know from then on that it is waited for.
    pub(super) fn has_room_for(&mut self, key: Option<u64>) -> bool {
        let is_next = |first: Option<u64>| first.is_none() || first == key;
        let (logs, queues) = self.waited_for();
        // No short cut: each log that has no room has to tell its readers.
        let mut room = true;
        for log in logs {
            room &= is_next(log.claims.first());
            room &= log.has_room() || log.wait_for_room();
        }
        for queue in queues {
            room &= is_next(queue.claims.first()) && !queue.is_full();
        }
        room
    }

    /// The publish `key` takes its turn, everywhere where it may have to wait.
    pub(super) fn claim(&mut self, key: u64) {
        let (logs, queues) = self.waited_for();
        logs.for_each(|log| log.claims.join(key));
        queues.for_each(|queue| queue.claims.join(key));
    }

    /// Gives up its turn. Those whose turn it is now are added to `next`.
    pub(super) fn unclaim(&mut self, key: u64, next: &mut BTreeSet<u64>) {
        let (logs, queues) = self.waited_for();
        logs.for_each(|log| log.claims.leave(key, next));
        queues.for_each(|queue| queue.claims.leave(key, next));
    }

    /// Gives the event to all. `store` is called if somebody follows, and then once. Those who ended for it are
    /// given, as they listen no more.
    pub(super) fn accept(&mut self, store: &mut dyn Store, effects: &mut Effects) -> Vec<Arc<Private>> {
        let mut ended = Vec::new();
        if self.guards.one.is_none() && self.logs().next().is_none() {
            return ended;
        }
        if let Some(published) = &mut self.published {
            **published += 1;
        }
        let stored = store.store(None);
        let mut lost = 0;
        for Locked { private, queue } in self.guards.iter() {
            lost += queue.push(stored.clone(), effects);
            if !queue.follows {
                ended.push(Arc::clone(private));
            }
        }
        // The last one gets what the others got a share of.
        let mut last = None;
        for log in self.logs() {
            if let Some(log) = last.replace(log) {
                lost += u64::from(log.push(stored.clone(), effects));
            }
        }
        match last {
            Some(log) => lost += u64::from(log.push(stored, effects)),
            None => effects.discard(stored),
        }
        self.topic.lose(lost);
        ended
    }
}
