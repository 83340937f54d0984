//! What is followed of one stream.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::CompactString;
use tokio::time::Instant;

use super::cursor::Cursor;
use super::epoch::Top;
use crate::{Address, Gap};

#[derive(Default)]
pub(super) struct Stream {
    /// How far it was read; `None` until the server was asked where it ends.
    pub(super) cursor: Option<Cursor>,
    /// Where it ended when the server was asked last, as long as it was not read up to there.
    end: Option<Top>,
    /// Whether the read that is asked brings what was there then.
    is_awaited: bool,
    /// When it was known last how it stands.
    known_at: Option<Instant>,
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

    /// How it stands at the server, which was asked while no read waited. What was lost, if it is not what it was.
    pub(super) fn stands(&mut self, top: Top, run: &Arc<str>, now: Instant) -> Option<Gap> {
        self.known_at = Some(now);
        let Some(cursor) = &mut self.cursor else {
            self.cursor = Some(Cursor::at(top.id, Some(Arc::clone(run))));
            return None;
        };
        let gap = cursor.reconnected(top.id, run, top.is_certain);
        self.end = Some(top).filter(|top| top.id > cursor.id());
        self.is_awaited = false;
        gap
    }

    /// Since when the server has said nothing of it.
    pub(super) fn known_at(&self) -> Option<Instant> {
        self.known_at
    }

    /// Whether something was there, when the server was asked last, that was not read.
    pub(super) fn has_more(&self) -> bool {
        self.end.is_some()
    }

    /// A read is asked.
    pub(super) fn asked(&mut self) {
        self.is_awaited = self.end.is_some();
    }

    /// The read brings something of it.
    pub(super) fn came(&mut self, now: Instant) {
        (self.is_awaited, self.known_at) = (false, Some(now));
    }

    /// The read is over. What was lost, if it did not bring what was there before it was asked.
    pub(super) fn read(&mut self, run: &Arc<str>) -> Option<Gap> {
        let cursor = self.cursor.as_mut()?;
        self.end = self.end.filter(|top| top.id > cursor.id());
        if !std::mem::take(&mut self.is_awaited) {
            return None;
        }
        let top = self.end.take()?;
        cursor.skip_to(Cursor::at(top.id, top.is_certain.then(|| Arc::clone(run))))
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
