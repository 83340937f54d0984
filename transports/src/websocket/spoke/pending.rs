//! Published events whose acknowledgement has not come.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::{EventId, SendError};

pub(super) struct Pending {
    max_events: usize,
    max_bytes: usize,
    bytes: usize,
    events: VecDeque<Event>,
    /// So many at the front were written on this connection.
    written_here: usize,
}

struct Event {
    id: EventId,
    message: Bytes,
    since: Duration,
    /// The memory of event ids of the hub that it was last written to.
    written_to: Option<String>,
}

impl Event {
    /// What became of it, when no answer will come.
    fn outcome(&self) -> SendError {
        if self.written_to.is_some() { SendError::Ambiguous } else { SendError::NotSent }
    }
}

impl Pending {
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self { max_events, max_bytes, bytes: 0, events: VecDeque::new(), written_here: 0 }
    }

    pub(super) fn push(&mut self, now: Duration, id: EventId, message: Bytes) -> Result<(), SendError> {
        if self.events.len() >= self.max_events || self.bytes + message.len() > self.max_bytes {
            return Err(SendError::Full);
        }
        self.bytes += message.len();
        self.events.push_back(Event { id, message, since: now, written_to: None });
        Ok(())
    }

    pub(super) fn answered(&mut self, id: EventId) -> bool {
        let Some(at) = self.events.iter().position(|event| event.id == id) else { return false };
        self.remove(at);
        true
    }

    fn remove(&mut self, at: usize) -> Option<Event> {
        let event = self.events.remove(at)?;
        self.bytes -= event.message.len();
        if at < self.written_here {
            self.written_here -= 1;
        }
        Some(event)
    }

    pub(super) fn withdraw(&mut self, id: EventId) -> bool {
        let unwritten = |event: &Event| event.id == id && event.written_to.is_none();
        let found = self.events.iter().position(unwritten);
        found.and_then(|at| self.remove(at)).is_some()
    }

    pub(super) fn disconnected(&mut self) {
        self.written_here = 0;
    }

    /// Those that were written to a hub which may not know them any more: sent again, they could be accepted twice.
    pub(super) fn forget_foreign(&mut self, memory: Option<&str>) -> Vec<(EventId, SendError)> {
        let mut lost = Vec::new();
        let mut at = 0;
        while let Some(event) = self.events.get(at) {
            if event.written_to.is_some() && event.written_to.as_deref() != memory {
                lost.extend(self.remove(at).map(|event| (event.id, event.outcome())));
            } else {
                at += 1;
            }
        }
        lost
    }

    /// The next to be written on this connection, in the order of publishing.
    pub(super) fn write_next(&mut self, memory: Option<&str>) -> Option<Bytes> {
        let event = self.events.get_mut(self.written_here)?;
        self.written_here += 1;
        event.written_to = Some(memory.unwrap_or_default().to_owned());
        Some(event.message.clone())
    }

    /// When the oldest has waited long enough.
    pub(super) fn deadline(&self, timeout: Duration) -> Option<Duration> {
        self.events.front().map(|event| event.since + timeout)
    }

    pub(super) fn expire(&mut self, now: Duration, timeout: Duration) -> Option<(EventId, SendError)> {
        if self.deadline(timeout)? > now {
            return None;
        }
        self.remove(0).map(|event| (event.id, event.outcome()))
    }

    pub(super) fn give_up(&mut self) -> Vec<(EventId, SendError)> {
        self.bytes = 0;
        self.written_here = 0;
        self.events.drain(..).map(|event| (event.id, event.outcome())).collect()
    }

    /// Those that are larger than the hub takes.
    pub(super) fn too_large(&mut self, max: usize) -> Vec<EventId> {
        let mut refused = Vec::new();
        while let Some(at) = self.events.iter().position(|event| event.message.len() > max) {
            refused.extend(self.remove(at).map(|event| event.id));
        }
        refused
    }
}
