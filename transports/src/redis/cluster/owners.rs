//! Which node each address is followed at, and how the nodes are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::redis::interest::Interest;
use crate::redis::refusal;
use crate::{
    Address, ConnectionState, Frame, Gap, GapReason, Header, Inlet, Rejection, SendError, Undecodable,
};

#[derive(Default)]
pub(super) struct Owners {
    pub(super) owners: HashMap<Address, Owner>,
    /// What was asked of the nodes and is not answered.
    pub(super) requests: HashMap<u64, Vec<Address>>,
    /// What the bus asked for.
    pub(super) interest: Interest,
    pub(super) nodes: Vec<NodeState>,
    /// Whether of some address it is not known who has its slot.
    pub(super) has_homeless: bool,
    /// Whether the bus was told last that all is well.
    is_well: bool,
}

pub(super) struct Owner {
    /// That of the bus.
    pub(super) request: u64,
    /// `None` until it is known who has the slot.
    pub(super) node: Option<usize>,
    /// What the node was asked by.
    pub(super) asked: u64,
    /// Whether the node has acknowledged it, and nothing was lost since that was not told.
    pub(super) is_live: bool,
}

pub(super) struct NodeState {
    pub(super) state: ConnectionState,
    /// Whether it ever was; before that the first try is not told.
    pub(super) was_connected: bool,
    /// Whether it has slots.
    pub(super) is_active: bool,
}

impl Owners {
    /// Whether somebody has to look for who has which slot.
    pub(super) fn is_unsettled(&self) -> bool {
        let is_down = |node: &NodeState| node.is_active && !matches!(node.state, ConnectionState::Connected);
        self.has_homeless || self.nodes.iter().any(is_down)
    }

    /// What the bus is to be told of the nodes together: the worst, if it is news.
    pub(super) fn news(&mut self) -> Option<ConnectionState> {
        let states = || self.nodes.iter().filter(|node| node.is_active).map(|node| &node.state);
        let lost = states().find(|state| matches!(state, ConnectionState::Reconnecting { .. }));
        let worst = lost.or_else(|| states().find(|state| !matches!(state, ConnectionState::Connected)));
        let was_well = std::mem::replace(&mut self.is_well, worst.is_none());
        match worst {
            Some(state) => Some(state.clone()),
            None => (!was_well).then_some(ConnectionState::Connected),
        }
    }
}

#[derive(Default)]
pub(super) struct Shared(Mutex<Owners>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Owners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one node says: for the bus, as far as it is about addresses that are followed there. All nodes are driven by one
/// task, so that what the bus is told has an order.
pub(super) struct NodeInlet {
    pub(super) node: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) inlet: Arc<dyn Inlet>,
}

impl Inlet for NodeInlet {
    fn poll_ready(&self, waker: &std::task::Waker) -> std::task::Poll<()> {
        self.inlet.poll_ready(waker)
    }

    fn deliver(&self, frame: Frame) {
        self.inlet.deliver(frame);
    }

    fn subscribed(&self, request: u64) {
        let mut complete = Vec::new();
        {
            let mut owners = self.shared.lock();
            let Owners { owners, requests, interest, .. } = &mut *owners;
            for address in requests.remove(&request).unwrap_or_default() {
                let own = |owner: &&mut Owner| owner.node == Some(self.node) && owner.asked == request;
                if let Some(owner) = owners.get_mut(&address).filter(own) {
                    owner.is_live = true;
                    complete.extend(interest.acknowledged(&address, owner.request));
                }
            }
        }
        complete.into_iter().for_each(|request| self.inlet.subscribed(request));
    }

    fn refused(&self, request: u64, address: Address, rejection: Rejection) {
        let mut owners = self.shared.lock();
        let own = |owner: &&mut Owner| owner.node == Some(self.node) && owner.asked == request;
        let Some(owner) = owners.owners.get_mut(&address).filter(own) else { return };
        if refusal::is_moved(&rejection) {
            owner.node = None;
            let was_live = std::mem::take(&mut owner.is_live);
            owners.has_homeless = true;
            drop(owners);
            if was_live {
                self.inlet.gap(Some(address), Gap::new(GapReason::Moved, None));
            }
            return;
        }
        let of_bus = owner.request;
        owners.owners.remove(&address);
        let complete = owners.interest.leave(&address);
        drop(owners);
        self.inlet.refused(of_bus, address, rejection);
        complete.into_iter().for_each(|request| self.inlet.subscribed(request));
    }

    fn gap(&self, _: Option<Address>, gap: Gap) {
        let lost: Vec<Address> = {
            let owners = self.shared.lock();
            let own =
                owners.owners.iter().filter(|(_, owner)| owner.node == Some(self.node) && owner.is_live);
            own.map(|(address, _)| address.clone()).collect()
        };
        if !lost.is_empty() {
            self.inlet.gaps(lost.into_iter().map(|address| (address, gap)).collect());
        }
    }

    fn undecodable(&self, undecodable: Undecodable) {
        self.inlet.undecodable(undecodable);
    }

    fn not_sent(&self, header: Header, error: SendError) {
        self.inlet.not_sent(header, error);
    }

    fn state(&self, state: ConnectionState) {
        // The end of all is told by who drives them.
        if matches!(state, ConnectionState::Closed { .. }) {
            return;
        }
        let news = {
            let mut owners = self.shared.lock();
            let node = &mut owners.nodes[self.node];
            if matches!(state, ConnectionState::Reconnecting { attempt: 0, .. }) && !node.was_connected {
                return;
            }
            node.was_connected |= matches!(state, ConnectionState::Connected);
            node.state = state;
            owners.news()
        };
        news.into_iter().for_each(|state| self.inlet.state(state));
    }
}
