//! The nodes that are known, and who of them is to be connected to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use compact_str::CompactString;
use tokio::sync::oneshot;

use super::view::{self, Health, View};
use crate::ConnectError;
use crate::redis::server::Place;
use crate::redis::wire::{Dialer, Wire, protocol};

/// The most nodes that are known: more than a cluster is advised to have.
const MAX_NODES: usize = 1_000;
/// How many more are asked where the first that answers says that its cluster does not serve.
const OPINIONS: usize = 8;

#[derive(Debug)]
pub(in crate::redis) struct Nodes {
    /// Whose node it has to be; `None`: any.
    slot: Option<u16>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The one that was good last comes first.
    known: Vec<Place>,
    /// What was said last by a node whose cluster serves, or else by any.
    ranges: Vec<Range>,
    /// How the nodes are, by their ids, as a node said last whose cluster serves; none if none did or may.
    health: Option<Health>,
    /// The connections, each with its node and how to tell it that its cluster goes on without that.
    connected: Vec<Connected>,
}

#[derive(Debug)]
struct Connected {
    node: Member,
    cut_off: oneshot::Sender<()>,
}

/// A node, by what its cluster calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redis) struct Member {
    pub(in crate::redis) place: Place,
    pub(in crate::redis) id: CompactString,
}

/// Nodes that serve a range of slots, the master first.
pub(super) type Range = (u16, u16, Vec<Member>);

impl State {
    /// Whether it is the view of the cluster, as far as we may know, and not that of a part which was cut off: a node of such a
    /// part knows few others, or says that its cluster does not serve.
    fn trusts(&self, view: &View) -> bool {
        let known = |health: &Option<Health>| health.as_ref().map_or(0, Health::serving);
        view.serves() && (view.health.is_none() || 2 * known(&view.health) >= known(&self.health))
    }
}

impl Nodes {
    pub(in crate::redis) fn new(known: Vec<Place>, slot: Option<u16>) -> Self {
        Self { slot, state: Mutex::new(State { known, ..State::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The master of each range of slots, as the last node said that was asked.
    pub(in crate::redis) fn masters(&self) -> Vec<(u16, u16, Member)> {
        let state = self.lock();
        let master = |(first, last, members): &Range| Some((*first, *last, members.first()?.clone()));
        state.ranges.iter().filter_map(master).collect()
    }

    /// Whether the cluster goes on without the node with this id, as far as is known.
    pub(super) fn is_cut_off(&self, id: &str) -> bool {
        self.lock().health.as_ref().is_some_and(|health| health.is_cut_off(id))
    }

    /// Keeps the nodes of the cluster as it is now; if it names none, those that were known.
    fn learn(&self, good: &Place, view: &View) {
        let mut state = self.lock();
        state.ranges.clone_from(&view.ranges);
        if state.trusts(view) {
            state.health.clone_from(&view.health);
        }
        let mut known = vec![good.clone()];
        for member in view.ranges.iter().flat_map(|(_, _, members)| members) {
            if !known.contains(&member.place) && known.len() < MAX_NODES {
                known.push(member.place.clone());
            }
        }
        if known.len() > 1 {
            state.known = known;
        }
    }

    /// A connection to the node that is asked for, by what the first node says that answers, unless it says that its cluster does
    /// not serve and another says that it does: then the first was cut off.
    ///
    /// # Errors
    /// Those of the last node, if none is of use.
    pub(in crate::redis) async fn open(&self, dialer: &Dialer) -> Result<Wire, ConnectError> {
        let mut last = ConnectError::Url { reason: "a cluster of no nodes".to_owned() };
        let (mut doubtful, mut opinions) = (None, 0);
        let known = self.lock().known.clone();
        for place in known {
            match Self::ask(dialer, &place).await {
                Ok((wire, view)) if self.lock().trusts(&view) => {
                    match self.choose(dialer, wire, &place, &view).await {
                        Ok(wire) => return Ok(wire),
                        Err(error) => last = error,
                    }
                }
                Ok((wire, view)) => {
                    doubtful.get_or_insert((wire, place, view));
                    opinions += 1;
                }
                Err(error) => last = error,
            }
            if opinions > OPINIONS {
                break;
            }
        }
        match doubtful {
            Some((wire, place, view)) => self.choose(dialer, wire, &place, &view).await,
            None => Err(last),
        }
    }

    async fn ask(dialer: &Dialer, place: &Place) -> Result<(Wire, View), ConnectError> {
        let mut wire = dialer.open_at(place).await?;
        let view = view::ask(&mut wire, place).await?;
        Ok((wire, view))
    }

    /// The connection that is asked for, where a node says this.
    async fn choose(
        &self,
        dialer: &Dialer,
        mut wire: Wire,
        place: &Place,
        view: &View,
    ) -> Result<Wire, ConnectError> {
        let mut node = view.own.clone().map(|id| Member { place: place.clone(), id });
        if let Some(slot) = self.slot {
            let serves = view.ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&slot));
            let master = serves.and_then(|(_, _, members)| members.first());
            let master = master.ok_or_else(|| protocol("the slot of the streams is nobody's"))?;
            if master.place != *place && node.as_ref().is_none_or(|node| node.id != master.id) {
                wire = dialer.open_at(&master.place).await?;
                node = Some(master.clone());
            }
        }
        self.learn(node.as_ref().map_or(place, |node| &node.place), view);
        if let Some(node) = node {
            let (cut_off, told) = oneshot::channel();
            let connected = &mut self.lock().connected;
            connected.retain(|one| !one.cut_off.is_closed());
            connected.push(Connected { node, cut_off });
            wire.until_cut_off(told);
        }
        Ok(wire)
    }

    /// Asks other nodes whether those that are connected to are still of their cluster. Those that are not are told, and forgotten.
    pub(in crate::redis) async fn check(&self, dialer: &Dialer) {
        let (known, nodes) = {
            let mut state = self.lock();
            state.connected.retain(|one| !one.cut_off.is_closed());
            let nodes: Vec<Member> = state.connected.iter().map(|one| one.node.clone()).collect();
            (state.known.clone(), nodes)
        };
        // What a node says of itself is what it believes.
        let others = known.into_iter().filter(|place| nodes.iter().any(|node| node.place != *place));
        for place in others.take(OPINIONS) {
            let Ok((_, view)) = Self::ask(dialer, &place).await else { continue };
            let (Some(health), Some(own), true) = (&view.health, &view.own, self.lock().trusts(&view)) else {
                continue;
            };
            let is_lost = |node: &Member| node.id != *own && health.is_cut_off(&node.id);
            let lost: Vec<_> = nodes.iter().filter(|node| is_lost(node)).collect();
            if lost.is_empty() {
                self.lock().health = Some(health.clone());
            } else {
                self.learn(&place, &view);
                let connected = std::mem::take(&mut self.lock().connected);
                let (cut_off, connected) = connected.into_iter().partition(|one| is_lost(&one.node));
                self.lock().connected.extend::<Vec<Connected>>(connected);
                cut_off.into_iter().for_each(|one: Connected| _ = one.cut_off.send(()));
            }
            if nodes.iter().all(|node| node.id != *own) {
                return;
            }
        }
    }
}
