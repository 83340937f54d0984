//! What one subscription has not read yet, where it shares no log.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use super::claims::Claims;
use super::effects::Effects;
use super::log::Follow;
use super::subscribe::Terms;
use crate::delivery::End;
use crate::event::Stored;
use crate::overflow::Overflow;

pub(super) struct Queue {
    bound: usize,
    overflow: Overflow,
    /// Events are taken in: the subscription is complete, its policy has not ended it, and it was not dropped.
    pub(super) follows: bool,
    events: VecDeque<Entry>,
    /// Lost since the last event that was taken in: told by the next one, or by the end.
    lost_since: u64,
    /// Lost in all.
    lost: u64,
    end: Option<End>,
    closed: bool,
    reader: Option<Waker>,
    /// Backpressure: publishes that wait, for this queue or for another that they need as well.
    pub(super) claims: Claims,
    /// What it has not read is nobody's loss: closing neither waits for it nor counts it.
    observes: bool,
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
    pub(super) fn new(terms: &Terms) -> Self {
        Self {
            bound: terms.bound,
            overflow: terms.overflow,
            observes: terms.observes,
            follows: false,
            events: VecDeque::new(),
            lost_since: 0,
            lost: 0,
            end: None,
            closed: false,
            reader: None,
            claims: Claims::default(),
        }
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

    /// Whether publishers have to wait while it is full.
    pub(super) fn makes_wait(&self) -> bool {
        self.overflow == Overflow::Backpressure && self.follows
    }

    /// Takes an event in, as the policy says. Under backpressure the caller has seen to it that there is room.
    /// Gives how many events were lost for it.
    pub(super) fn push(&mut self, stored: Stored, effects: &mut Effects) -> u64 {
        let before = self.lost;
        match self.overflow {
            Overflow::LatestPerId => self.replace(stored, effects),
            _ if !self.is_full() => self.append(stored, 0),
            Overflow::DropOldest => self.append_for_oldest(stored, effects),
            Overflow::DropNewest | Overflow::Backpressure => self.lose(stored, effects),
            Overflow::Fail => {
                self.lose(stored, effects);
                self.end = Some(End::Overflowed);
                self.follows = false;
            }
        }
        if let Some(reader) = self.reader.take() {
            effects.wake(reader);
        }
        self.lost - before
    }

    fn append(&mut self, stored: Stored, missed: u64) {
        let missed = missed + std::mem::take(&mut self.lost_since);
        self.events.push_back(Entry { stored, missed });
    }

    fn lose(&mut self, stored: Stored, effects: &mut Effects) {
        self.lost += 1;
        self.lost_since += 1;
        effects.discard(stored);
    }

    /// The oldest gives way, and the one that is the oldest now tells so.
    fn append_for_oldest(&mut self, stored: Stored, effects: &mut Effects) {
        let oldest = self.events.pop_front();
        self.append(stored, 0);
        if let (Some(oldest), Some(front)) = (oldest, self.events.front_mut()) {
            self.lost += 1;
            front.missed += oldest.missed + 1;
            effects.discard(oldest.stored);
        }
    }

    fn replace(&mut self, stored: Stored, effects: &mut Effects) {
        let (topic, id) = (stored.topic(), stored.id_text());
        let same = |entry: &Entry| entry.stored.topic() == topic && entry.stored.id_text() == id;
        let older = self.events.iter().position(same);
        match older.and_then(|place| self.events.remove(place)) {
            Some(older) => {
                self.lost += 1;
                self.append(stored, older.missed + 1);
                effects.discard(older.stored);
            }
            None if self.is_full() => self.append_for_oldest(stored, effects),
            None => self.append(stored, 0),
        }
    }

    /// The next event; if there is none, `reader` is woken when there is.
    pub(super) fn pop(&mut self, reader: &Waker, effects: &mut Effects) -> Popped {
        match (self.events.pop_front(), self.end) {
            (Some(Entry { stored, missed }), _) => Popped::Event(stored, missed),
            (None, Some(end)) => Popped::End(end, std::mem::take(&mut self.lost_since)),
            (None, None) => {
                if !self.reader.as_ref().is_some_and(|parked| parked.will_wake(reader)) {
                    effects.forget(self.reader.replace(reader.clone()));
                }
                Popped::Nothing
            }
        }
    }

    pub(super) fn after_read(&self) -> Follow {
        Follow { next: self.claims.first(), drained: self.closed && self.events.is_empty() && !self.observes }
    }

    /// Takes nothing in any more. Gives whether something is left to read.
    pub(super) fn close(&mut self, effects: &mut Effects) -> bool {
        self.closed = true;
        self.end.get_or_insert(End::Closed);
        self.claims = Claims::default();
        if let Some(reader) = self.reader.take() {
            effects.wake(reader);
        }
        !self.events.is_empty() && !self.observes
    }

    /// Takes away what was not read: lost, and told by the end.
    pub(super) fn discard(&mut self, effects: &mut Effects) {
        let unread = if self.observes { 0..0 } else { 0..self.events.len() };
        for Entry { stored, missed } in self.events.drain(unread) {
            self.lost += 1;
            self.lost_since += missed + 1;
            effects.discard(stored);
        }
        if let Some(reader) = self.reader.take() {
            effects.wake(reader);
        }
    }

    /// The subscription is dropped. Gives whether it leaves something of a closed bus unread.
    pub(super) fn leave(&mut self, effects: &mut Effects) -> bool {
        effects.forget(self.reader.take());
        let drained = self.closed && !self.events.is_empty() && !self.observes;
        effects.discard_all(self.events.drain(..).map(|entry| entry.stored));
        drained
    }

    /// The bound, if publishers wait because it is reached.
    pub(super) fn blocks(&self) -> Option<usize> {
        (self.makes_wait() && self.is_full() && !self.claims.is_empty()).then_some(self.bound)
    }

    /// What was not read, by topic.
    pub(super) fn left(&self) -> BTreeMap<usize, u64> {
        let mut topics = BTreeMap::new();
        for entry in self.events.iter().filter(|_| !self.observes) {
            *topics.entry(entry.stored.topic()).or_default() += 1;
        }
        topics
    }
}
