//! Publishing: acknowledged, and sent again where that cannot deliver twice.

use std::time::Duration;

use super::{SpokeOutput, SpokeProtocol};
use crate::carried::Carried;
use crate::{ErrorCode, EventId, Header, Rejection, SendError};

impl SpokeProtocol {
    /// Publishes an event. What becomes of it is told with [`Published`](SpokeOutput::Published), whether there is a
    /// connection now or not.
    ///
    /// `event_id` is the header's where it has one, or a new one: the hub knows the event by it when it is sent again.
    ///
    /// # Errors
    /// If it was not taken: there are too many events that wait, its message is too large, or the spoke has stopped.
    pub fn publish(
        &mut self,
        now: Duration,
        header: &Header,
        event_id: EventId,
        body: &[u8],
    ) -> Result<(), SendError> {
        if matches!(self.link, super::Link::Stopped) {
            return Err(SendError::Closed);
        }
        let carried = header.carried().clone();
        let header = Header::new(header.topic(), header.id()).with_event_id(event_id).with_carried(carried);
        let rejected = |code, text: String| Err(SendError::Rejected(Rejection::new(code, text)));
        if let Err(error) = header.address() {
            return rejected(ErrorCode::BadRequest, error.to_string());
        }
        let mut joined = self.codec.join(&header, body);
        // To be traced never costs an event.
        if header.carried().is_some() && joined.as_ref().is_ok_and(|message| message.len() > self.max_frame) {
            joined = self.codec.join(&header.with_carried(Carried::default()), body);
        }
        let message = match joined {
            Ok(message) if message.len() <= self.max_frame => message,
            Ok(_) => return rejected(ErrorCode::TooLarge, self.max_frame_text()),
            Err(error) => return rejected(ErrorCode::TooLarge, error.to_string()),
        };
        self.pending.push(now, event_id, message)?;
        self.write_pending();
        Ok(())
    }

    /// Takes an event back that has not been written. Whether it was: otherwise its outcome comes as that of any.
    pub fn withdraw(&mut self, event_id: EventId) -> bool {
        self.pending.withdraw(event_id)
    }

    /// How many events wait for their outcome.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.pending.len()
    }

    fn max_frame_text(&self) -> String {
        format!("the hub takes messages of at most {} bytes", self.max_frame)
    }

    pub(super) fn write_pending(&mut self) {
        while self.is_welcomed() {
            let Some(message) = self.pending.write_next(self.memory.as_deref()) else { return };
            self.write(message);
        }
    }

    /// The hub has said who it is: what is still open goes to it, or cannot.
    pub(super) fn resend(&mut self) {
        for (event_id, error) in self.pending.forget_foreign(self.memory.as_deref()) {
            self.outputs.push_back(SpokeOutput::Published { event_id, result: Err(error) });
        }
        for event_id in self.pending.too_large(self.max_frame) {
            let rejection = Rejection::new(ErrorCode::TooLarge, self.max_frame_text());
            self.outputs.push_back(SpokeOutput::Published { event_id, result: Err(rejection.into()) });
        }
        self.write_pending();
    }

    pub(super) fn published(&mut self, event_id: EventId, result: Result<u64, SendError>) {
        if self.pending.answered(event_id) {
            self.outputs.push_back(SpokeOutput::Published { event_id, result });
        }
    }
}
