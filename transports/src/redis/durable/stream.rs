//! What is followed of one stream.

use std::collections::HashMap;

use compact_str::CompactString;

use super::cursor::Cursor;
use crate::Address;

#[derive(Default)]
pub(super) struct Stream {
    /// How far it was read; `None` until the server was asked where it ends.
    pub(super) cursor: Option<Cursor>,
    /// The request that asked for all of it.
    whole: Option<u64>,
    /// The requests that asked for an id.
    ids: HashMap<CompactString, u64>,
}

impl Stream {
    pub(super) fn follow(&mut self, address: &Address, request: u64) {
        match address.id() {
            None => self.whole = Some(request),
            Some(id) => _ = self.ids.insert(id.into(), request),
        }
    }

    pub(super) fn leave(&mut self, address: &Address) {
        match address.id() {
            None => self.whole = None,
            Some(id) => _ = self.ids.remove(id),
        }
    }

    pub(super) fn is_left(&self) -> bool {
        self.whole.is_none() && self.ids.is_empty()
    }

    /// Whether somebody follows an event with this id.
    pub(super) fn follows(&self, id: &str) -> bool {
        self.whole.is_some() || self.ids.contains_key(id)
    }

    /// All that is followed, with the requests that asked for it.
    pub(super) fn addresses(&self, topic: &str) -> Vec<(Address, u64)> {
        let whole = self.whole.and_then(|request| Some((Address::whole(topic).ok()?, request)));
        let ids = self.ids.iter().filter_map(|(id, request)| Some((Address::new(topic, id).ok()?, *request)));
        whole.into_iter().chain(ids).collect()
    }
}
