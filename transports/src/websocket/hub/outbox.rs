//! What waits to be written to one connection: a lane for answers, and a lane for events, bounded in bytes.
//!
//! The lane of events also has the answers to `__subscribe` and `__unsubscribe`, which must neither overtake an event
//! nor be overtaken. What overflow drops leaves a mark where it was, so that the gap is told in its place.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use compact_str::CompactString;

use super::overflow::{OutboxConfig, Overflow};

/// A subscription's place among those of its connection.
pub(super) type Slot = u32;

/// The slot of what goes to a connection whatever it follows.
pub(super) const NO_SLOT: Slot = Slot::MAX;

/// What follows when an answer was taken to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The history of this subscription is another: what was dropped before was of the one before.
    Anew(Slot),
    /// The replay of this subscription can begin.
    Replay(Slot),
    /// Nothing of this subscription is queued any more.
    Release(Slot),
}

enum Item {
    Event {
        slot: Slot,
        offset: u64,
        overflow: Overflow,
        message: Bytes,
    },
    Dropped {
        slot: Slot,
        missed: u64,
        through: u64,
    },
    Answer {
        message: Bytes,
        then: Then,
    },
    /// What follows when all before it is written.
    Mark {
        then: Then,
    },
}

/// What comes next.
pub(super) enum Next {
    Message(Bytes),
    Answer(Bytes, Then),
    /// Nothing is to be written, and this follows.
    Mark(Then),
    /// So many events of this subscription were dropped, the last of them at this offset.
    Gap {
        slot: Slot,
        missed: u64,
        through: u64,
    },
}

/// The queue is beyond what a client may leave unread.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

pub(super) struct Outbox {
    config: OutboxConfig,
    answers: VecDeque<Bytes>,
    answer_bytes: usize,
    lane: VecDeque<Item>,
    lane_bytes: usize,
    /// How many items have left the lane: what numbers items for good.
    taken: u64,
    /// No item before this number can be dropped.
    droppable_from: u64,
    /// How many of the items are marks.
    dropped: usize,
    /// How many are answers.
    answers_in_order: usize,
    /// Gaps whose marks were passed, and that were not told yet.
    gaps: VecDeque<(Slot, u64, u64)>,
    /// The number of the newest event of an id, of topics where it replaces the older.
    newest: HashMap<(Slot, CompactString), u64>,
}

impl Outbox {
    pub(super) fn new(config: OutboxConfig) -> Self {
        Self {
            config,
            answers: VecDeque::new(),
            answer_bytes: 0,
            lane: VecDeque::new(),
            lane_bytes: 0,
            taken: 0,
            droppable_from: 0,
            dropped: 0,
            answers_in_order: 0,
            gaps: VecDeque::new(),
            newest: HashMap::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.lane.is_empty() && self.gaps.is_empty()
    }

    /// Whether an answer waits that keeps its place among the events.
    pub(super) fn has_answer_in_order(&self) -> bool {
        self.answers_in_order > 0
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.answer_bytes + self.lane_bytes
    }

    /// Whether more waits than should.
    pub(super) fn is_over(&self) -> bool {
        self.lane_bytes > self.config.bytes
    }

    /// An answer that may overtake events.
    pub(super) fn answer(&mut self, message: Bytes) -> Result<(), Full> {
        self.answer_bytes += message.len();
        self.answers.push_back(message);
        if self.answer_bytes > self.config.answer_bytes { Err(Full) } else { Ok(()) }
    }

    /// An answer that keeps its place among the events.
    pub(super) fn answer_in_order(&mut self, message: Bytes, then: Then) -> Result<(), Full> {
        self.lane_bytes += message.len();
        self.answers_in_order += 1;
        self.lane.push_back(Item::Answer { message, then });
        if self.lane_bytes > self.config.hard_bytes { Err(Full) } else { Ok(()) }
    }

    /// Something to be done once all that waits is written. Whether anything waits.
    pub(super) fn hold(&mut self, then: Then) -> bool {
        if self.lane.is_empty() && self.gaps.is_empty() {
            return false;
        }
        self.lane.push_back(Item::Mark { then });
        true
    }

    pub(super) fn event(
        &mut self,
        slot: Slot,
        id: &CompactString,
        offset: u64,
        overflow: Overflow,
        message: Bytes,
    ) -> Result<(), Full> {
        let with = self.lane_bytes + message.len();
        let fits = match overflow {
            Overflow::Disconnect if with > self.config.hard_bytes => return Err(Full),
            Overflow::Disconnect => true,
            _ if with <= self.config.bytes => true,
            Overflow::DropOldest => self.drop_oldest(message.len()),
            Overflow::LatestPerId => {
                self.drop_older(slot, id);
                self.drop_oldest(message.len())
            }
        };
        if !fits {
            self.lane.push_back(Item::Dropped { slot, missed: 1, through: offset });
            self.dropped += 1;
            self.compact();
            return Ok(());
        }
        if overflow == Overflow::LatestPerId {
            self.newest.insert((slot, id.clone()), self.taken + self.lane.len() as u64);
        }
        self.lane_bytes += message.len();
        self.lane.push_back(Item::Event { slot, offset, overflow, message });
        self.compact();
        Ok(())
    }

    /// Whether there is room now.
    fn drop_oldest(&mut self, room: usize) -> bool {
        while self.lane_bytes + room > self.config.bytes {
            let at = usize::try_from(self.droppable_from.saturating_sub(self.taken)).unwrap_or(usize::MAX);
            if at >= self.lane.len() {
                return false;
            }
            self.drop_at(at);
            self.droppable_from = self.taken + at as u64 + 1;
        }
        true
    }

    fn drop_older(&mut self, slot: Slot, id: &CompactString) {
        let number = self.newest.get(&(slot, id.clone())).copied();
        if let Some(at) = number.and_then(|number| number.checked_sub(self.taken)) {
            self.drop_at(usize::try_from(at).unwrap_or(usize::MAX));
        }
    }

    /// Leaves a mark in the place of an event that may be dropped.
    fn drop_at(&mut self, at: usize) {
        let Some(item) = self.lane.get_mut(at) else { return };
        if let Item::Event { slot, offset, overflow: Overflow::DropOldest | Overflow::LatestPerId, message } =
            item
        {
            self.lane_bytes -= message.len();
            self.dropped += 1;
            *item = Item::Dropped { slot: *slot, missed: 1, through: *offset };
        }
    }

    /// When what is remembered outgrows what waits: forgets it, and joins marks of one subscription that have none of
    /// its events between them. Then there are at most as many marks as events and subscriptions.
    fn compact(&mut self) {
        let others = self.lane.len() - self.dropped;
        if self.newest.len() > 32 + 2 * others {
            self.newest.retain(|_, number| *number >= self.taken);
        }
        if self.dropped <= 32 + 2 * others {
            return;
        }
        let mut open: HashMap<Slot, usize> = HashMap::new();
        let mut kept = VecDeque::with_capacity(self.lane.len() / 2);
        let mut moved = Vec::with_capacity(self.lane.len());
        for item in self.lane.drain(..) {
            moved.push(kept.len() as u64);
            match item {
                Item::Dropped { slot, missed, through } => {
                    let before = open.get(&slot).and_then(|&at| kept.get_mut(at));
                    if let Some(Item::Dropped { missed: before, through: until, .. }) = before {
                        *before += missed;
                        *until = through;
                        continue;
                    }
                    open.insert(slot, kept.len());
                }
                Item::Event { slot, .. } => drop(open.remove(&slot)),
                // The next of this slot is another's, or of another history.
                Item::Answer { then: Then::Release(slot) | Then::Anew(slot), .. } => drop(open.remove(&slot)),
                Item::Answer { .. } | Item::Mark { .. } => {}
            }
            kept.push_back(item);
        }
        self.lane = kept;
        self.dropped = self.lane.iter().filter(|item| matches!(item, Item::Dropped { .. })).count();
        self.droppable_from = self.taken;
        let place = |number: u64| usize::try_from(number.checked_sub(self.taken)?).ok();
        self.newest.retain(|_, number| match place(*number).and_then(|at| moved.get(at)) {
            Some(at) => {
                *number = self.taken + at;
                true
            }
            None => false,
        });
    }

    pub(super) fn next(&mut self) -> Option<Next> {
        if let Some(message) = self.answers.pop_front() {
            self.answer_bytes -= message.len();
            return Some(Next::Message(message));
        }
        loop {
            match self.lane.front() {
                Some(Item::Dropped { .. }) => self.pass_mark(),
                Some(Item::Event { slot, .. }) => {
                    let slot = *slot;
                    if let Some(at) = self.gaps.iter().position(|&(of, ..)| of == slot) {
                        return self.gap(at);
                    }
                    break;
                }
                // Its subscription may end here, and its gap must be told before.
                Some(Item::Answer { .. } | Item::Mark { .. }) if self.gaps.is_empty() => break,
                _ => return self.gap(0),
            }
        }
        let item = self.take()?;
        match item {
            Item::Event { message, .. } => {
                self.lane_bytes -= message.len();
                Some(Next::Message(message))
            }
            Item::Answer { message, then } => {
                self.lane_bytes -= message.len();
                self.answers_in_order -= 1;
                Some(Next::Answer(message, then))
            }
            Item::Mark { then } => Some(Next::Mark(then)),
            Item::Dropped { .. } => None,
        }
    }

    fn take(&mut self) -> Option<Item> {
        let item = self.lane.pop_front()?;
        self.taken += 1;
        if self.lane.is_empty() {
            self.newest.clear();
        }
        Some(item)
    }

    fn pass_mark(&mut self) {
        let Some(Item::Dropped { slot, missed, through }) = self.take() else { return };
        self.dropped -= 1;
        match self.gaps.iter_mut().find(|(of, ..)| *of == slot) {
            Some((_, known, until)) => {
                *known += missed;
                *until = through;
            }
            None => self.gaps.push_back((slot, missed, through)),
        }
    }

    fn gap(&mut self, at: usize) -> Option<Next> {
        let (slot, missed, through) = self.gaps.remove(at)?;
        Some(Next::Gap { slot, missed, through })
    }
}
