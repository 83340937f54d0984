//! Who follows one address, or the whole of one topic.

use std::collections::VecDeque;

use super::effects::Effects;
use super::log::{Log, Shared};
use super::parked::Ticket;
use super::private::Privates;

#[derive(Default)]
pub(super) struct Roster {
    /// Events accepted for it. One that also matches a roster of the whole topic is counted there.
    pub(super) published: u64,
    /// One for each policy and bound; readers know theirs by its place.
    pub(super) logs: Vec<Option<Box<Log>>>,
    pub(super) private: Privates,
}

/// What a reader leaves behind.
pub(super) struct Left {
    pub(super) unread: u64,
    /// Publishes that may have waited for this reader.
    pub(super) next: VecDeque<u64>,
}

impl Roster {
    pub(super) fn is_empty(&self) -> bool {
        self.logs.is_empty() && self.private.as_slice().is_empty()
    }

    /// The log that readers of these terms share, if there is one.
    pub(super) fn find(&self, terms: Shared) -> Option<u32> {
        let shares = |log: &Option<Box<Log>>| log.as_ref().is_some_and(|log| log.terms == terms);
        Some(self.logs.iter().position(shares)? as u32)
    }

    pub(super) fn add(&mut self, log: Log) -> u32 {
        let log = Some(Box::new(log));
        if let Some(place) = self.logs.iter().position(Option::is_none) {
            self.logs[place] = log;
            return place as u32;
        }
        // Most addresses have one.
        self.logs.reserve_exact(1);
        self.logs.push(log);
        self.logs.len() as u32 - 1
    }

    pub(super) fn log(&mut self, place: u32) -> &mut Log {
        self.logs[place as usize].as_mut().expect("a log stays while it has readers")
    }

    /// A reader leaves; its log goes with the last one.
    pub(super) fn leave(&mut self, place: u32, seat: u32, ticket: Ticket, effects: &mut Effects) -> Left {
        let log = self.log(place);
        let unread = log.leave(seat, ticket, effects);
        if log.readers() > 0 {
            let next = log.claims.first().into_iter().collect();
            return Left { unread, next };
        }
        let next = log.claims.take();
        self.remove(place);
        Left { unread, next }
    }

    fn remove(&mut self, place: u32) {
        self.logs[place as usize] = None;
        while self.logs.last().is_some_and(Option::is_none) {
            self.logs.pop();
        }
        if self.logs.is_empty() {
            self.logs = Vec::new();
        }
    }
}
