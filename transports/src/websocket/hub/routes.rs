//! Who gets the events of one type: a list for the type, and one for each id that somebody follows.

use std::collections::HashMap;

use compact_str::CompactString;

use super::outbox::Slot;
use crate::websocket::history::History;
use crate::{Address, GapReason};

/// A subscription of a connection: what routes lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    pub(super) feed: Feed,
}

/// Where the events of a type come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The hub gives them their order.
    Hub,
    /// What the hub is behind, which was not asked for them.
    Away,
    /// The same, and it was.
    Asked,
    /// The same, and they come.
    Here,
}

/// What became of asking for what is before the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recall {
    No,
    Asked,
    /// What came of it is in the history.
    Done,
    /// It takes too long: nobody waits for it, until it comes.
    Late,
}

/// How a type stands, of a hub that is behind something.
pub(super) struct Feed {
    pub(super) source: Source,
    /// Something was lost before what comes next, for this reason.
    pub(super) lost: Option<GapReason>,
    /// Whether what is there before the history was asked for.
    pub(super) recall: Recall,
    /// How many clients wait for the type.
    pub(super) asking: usize,
    /// Something was published.
    pub(super) is_published: bool,
}

impl Feed {
    pub(super) fn new(source: Source) -> Self {
        Self { source, lost: None, recall: Recall::No, asking: 0, is_published: false }
    }
}

/// What the hub's own process follows.
#[derive(Default)]
pub(super) struct Local {
    pub(super) whole: bool,
    /// With the last event of each.
    pub(super) ids: HashMap<CompactString, u64>,
}

impl Topic {
    pub(super) fn new(history: History, source: Source) -> Self {
        let (local, feed) = (Local::default(), Feed::new(source));
        Self { history, whole: Vec::new(), ids: HashMap::new(), local, feed }
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

    /// All who follow it, in an order: routes have none, and what a hub says has one.
    pub(super) fn members(&self) -> Vec<Member> {
        let mut members = self.whole.clone();
        self.ids.values().for_each(|route| members.extend(&route.members));
        members.sort_unstable();
        members
    }

    /// Whether nobody follows it, in the hub's own process neither.
    pub(super) fn is_left(&self) -> bool {
        let nobody = self.whole.is_empty() && self.ids.is_empty();
        nobody && !self.local.whole && self.local.ids.is_empty()
    }

    /// Nothing happened here, and nobody waits for it.
    pub(super) fn is_unused(&self) -> bool {
        let is_followed = matches!(self.feed.source, Source::Asked | Source::Here) || self.feed.asking > 0;
        self.is_left() && self.history.head() == 0 && !is_followed && !self.feed.is_published
    }
}
