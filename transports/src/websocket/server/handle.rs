//! A handle on one connection.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::shared::Shared;
use crate::websocket::{CloseCode, Identity};
use crate::{Address, ErrorCode, Header, Rejection, SendError};

/// One connected spoke, or another client, as its hub sees it. A clone is a handle on the same connection.
///
/// It does not keep the connection: once that is over, there is nothing queued and nothing followed, and what is sent is
/// refused as closed.
#[derive(Clone)]
pub struct HubConnection {
    pub(super) shared: Arc<Shared>,
    pub(super) key: u64,
}

impl HubConnection {
    /// A number that no other connection of the hub has.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.key
    }

    /// Whether it is connected still.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        let mut core = self.shared.lock();
        core.id(self.key).is_some_and(|id| core.protocol.is_open(id))
    }

    /// Who it is; `None` if it has said nothing that proves it, or is over.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let core = self.shared.lock();
        core.id(self.key).and_then(|id| core.protocol.identity(id).cloned())
    }

    /// The addresses that it follows, `@self` as what stands for it.
    #[must_use]
    pub fn topics(&self) -> Vec<Address> {
        let core = self.shared.lock();
        core.id(self.key).map_or_else(Vec::new, |id| core.protocol.subscriptions(id))
    }

    /// How many bytes wait to be written to it, beyond what its socket took.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        let core = self.shared.lock();
        core.id(self.key).map_or(0, |id| core.protocol.queued_bytes(id))
    }

    /// How many events were sent to it that it has not acknowledged, of what it acknowledges.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        let core = self.shared.lock();
        core.id(self.key).map_or(0, |id| core.protocol.unacknowledged(id))
    }

    /// Sends an event to this connection alone, with a payload in the hub's own codec. It is in no history, so it has no
    /// position and is not sent again after a reconnect. A spoke hands it to those who follow its address.
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) if the connection is over, [`Full`](SendError::Full) if too much waits for it, and a
    /// rejection if type and id are no address or the message would be too large.
    pub fn send(&self, header: &Header, payload: Bytes) -> Result<(), SendError> {
        self.shared.act(|core, _| {
            let connection = core.id(self.key).ok_or(SendError::Closed)?;
            core.protocol.send(connection, header, payload)
        })
    }

    /// Takes a permission back: if it follows this address, that ends, and a spoke is told so with `denied` and the reason. Leave
    /// to publish to it is asked of the authorizer anew. Whether it followed the address.
    ///
    /// The address of a type and that of one of its ids are two: who follows both goes on with the other.
    pub fn withdraw(&self, address: &Address, reason: impl Into<String>) -> bool {
        let rejection = Rejection::new(ErrorCode::Denied, reason);
        self.shared.act(|core, _| match core.id(self.key) {
            Some(id) => core.protocol.withdraw(id, address, &rejection),
            None => false,
        })
    }

    /// Ends the connection with this code: below 4500 a spoke comes back, from there on it does not.
    pub fn disconnect(&self, code: CloseCode) {
        self.shared.act(|core, _| {
            if let Some(id) = core.id(self.key) {
                core.protocol.disconnect(id, code);
            }
        });
    }
}

impl PartialEq for HubConnection {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for HubConnection {}

impl fmt::Debug for HubConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HubConnection").field(&self.key).finish()
    }
}
