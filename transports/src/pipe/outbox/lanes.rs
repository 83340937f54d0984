//! What waits to be written, in two lanes: events, which need room on the other side, and everything else.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_channel::oneshot;

use crate::SendError;

pub(super) type Answer = oneshot::Sender<Result<(), SendError>>;

pub(super) struct Entry {
    number: u64,
    pub(super) message: Bytes,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Control,
    /// Control, with who waits for it to be written.
    Mark(oneshot::Sender<()>),
    /// Control, since there was nothing else to say.
    Sign,
    /// An event, with who waits for the answer, if anybody does.
    Event(Option<Answer>),
    /// An event that nobody answers.
    Delivery,
    /// That there are events missing here.
    Gap,
    /// It comes after all events, and needs no room.
    Last,
}

impl Entry {
    pub(super) fn new(message: Bytes, kind: Kind) -> Self {
        Self { number: 0, message, kind }
    }

    pub(super) fn is_event(&self) -> bool {
        matches!(self.kind, Kind::Event(_) | Kind::Delivery)
    }

    fn is_control(&self) -> bool {
        matches!(self.kind, Kind::Control | Kind::Mark(_) | Kind::Sign)
    }

    fn needs_room(&self) -> bool {
        !self.is_control() && !matches!(self.kind, Kind::Last)
    }

    /// Whoever published it does not want it any more, and never will.
    pub(super) fn is_cancelled(&self) -> bool {
        matches!(&self.kind, Kind::Event(Some(answer)) if answer.is_canceled())
    }
}

#[derive(Default)]
pub(super) struct Lanes {
    control: VecDeque<Entry>,
    events: VecDeque<Entry>,
    control_bytes: usize,
    event_bytes: usize,
    last_number: u64,
    /// For so many events on the other side.
    room: usize,
}

impl Lanes {
    pub(super) fn push(&mut self, mut entry: Entry) {
        self.last_number += 1;
        entry.number = self.last_number;
        let bytes = entry.message.len();
        if entry.is_control() {
            self.control_bytes += bytes;
            self.control.push_back(entry);
        } else {
            self.event_bytes += bytes;
            self.events.push_back(entry);
        }
    }

    pub(super) fn grant(&mut self, events: usize) {
        self.room = self.room.saturating_add(events);
    }

    /// The first event, if it can be taken out.
    fn event(&self) -> Option<&Entry> {
        self.events.front().filter(|entry| self.room > 0 || !entry.needs_room() || entry.is_cancelled())
    }

    pub(super) fn has_next(&self) -> bool {
        !self.control.is_empty() || self.event().is_some()
    }

    /// The next that can be written: in the order in which they came, but that what needs no room passes what has none. Without
    /// what nobody wants any more.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        loop {
            let is_event = match (self.event(), self.control.front()) {
                (Some(event), Some(control)) => event.number < control.number,
                (event, _) => event.is_some(),
            };
            if !is_event {
                let entry = self.control.pop_front()?;
                self.control_bytes -= entry.message.len();
                return Some(entry);
            }
            let entry = self.events.pop_front()?;
            self.event_bytes -= entry.message.len();
            if !entry.is_cancelled() {
                self.room -= usize::from(entry.needs_room());
                return Some(entry);
            }
        }
    }

    pub(super) fn event_bytes(&self) -> usize {
        self.event_bytes
    }

    pub(super) fn control_bytes(&self) -> usize {
        self.control_bytes
    }

    pub(super) fn events(&self) -> usize {
        self.events.iter().filter(|entry| entry.is_event()).count()
    }

    /// All that waits, to be dropped without a lock.
    pub(super) fn drain(&mut self) -> Vec<Entry> {
        (self.control_bytes, self.event_bytes) = (0, 0);
        self.control.drain(..).chain(self.events.drain(..)).collect()
    }
}
