//! What one subscription has not read yet, bounded.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use crate::delivery::End;
use crate::event::Stored;
use crate::interest::Interest;
use crate::overflow::Overflow;

pub(super) struct Queue {
    interest: Interest,
    bound: usize,
    overflow: Overflow,
    events: VecDeque<Entry>,
    /// Lost since the last event that was taken in: told by the next one, or by the end.
    lost_since: u64,
    /// Lost in all.
    lost: u64,
    end: Option<End>,
    reader: Option<Waker>,
}

struct Entry {
    stored: Stored,
    /// Lost just before this event.
    missed: u64,
}

pub(super) enum Popped {
    Event(Stored, u64),
    End(End, u64),
    Nothing,
}

impl Queue {
    pub(super) fn new(interest: Interest, bound: usize, overflow: Overflow) -> Self {
        Self {
            interest,
            bound,
            overflow,
            events: VecDeque::new(),
            lost_since: 0,
            lost: 0,
            end: None,
            reader: None,
        }
    }

    pub(super) fn interest(&self) -> &Interest {
        &self.interest
    }

    pub(super) fn is_open(&self) -> bool {
        self.end.is_none()
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) fn is_full(&self) -> bool {
        self.events.len() >= self.bound
    }

    pub(super) fn follows(&self, topic: usize, id: &str) -> bool {
        self.is_open() && self.interest.contains(topic, id)
    }

    /// Whether a publisher to this address has to wait while the queue is full.
    pub(super) fn makes_wait(&self, topic: usize, id: &str) -> bool {
        self.overflow == Overflow::Backpressure && self.follows(topic, id)
    }

    /// Takes an event in, as the policy says. Under backpressure the caller has seen to it that there is room.
    pub(super) fn push(&mut self, stored: Stored, id: &str, garbage: &mut Vec<Stored>) {
        match self.overflow {
            Overflow::LatestPerId => self.replace(stored, id, garbage),
            _ if !self.is_full() => self.append(stored, 0),
            Overflow::DropOldest => self.append_for_oldest(stored, garbage),
            Overflow::DropNewest | Overflow::Backpressure => self.lose(stored, garbage),
            Overflow::Fail => {
                self.lose(stored, garbage);
                self.end = Some(End::Overflowed);
            }
        }
    }

    fn append(&mut self, stored: Stored, missed: u64) {
        let missed = missed + std::mem::take(&mut self.lost_since);
        self.events.push_back(Entry { stored, missed });
    }

    fn lose(&mut self, stored: Stored, garbage: &mut Vec<Stored>) {
        self.lost += 1;
        self.lost_since += 1;
        garbage.push(stored);
    }

    /// The oldest gives way, and the one that is the oldest now tells so.
    fn append_for_oldest(&mut self, stored: Stored, garbage: &mut Vec<Stored>) {
        let oldest = self.events.pop_front();
        self.append(stored, 0);
        if let (Some(oldest), Some(front)) = (oldest, self.events.front_mut()) {
            self.lost += 1;
            front.missed += oldest.missed + 1;
            garbage.push(oldest.stored);
        }
    }

    fn replace(&mut self, stored: Stored, id: &str, garbage: &mut Vec<Stored>) {
        let same = |entry: &Entry| entry.stored.topic() == stored.topic() && entry.stored.id_text() == id;
        let older = self.events.iter().position(same).and_then(|place| self.events.remove(place));
        match older {
            Some(older) => {
                self.lost += 1;
                self.append(stored, older.missed + 1);
                garbage.push(older.stored);
            }
            None if self.is_full() => self.append_for_oldest(stored, garbage),
            None => self.append(stored, 0),
        }
    }

    pub(super) fn pop(&mut self) -> Popped {
        match (self.events.pop_front(), self.end) {
            (Some(Entry { stored, missed }), _) => Popped::Event(stored, missed),
            (None, Some(end)) => Popped::End(end, std::mem::take(&mut self.lost_since)),
            (None, None) => Popped::Nothing,
        }
    }

    pub(super) fn close(&mut self) {
        self.end.get_or_insert(End::Closed);
    }

    /// Takes away what was not read: lost, and told by the end.
    pub(super) fn discard(&mut self, garbage: &mut Vec<Stored>) {
        for Entry { stored, missed } in self.events.drain(..) {
            self.lost += 1;
            self.lost_since += missed + 1;
            garbage.push(stored);
        }
    }

    pub(super) fn left(&self) -> BTreeMap<usize, u64> {
        let mut topics = BTreeMap::new();
        for entry in &self.events {
            *topics.entry(entry.stored.topic()).or_default() += 1;
        }
        topics
    }

    pub(super) fn set_waker(&mut self, waker: &Waker) {
        match &mut self.reader {
            Some(reader) => reader.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    pub(super) fn take_waker(&mut self) -> Option<Waker> {
        self.reader.take()
    }
}
