//! What is followed, and how far: by address, with what the hub was asked for and what it has said.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::Address;

/// A position in a history: everything up to it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) epoch: CompactString,
    pub(super) offset: u64,
}

/// What the hub was asked for, and has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Subscribe(u64),
    Unsubscribe(u64),
}

/// One address. At most one question about it is open: what is wanted meanwhile is asked for when the answer is there.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) wanted: bool,
    /// Under which number the caller wants it.
    pub(super) request: u64,
    pub(super) position: Option<Known>,
    pub(super) asked: Option<Asked>,
    /// The hub has this subscription, and events of it may come.
    pub(super) live: bool,
    /// That it lives was said to the caller.
    pub(super) announced: bool,
    /// Events were lost, and the hub did not say up to where: the next one is taken as it comes.
    pub(super) unsure: bool,
    /// A hole was found here, and nothing has come since.
    pub(super) recovering_from: Option<u64>,
    pub(super) relation: Relation,
    /// What the hub was told of how many events may be under way.
    pub(super) window: Option<u32>,
    /// Up to where the hub knows that everything is handled; `None` if it waits to be told.
    pub(super) acknowledged: Option<u64>,
}

/// What an address of one id has to do with that of its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Relation {
    /// It has its own events.
    #[default]
    Own,
    /// It has its own events still, up to where the wider one begins.
    Behind,
    /// Its events come by the wider one, whose position is its own.
    Absorbed,
}

impl Flow {
    /// Its events come by the wider address, on this connection.
    pub(super) fn is_absorbed(&self) -> bool {
        self.live && self.relation == Relation::Absorbed
    }

    /// What the wider address has delivered is known; where this one began after it, so is that.
    fn keep_up_with(&mut self, wider: Option<&Known>) {
        let Some(wider) = wider.filter(|_| self.is_absorbed()) else { return };
        let ahead = |own: &Known| own.epoch == wider.epoch && own.offset > wider.offset;
        if !self.position.as_ref().is_some_and(ahead) {
            self.position = Some(wider.clone());
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Topic {
    pub(super) whole: Option<Flow>,
    pub(super) ids: BTreeMap<CompactString, Flow>,
}

impl Topic {
    pub(super) fn flow(&mut self, id: Option<&str>) -> Option<&mut Flow> {
        match id {
            None => self.whole.as_mut(),
            Some(id) => self.ids.get_mut(id),
        }
    }

    pub(super) fn whole_is_live(&self) -> bool {
        self.whole.as_ref().is_some_and(|whole| whole.live)
    }

    /// The first event of the wider address says that the narrower ones have had all of theirs.
    pub(super) fn absorb_all(&mut self) {
        for narrow in self.ids.values_mut().filter(|narrow| narrow.relation == Relation::Behind) {
            narrow.relation = Relation::Absorbed;
        }
    }

    /// The wider address is no longer: the narrower ones go on from where it was.
    pub(super) fn stand_alone(&mut self) {
        let position = self.whole.as_ref().and_then(|whole| whole.position.clone());
        for narrow in self.ids.values_mut() {
            narrow.keep_up_with(position.as_ref());
            narrow.relation = Relation::Own;
            // Its position may be of another history than what was acknowledged of it before.
            narrow.acknowledged = None;
        }
    }

    /// Nothing of what was asked for on a connection outlives it; positions do.
    pub(super) fn disconnected(&mut self) {
        // One that was given up, and may be wanted anew, does not go on for the narrower ones.
        if self.whole.as_ref().is_some_and(|whole| !whole.wanted || !whole.announced) {
            self.stand_alone();
        }
        self.whole.take_if(|whole| !whole.wanted);
        self.ids.retain(|_, narrow| narrow.wanted);
        let position = self.whole.as_ref().and_then(|whole| whole.position.clone());
        for narrow in self.ids.values_mut() {
            narrow.keep_up_with(position.as_ref());
        }
        for flow in self.whole.iter_mut().chain(self.ids.values_mut()) {
            flow.asked = None;
            flow.live = false;
            flow.unsure = false;
            flow.recovering_from = None;
            if !flow.announced {
                flow.position = None;
            }
        }
    }

    /// In which order addresses are asked for again. One of a single id that is not as far as its type comes before it,
    /// and the type then waits for it; one that is as far comes after, and has nothing of its own to get.
    pub(super) fn in_order(&self, topic: &str) -> Vec<Address> {
        let whole = self.whole.as_ref().and_then(|whole| whole.position.as_ref());
        let first = |narrow: &Flow| match (&narrow.position, whole) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(narrow), Some(whole)) => narrow.epoch != whole.epoch || narrow.offset < whole.offset,
        };
        let ids = |wanted: bool| {
            let those = self.ids.iter().filter(move |(_, narrow)| first(narrow) == wanted);
            those.filter_map(|(id, _)| Address::new(topic, id).ok())
        };
        let whole = self.whole.iter().filter_map(|_| Address::whole(topic).ok());
        ids(true).chain(whole).chain(ids(false)).collect()
    }
}
