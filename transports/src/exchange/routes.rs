//! Who follows what: found by hash, never searched for.

use std::collections::HashMap;

use compact_str::CompactString;

use super::MemberId;
use crate::{Address, Header};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

#[derive(Default)]
pub(super) struct Routes {
    topics: Map<CompactString, Topic>,
}

#[derive(Default)]
struct Topic {
    /// Sorted, as all lists of members here are.
    whole: Vec<MemberId>,
    ids: Map<CompactString, Vec<MemberId>>,
}

impl Routes {
    pub(super) fn add(&mut self, address: &Address, member: MemberId) {
        let topic = self.topics.entry(address.topic().into()).or_default();
        let members = match address.id() {
            Some(id) => topic.ids.entry(id.into()).or_default(),
            None => &mut topic.whole,
        };
        if let Err(place) = members.binary_search(&member) {
            members.insert(place, member);
        }
    }

    pub(super) fn remove(&mut self, address: &Address, member: MemberId) {
        let Some(topic) = self.topics.get_mut(address.topic()) else { return };
        let remove = |members: &mut Vec<MemberId>| {
            if let Ok(place) = members.binary_search(&member) {
                members.remove(place);
            }
            members.is_empty()
        };
        match address.id() {
            Some(id) => {
                if topic.ids.get_mut(id).is_some_and(remove) {
                    topic.ids.remove(id);
                }
            }
            None => {
                remove(&mut topic.whole);
            }
        }
        if topic.whole.is_empty() && topic.ids.is_empty() {
            self.topics.remove(address.topic());
        }
    }

    /// Adds to `found` who follows the address of `header`, each once and in order.
    pub(super) fn matching(&self, header: &Header, found: &mut Vec<MemberId>) {
        let Some(topic) = self.topics.get(header.topic()) else { return };
        found.extend_from_slice(&topic.whole);
        if let Some(narrow) = topic.ids.get(header.id()) {
            found.extend_from_slice(narrow);
            if !topic.whole.is_empty() {
                found.sort_unstable();
                found.dedup();
            }
        }
    }

    pub(super) fn follows(&self, header: &Header, member: MemberId) -> bool {
        self.topics.get(header.topic()).is_some_and(|topic| {
            let has = |members: &Vec<MemberId>| members.binary_search(&member).is_ok();
            has(&topic.whole) || topic.ids.get(header.id()).is_some_and(has)
        })
    }

    /// Addresses that somebody follows.
    pub(super) fn len(&self) -> usize {
        self.topics.values().map(|topic| usize::from(!topic.whole.is_empty()) + topic.ids.len()).sum()
    }
}
