//! Who follows one address, or the whole of one topic.

use std::collections::VecDeque;
use std::sync::Arc;

use super::effects::Effects;
use super::log::{Log, Shared};
use super::parked::Ticket;
use super::private::{Private, Privates};

#[derive(Default)]
pub(super) struct Roster {
    /// Events accepted for it. One that also matches a roster of the whole topic is counted there.
    pub(super) published: u64,
    pub(super) logs: Logs,
    pub(super) private: Privates,
}

/// One log for each policy and bound; readers know theirs by its place.
///
/// Most rosters have one. It is kept in place: who found the roster has found the log.
#[derive(Default)]
#[expect(clippy::box_collection, reason = "one word in each roster, most of which have no more logs")]
pub(super) struct Logs {
    first: Option<Log>,
    more: Option<Box<Vec<Option<Log>>>>,
}

/// What a reader leaves behind.
pub(super) struct Left {
    /// Something of a closed log.
    pub(super) undrained: bool,
    /// Publishes that may have waited for this reader.
    pub(super) next: VecDeque<u64>,
}

/// A roster, taken apart.
#[derive(Default)]
pub(super) struct Listed<'a> {
    pub(super) published: Option<&'a mut u64>,
    pub(super) logs: Option<&'a mut Logs>,
    pub(super) private: &'a [Arc<Private>],
}

impl Logs {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.more.is_none()
    }

    /// The log, where there is one in all.
    #[inline]
    pub(super) fn only(&mut self) -> Option<&mut Log> {
        if self.more.is_none() { self.first.as_mut() } else { None }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Log> {
        self.first.iter().chain(self.more.iter().flat_map(|more| more.iter().flatten()))
    }

    #[inline]
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Log> {
        self.first.iter_mut().chain(self.more.iter_mut().flat_map(|more| more.iter_mut().flatten()))
    }

    fn place(&mut self, place: u32) -> Option<&mut Option<Log>> {
        match place.checked_sub(1) {
            None => Some(&mut self.first),
            Some(place) => self.more.as_mut()?.get_mut(place as usize),
        }
    }

    /// The log that readers of these terms share, if there is one.
    fn find(&self, terms: Shared) -> Option<u32> {
        let shares = |log: &Log| log.terms == terms;
        if self.first.as_ref().is_some_and(shares) {
            return Some(0);
        }
        let more = self.more.as_ref()?;
        Some(more.iter().position(|log| log.as_ref().is_some_and(shares))? as u32 + 1)
    }

    fn add(&mut self, log: Log) -> u32 {
        if self.first.is_none() {
            self.first = Some(log);
            return 0;
        }
        let more = self.more.get_or_insert_default();
        match more.iter().position(Option::is_none) {
            Some(free) => {
                more[free] = Some(log);
                free as u32 + 1
            }
            None => {
                more.push(Some(log));
                more.len() as u32
            }
        }
    }

    fn remove(&mut self, place: u32) -> Option<Log> {
        let log = self.place(place)?.take();
        if let Some(more) = &mut self.more {
            while more.last().is_some_and(Option::is_none) {
                more.pop();
            }
            if more.is_empty() {
                self.more = None;
            }
        }
        log
    }
}

impl Roster {
    pub(super) fn listed(&mut self) -> Listed<'_> {
        let published = if self.is_empty() { None } else { Some(&mut self.published) };
        Listed { published, logs: Some(&mut self.logs), private: self.private.as_slice() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.private.is_empty()
    }

    /// The one log, where there is nothing else.
    #[inline]
    pub(super) fn only_log(&mut self) -> Option<&mut Log> {
        if self.private.is_empty() { self.logs.only() } else { None }
    }

    /// The log that readers of these terms share, if there is one.
    pub(super) fn find(&self, terms: Shared) -> Option<u32> {
        self.logs.find(terms)
    }

    pub(super) fn add(&mut self, log: Log) -> u32 {
        self.logs.add(log)
    }

    #[inline]
    pub(super) fn log(&mut self, place: u32) -> &mut Log {
        let log = self.logs.place(place).and_then(Option::as_mut);
        log.expect("a log stays while it has readers")
    }

    /// A reader leaves; its log goes with the last one.
    pub(super) fn leave(&mut self, place: u32, seat: u32, ticket: Ticket, effects: &mut Effects) -> Left {
        let log = self.log(place);
        let undrained = log.leave(seat, ticket, effects);
        if log.readers() > 0 {
            let next = log.claims.first().into_iter().collect();
            return Left { undrained, next };
        }
        let next = log.claims.take();
        self.logs.remove(place);
        Left { undrained, next }
    }
}
