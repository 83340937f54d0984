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
    /// Where it ended when it was looked at last, before what is read now was asked for.
    end: Option<Top>,
    /// Whether the read that goes on has brought something.
    has_brought: bool,
    /// When it brought something last, or was looked at.
    heard: Option<Instant>,
    /// The request that asked for all of it.
    whole: Option<u64>,
    /// The requests that asked for an id.
    ids: HashMap<CompactString, u64>,
}

impl Stream {
    /// It is followed from here.
    pub(super) fn begin(&mut self, cursor: Cursor) {
        self.cursor = Some(cursor);
        self.heard = Some(Instant::now());
    }

    /// An entry came.
    pub(super) fn brings(&mut self) {
        self.has_brought = true;
    }

    /// A read has ended. What was lost, if it brought nothing although there was something when it was asked: that is gone.
    pub(super) fn vanished(&mut self) -> Option<Gap> {
        let end = self.end.take();
        if std::mem::take(&mut self.has_brought) {
            self.heard = Some(Instant::now());
            return None;
        }
        let end = end?;
        self.cursor.as_mut()?.passes_over(end.id, end.is_certain)
    }

    pub(super) fn is_quiet_since(&self, long_ago: Option<Instant>) -> bool {
        self.cursor.is_some() && self.heard.is_none_or(|heard| long_ago.is_some_and(|at| heard <= at))
    }

    /// It was looked at, while nothing was read. What was lost, if it is not what it was.
    pub(super) fn stands(&mut self, top: Top, run: &Arc<str>) -> Option<Gap> {
        (self.end, self.has_brought, self.heard) = (Some(top), false, Some(Instant::now()));
        self.cursor.as_mut()?.reconnected(top.id, run, top.is_certain)
    }

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
