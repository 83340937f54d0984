//! The connections of each identity, and who gives way when there are too many.

use std::collections::HashMap;

use compact_str::CompactString;

use super::{ConnectionId, HubProtocol};
use crate::websocket::{CloseCode, Identity};

/// What happens when an identity has as many connections as it may, and comes once more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentityLimit {
    /// The one that was silent for longest is closed with 4010: most often one whose network is gone, and who has come
    /// back before the hub could know.
    #[default]
    Supersede,
    /// The new one is closed with 4504.
    Refuse,
}

/// Which connections have which name, those that are being closed not counted.
#[derive(Default)]
pub(super) struct Identities(HashMap<CompactString, Vec<ConnectionId>>);

impl Identities {
    fn of(&self, name: &str) -> &[ConnectionId] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn leave(&mut self, name: &str, id: ConnectionId) {
        let Some(all) = self.0.get_mut(name) else { return };
        all.retain(|own| *own != id);
        if all.is_empty() {
            self.0.remove(name);
        }
    }
}

impl HubProtocol {
    /// The connection is this identity's, if there is room for it. It may be another's who has to go.
    pub(super) fn identify(&mut self, id: ConnectionId, identity: Identity) -> Result<(), CloseCode> {
        let of = self.identities.of(identity.name());
        if of.len() >= self.config.max_connections_per_identity.max(1) {
            match self.config.at_identity_limit {
                IdentityLimit::Refuse => return Err(CloseCode::ConnectionLimit),
                IdentityLimit::Supersede => {
                    let heard = |id: &ConnectionId| self.connections.peek(*id).map(|it| it.times.heard);
                    let silent = of.iter().copied().min_by_key(|id| (heard(id), *id));
                    if let Some(silent) = silent {
                        self.disconnect(silent, CloseCode::Superseded);
                    }
                }
            }
        }
        let Some(connection) = self.connections.get(id) else { return Ok(()) };
        let known = self.identities.0.entry(identity.name().into()).or_default();
        known.push(id);
        connection.identity = Some(identity);
        Ok(())
    }

    /// It counts no more, though it may be there while it is closed.
    pub(super) fn forget_identity(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(id) else { return };
        if let Some(name) = connection.name() {
            self.identities.leave(name, id);
        }
    }

    /// How many connections an identity has.
    #[must_use]
    pub fn connections_of(&self, name: &str) -> usize {
        self.identities.of(name).len()
    }

    /// Who is on a connection; `None` for the anonymous.
    #[must_use]
    pub fn identity(&self, id: ConnectionId) -> Option<&Identity> {
        self.connections.peek(id)?.identity.as_ref()
    }
}
