//! Who gets the events of one type: a list for the type, and one for each id that somebody follows.

use std::collections::HashMap;

use compact_str::CompactString;

use super::outbox::Slot;
use crate::Address;
use crate::websocket::history::History;

/// A subscription of a connection: what routes lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) connection: u32,
    pub(super) slot: Slot,
}

pub(super) struct Route {
    /// The last event of the id, or an offset before which nobody who follows it misses one.
    pub(super) last: u64,
    pub(super) members: Vec<Member>,
}

pub(super) struct Topic {
    pub(super) history: History,
    pub(super) whole: Vec<Member>,
    pub(super) ids: HashMap<CompactString, Route>,
    pub(super) local: Local,
}

/// What the hub's own process follows.
#[derive(Default)]
pub(super) struct Local {
    pub(super) whole: bool,
    /// With the last event of each.
    pub(super) ids: HashMap<CompactString, u64>,
}

impl Topic {
    pub(super) fn new(history: History) -> Self {
        Self { history, whole: Vec::new(), ids: HashMap::new(), local: Local::default() }
    }

    /// Adds a member; its place is where it can be taken out again.
    pub(super) fn join(&mut self, address: &Address, member: Member) -> usize {
        let members = match address.id() {
            None => &mut self.whole,
            Some(id) => {
                let last = self.history.last(id);
                &mut self.ids.entry(id.into()).or_insert_with(|| Route { last, members: Vec::new() }).members
            }
        };
        members.push(member);
        members.len() - 1
    }

    /// Takes a member out; another takes its place, if it was not the last.
    pub(super) fn leave(&mut self, address: &Address, place: usize) -> Option<Member> {
        let moved = |members: &mut Vec<Member>| {
            members.swap_remove(place);
            members.get(place).copied()
        };
        match address.id() {
            None => moved(&mut self.whole),
            Some(id) => {
                let route = self.ids.get_mut(id)?;
                let moved = moved(&mut route.members);
                if route.members.is_empty() {
                    self.ids.remove(id);
                }
                moved
            }
        }
    }

    /// Nothing happened here, and nobody waits for it.
    pub(super) fn is_unused(&self) -> bool {
        let nobody = self.whole.is_empty() && self.ids.is_empty();
        nobody && self.history.head() == 0 && !self.local.whole && self.local.ids.is_empty()
    }
}
