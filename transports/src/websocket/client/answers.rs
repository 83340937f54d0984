//! Who waits for what becomes of an event.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_channel::oneshot;

use crate::{EventId, Header, SendError};

/// Who gets the answer.
pub(super) enum Answer {
    /// A caller that waits.
    Waits(oneshot::Sender<Result<(), SendError>>),
    /// Nobody, unless it is an error: then the bus is told, of this header.
    Told(Header),
}

/// Events that were taken, in their order, which is nearly always that of the answers.
#[derive(Default)]
pub(super) struct Answers(VecDeque<(EventId, Answer)>);

impl Answers {
    pub(super) fn push(&mut self, event_id: EventId, answer: Answer) {
        self.0.push_back((event_id, answer));
    }

    pub(super) fn take(&mut self, event_id: EventId) -> Option<Answer> {
        let at = self.0.iter().position(|(known, _)| *known == event_id)?;
        self.0.remove(at).map(|(_, answer)| answer)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that nobody waits for any more.
    pub(super) fn cancelled(&self) -> Vec<EventId> {
        let gone = self.0.iter().filter(|(_, answer)| match answer {
            Answer::Waits(waiting) => waiting.is_canceled(),
            Answer::Told(_) => false,
        });
        gone.map(|(event_id, _)| *event_id).collect()
    }
}

/// A publish that waits for room.
pub(super) struct InLine {
    pub(super) header: Header,
    pub(super) event_id: EventId,
    pub(super) body: Bytes,
    pub(super) answer: oneshot::Sender<Result<(), SendError>>,
}
