//! One connection by itself: whether it is there, and an event for it alone.

use bytes::Bytes;

use super::publish::denied;
use super::{ConnectionId, HubProtocol, wake};
use crate::websocket::CloseCode;
use crate::websocket::wire::SELF_ID;
use crate::{ErrorCode, Header, Rejection, SendError};

impl HubProtocol {
    /// Whether the connection is there, and is not being closed.
    #[must_use]
    pub fn is_open(&mut self, id: ConnectionId) -> bool {
        self.connections.get(id).is_some_and(|connection| connection.closing.is_none())
    }

    /// Sends an event to this connection alone, with a body in the first codec. It is in no history and has no position.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is over, [`Full`](SendError::Full) if too much waits for it; then
    /// it is closed, as one that does not read. A rejection as for [`publish`](Self::publish).
    pub fn send(&mut self, id: ConnectionId, header: &Header, body: Bytes) -> Result<(), SendError> {
        let refused = |code, text: String| SendError::Rejected(Rejection::new(code, text));
        let address = header.address().map_err(|error| refused(ErrorCode::BadRequest, error.to_string()))?;
        let event_id = address.id().unwrap_or_default();
        if event_id == SELF_ID {
            return Err(denied().into());
        }
        let Some(connection) = self.connections.get(id).filter(|it| it.closing.is_none()) else {
            return Err(SendError::Closed);
        };
        let bodies = self.codecs.encode_all(address.topic(), body, 0);
        let bodies = bodies.map_err(|error| refused(ErrorCode::BadRequest, error.to_string()))?;
        let max = self.config.max_frame;
        let Some(carried) = self.codecs.fitting(address.topic(), event_id, &bodies, max, header.carried())
        else {
            return Err(refused(ErrorCode::TooLarge, format!("a message has at most {max} bytes")));
        };
        let (codec, header) = (connection.codec, header.clone().with_carried(carried));
        let result = connection.outbox.answer(self.codecs.join(codec, &header, bodies.get(codec)));
        wake(connection, &mut self.outputs);
        if result.is_err() {
            self.disconnect(id, CloseCode::SlowConsumer);
            return Err(SendError::Full);
        }
        Ok(())
    }
}
