//! Where an item goes: the open groups, their queues, and what happens at the bounds.

use alloc::{collections::VecDeque, vec::Vec};
use core::mem;

use hashbrown::HashTable;

use super::{Groups, OnFull, parties::OUTER};

/// No slot.
const NONE: usize = usize::MAX;

/// All groups that are open, or closed and still held by somebody.
pub(super) struct Routing<K, T> {
    config: Groups,
    slots: Vec<Slot<K, T>>,
    free: usize,
    // Open groups by key, and in the order in which they were fed last.
    open: HashTable<usize>,
    least_recent: usize,
    most_recent: usize,
    // Open groups that were not handed out yet.
    fresh: VecDeque<usize>,
    // What was taken from the source and waits for room.
    held: Option<Routed<K, T>>,
    outer_alive: bool,
    lost: u64,
    closed: u64,
}

/// An item on its way to the group of its key.
pub(super) struct Routed<K, T> {
    pub(super) hash: u64,
    pub(super) key: K,
    pub(super) item: T,
}

struct Slot<K, T> {
    group: Option<State<K, T>>,
    less_recent: usize,
    // Or the next free slot.
    more_recent: usize,
}

struct State<K, T> {
    hash: u64,
    key: K,
    queue: VecDeque<T>,
    open: bool,
    announced: bool,
    lost: u64,
}

/// What has to be done when the lock is released: wakes, and drops of what is not needed any more.
pub(super) struct Effects<K, T> {
    pub(super) wakes: [Option<usize>; 3],
    pub(super) wake_all: bool,
    _key: Option<K>,
    _item: Option<T>,
    _group: Option<Removed<K, T>>,
}

/// A group that is forgotten, to be dropped when the lock is released.
pub(super) struct Removed<K, T> {
    _key: K,
    queue: VecDeque<T>,
}

impl<K, T> Effects<K, T> {
    pub(super) fn none() -> Self {
        Self { wakes: [None; 3], wake_all: false, _key: None, _item: None, _group: None }
    }
}

/// The place among the parties of the group in `slot`.
pub(super) fn place_of(slot: usize) -> usize {
    slot + OUTER + 1
}

impl<K, T> Routing<K, T> {
    pub(super) fn new(config: Groups) -> Self {
        Self {
            config,
            slots: Vec::new(),
            free: NONE,
            open: HashTable::new(),
            least_recent: NONE,
            most_recent: NONE,
            fresh: VecDeque::new(),
            held: None,
            outer_alive: true,
            lost: 0,
            closed: 0,
        }
    }

    pub(super) fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    pub(super) fn held(&self) -> usize {
        usize::from(self.held.is_some())
    }

    pub(super) fn fresh(&self) -> usize {
        self.fresh.len()
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) fn closed(&self) -> u64 {
        self.closed
    }

    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_open(&self, slot: usize) -> bool {
        self.state(slot).is_some_and(|group| group.open)
    }

    pub(super) fn queued(&self, slot: usize) -> usize {
        self.state(slot).map_or(0, |group| group.queue.len())
    }

    pub(super) fn lost_by(&self, slot: usize) -> u64 {
        self.state(slot).map_or(0, |group| group.lost)
    }

    fn state(&self, slot: usize) -> Option<&State<K, T>> {
        self.slots.get(slot)?.group.as_ref()
    }

    fn state_mut(&mut self, slot: usize) -> Option<&mut State<K, T>> {
        self.slots.get_mut(slot)?.group.as_mut()
    }

    fn unlink(&mut self, slot: usize) {
        let (less, more) = (self.slots[slot].less_recent, self.slots[slot].more_recent);
        match self.slots.get_mut(less) {
            Some(slot) => slot.more_recent = more,
            None => self.least_recent = more,
        }
        match self.slots.get_mut(more) {
            Some(slot) => slot.less_recent = less,
            None => self.most_recent = less,
        }
    }

    fn link_most_recent(&mut self, slot: usize) {
        let less = mem::replace(&mut self.most_recent, slot);
        self.slots[slot].less_recent = less;
        self.slots[slot].more_recent = NONE;
        match self.slots.get_mut(less) {
            Some(before) => before.more_recent = slot,
            None => self.least_recent = slot,
        }
    }

    /// Routes nothing more to the group; its queue stays.
    fn close(&mut self, slot: usize) {
        let Some(group) = self.state_mut(slot) else { return };
        if !mem::take(&mut group.open) {
            return;
        }
        let hash = group.hash;
        if let Ok(entry) = self.open.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        self.unlink(slot);
    }

    /// Forgets the group.
    fn remove(&mut self, slot: usize) -> Option<Removed<K, T>> {
        self.close(slot);
        let place = self.slots.get_mut(slot)?;
        let group = place.group.take()?;
        place.more_recent = mem::replace(&mut self.free, slot);
        Some(Removed { _key: group.key, queue: group.queue })
    }
}

impl<K: Eq, T> Routing<K, T> {
    /// The open group of an item.
    pub(super) fn find(&self, routed: &Routed<K, T>) -> Option<usize> {
        let slots = &self.slots;
        let known = self.open.find(routed.hash, |&slot| {
            slots[slot].group.as_ref().is_some_and(|group| group.key == routed.key)
        });
        known.copied()
    }

    /// The open group of what is held. Asked before anything is moved: a comparison that panics then drops nothing.
    fn find_held(&self) -> Option<usize> {
        self.held.as_ref().and_then(|held| self.find(held))
    }

    /// Puts an item into the queue of its group, which is `known` if it is open, or does what the configuration says
    /// if there is no room.
    pub(super) fn route(&mut self, routed: Routed<K, T>, known: Option<usize>, effects: &mut Effects<K, T>) {
        let slot = match known {
            Some(slot) => slot,
            None if !self.outer_alive => {
                // Nobody could take the group.
                self.lost += 1;
                effects._key = Some(routed.key);
                effects._item = Some(routed.item);
                return;
            }
            None => return self.open_with(routed, effects),
        };
        let Groups { per_group, on_full, .. } = self.config;
        let Some(group) = self.slots[slot].group.as_mut() else {
            return;
        };
        let full = group.queue.len() >= per_group;
        if full && on_full == OnFull::Wait {
            self.held = Some(routed);
            return;
        }
        effects._key = Some(routed.key);
        if full {
            group.lost += 1;
            self.lost += 1;
            if on_full == OnFull::DropNewest {
                effects._item = Some(routed.item);
                return;
            }
            effects._item = group.queue.pop_front();
        }
        group.queue.push_back(routed.item);
        effects.wakes[0] = Some(place_of(slot));
        if self.most_recent != slot {
            self.unlink(slot);
            self.link_most_recent(slot);
        }
    }

    /// Opens a group for its first item, and closes the least recently fed one if there are too many.
    fn open_with(&mut self, routed: Routed<K, T>, effects: &mut Effects<K, T>) {
        if self.open.len() >= self.config.max {
            let victim = self.least_recent;
            if self.state(victim).is_some_and(|group| group.announced) {
                self.close(victim);
                self.closed += 1;
                effects.wakes[1] = Some(place_of(victim));
            } else {
                // It would be closed before anybody could take it, and groups that wait to be taken count too.
                match self.config.on_full {
                    OnFull::Wait => {
                        self.held = Some(routed);
                        return;
                    }
                    OnFull::DropOldest => {
                        self.fresh.retain(|&slot| slot != victim);
                        let group = self.remove(victim);
                        self.lost += group.as_ref().map_or(0, |group| group.queue.len()) as u64;
                        self.closed += 1;
                        effects._group = group;
                    }
                    OnFull::DropNewest => {
                        self.lost += 1;
                        effects._key = Some(routed.key);
                        effects._item = Some(routed.item);
                        return;
                    }
                }
            }
        }
        let group = Some(State {
            hash: routed.hash,
            key: routed.key,
            queue: VecDeque::from([routed.item]),
            open: true,
            announced: false,
            lost: 0,
        });
        let slot = if let Some(free) = self.slots.get_mut(self.free) {
            let slot = mem::replace(&mut self.free, free.more_recent);
            self.slots[slot].group = group;
            slot
        } else {
            self.slots.push(Slot { group, less_recent: NONE, more_recent: NONE });
            self.slots.len() - 1
        };
        self.link_most_recent(slot);
        let slots = &self.slots;
        self.open.insert_unique(routed.hash, slot, |&slot| {
            slots[slot].group.as_ref().map_or(0, |group| group.hash)
        });
        self.fresh.push_back(slot);
        effects.wakes[2] = Some(OUTER);
    }

    /// Tries again to place what is held, after room may have been made. Whoever waits may then drive the source:
    /// while something was held nobody polled it, so it knows none of them.
    fn retry(&mut self, known: Option<usize>, effects: &mut Effects<K, T>) {
        if let Some(held) = self.held.take() {
            let known = known.filter(|&slot| self.is_open(slot));
            self.route(held, known, effects);
            effects.wake_all |= self.held.is_none();
        }
    }

    /// The next group that nobody has taken yet.
    pub(super) fn announce(&mut self, effects: &mut Effects<K, T>) -> Option<(usize, K)>
    where
        K: Clone,
    {
        let slot = *self.fresh.front()?;
        let known = self.find_held();
        let group = self.state_mut(slot)?;
        let key = group.key.clone();
        group.announced = true;
        self.fresh.pop_front();
        self.retry(known, effects);
        Some((slot, key))
    }

    /// The next item in the queue of a group.
    pub(super) fn pop(&mut self, slot: usize, effects: &mut Effects<K, T>) -> Option<T> {
        if self.queued(slot) == 0 {
            return None;
        }
        let known = self.find_held();
        let item = self.state_mut(slot)?.queue.pop_front()?;
        self.retry(known, effects);
        Some(item)
    }

    /// A group was dropped. Gives what it was, to be dropped without the lock.
    pub(super) fn leave(&mut self, slot: usize, effects: &mut Effects<K, T>) -> Option<Removed<K, T>> {
        let known = self.find_held();
        let group = self.remove(slot);
        self.retry(known, effects);
        group
    }

    /// The outer stream was dropped: nobody can take the groups that were not handed out. Gives what they were.
    pub(super) fn leave_outer(&mut self, effects: &mut Effects<K, T>) -> Vec<Removed<K, T>> {
        let known = self.find_held();
        self.outer_alive = false;
        let mut groups = Vec::new();
        while let Some(slot) = self.fresh.pop_front() {
            let group = self.remove(slot);
            self.lost += group.as_ref().map_or(0, |group| group.queue.len()) as u64;
            groups.extend(group);
        }
        self.retry(known, effects);
        groups
    }
}
