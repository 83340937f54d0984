//! Joining.

use std::sync::Arc;

use super::held::Held;
use super::line::Line;
use super::log::{Log, Shared};
use super::private::Private;
use super::queue::Queue;
use super::reader::{Home, LogOf, Seat};
use super::roster::Roster;
use super::sync::{Ordering, lock};
use super::topic::{Topic, Width};
use super::{Engine, Refused, Shard};
use crate::IdString;
use crate::interest::Interest;
use crate::overflow::Overflow;

/// What a subscription asks for, besides what it follows.
pub(crate) struct Terms {
    pub(crate) bound: usize,
    pub(crate) overflow: Overflow,
    /// What it is called in statistics.
    pub(crate) name: Option<Box<str>>,
    /// Listens only: closing a bus neither waits for it nor counts what it has not read.
    pub(crate) observes: bool,
}

/// What a log is for.
enum Follows<'a> {
    Topic(usize),
    Address(usize, &'a IdString),
}

impl Terms {
    fn shared(&self) -> Option<Shared> {
        if self.observes {
            return None;
        }
        let drops_oldest = match self.overflow {
            Overflow::Backpressure => false,
            Overflow::DropOldest => true,
            Overflow::DropNewest | Overflow::LatestPerId | Overflow::Fail => return None,
        };
        // More events than that no memory holds.
        let bound = u32::try_from(self.bound).unwrap_or(u32::MAX);
        Some(Shared { bound, drops_oldest })
    }
}

impl Engine {
    pub(crate) fn subscribe(self: &Arc<Self>, interest: Interest, terms: Terms) -> Result<Seat, Refused> {
        let follows = match (interest.all, &*interest.topics, &*interest.addresses) {
            (false, [topic], []) => Some(Follows::Topic(*topic)),
            (false, [], [(topic, id)]) => Some(Follows::Address(*topic, id)),
            _ => None,
        };
        let (Some(follows), Some(shared)) = (follows, terms.shared()) else {
            return self.join_private(interest, terms);
        };
        let held = terms.name.map(|name| Arc::new(Held::new(Some(name))));
        let joined = match self.join_shared(&follows, shared, held.clone(), None)? {
            Some(joined) => joined,
            None => {
                let line = lock(&self.line);
                let joined = self.join_shared(&follows, shared, held, Some(&line))?;
                joined.expect("with the line locked, a log is made where there is none")
            }
        };
        let (log, seat) = joined;
        Ok(Seat::new(Arc::clone(self), Home::Log(log), seat))
    }

    /// Joins the log of these terms; makes it if there is none and the line is locked.
    fn join_shared(
        &self,
        follows: &Follows<'_>,
        terms: Shared,
        held: Option<Arc<Held>>,
        line: Option<&Line>,
    ) -> Result<Option<(LogOf, u32)>, Refused> {
        match *follows {
            Follows::Topic(number) => {
                let topic = &self.topics[number];
                let mut roster = lock(&topic.roster);
                let place = self.find_log(&mut roster, terms, line, |waiting, _| waiting == number)?;
                Ok(place.map(|log| {
                    topic.joined(Width::Topic);
                    let topic = number as u32;
                    (LogOf::Topic { topic, log }, roster.log(log).join(held))
                }))
            }
            Follows::Address(number, id) => {
                let topic = number as u32;
                let hash = self.hash(topic, id);
                let shard_number = Self::shard_of(hash);
                let mut shard = lock(self.shard(shard_number));
                let Some(place) = self.find_place(&mut shard, hash, topic, id, line.is_some()) else {
                    return if self.is_closed() { Err(Refused::Closed) } else { Ok(None) };
                };
                let roster = &mut shard.place(place).roster;
                let same = |waiting: usize, other: &str| waiting == number && *other == **id;
                let log = match self.find_log(roster, terms, line, same) {
                    Ok(Some(log)) => log,
                    nothing => {
                        self.release(&mut shard, place);
                        return nothing.map(|_| None);
                    }
                };
                self.topics[number].joined(Width::Address);
                let seat = roster.log(log).join(held);
                let shard = shard_number;
                Ok(Some((LogOf::Address { shard, place, log }, seat)))
            }
        }
    }

    fn find_place(&self, shard: &mut Shard, hash: u64, topic: u32, id: &str, make: bool) -> Option<u32> {
        if make {
            Some(shard.find_or_insert(hash, topic, id, |topic, id| self.hash(topic, id)))
        } else {
            shard.number(hash, topic, id)
        }
    }

    fn find_log(
        &self,
        roster: &mut Roster,
        terms: Shared,
        line: Option<&Line>,
        matches: impl Fn(usize, &str) -> bool,
    ) -> Result<Option<u32>, Refused> {
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        if let Some(log) = roster.find(terms) {
            return Ok(Some(log));
        }
        let Some(line) = line else { return Ok(None) };
        let mut log = Log::new(terms);
        if log.makes_wait() {
            line.each_matching(matches, |key| log.claims.join(key));
        }
        Ok(Some(roster.add(log)))
    }

    /// It follows all its topics and addresses from one moment on: when its queue says so, after it was listed
    /// everywhere.
    fn join_private(self: &Arc<Self>, interest: Interest, terms: Terms) -> Result<Seat, Refused> {
        let mut line = lock(&self.line);
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        let key = line.new_key();
        let queue = Queue::new(&terms);
        let private = Arc::new(Private::new(key, interest, terms.name, queue));
        let interest = &private.interest;
        self.each_roster(interest, |roster| roster.private.join(Arc::clone(&private)));
        // First, so that nobody who got one event is missed by the next publish.
        self.count_listening(interest, Topic::joined);
        let mut queue = private.lock();
        queue.follows = true;
        if queue.makes_wait() {
            line.each_matching(|topic, id| interest.contains(topic, id), |key| queue.claims.join(key));
        }
        drop(queue);
        drop(line);
        Ok(Seat::new(Arc::clone(self), Home::Private(private), 0))
    }

    /// Pins the place of an address, which is then found without a search.
    pub(crate) fn pin(&self, topic: usize, id: &str) -> super::Pin {
        let hash = self.hash(topic as u32, id);
        let number = Self::shard_of(hash);
        let mut shard = lock(self.shard(number));
        let place = shard.find_or_insert(hash, topic as u32, id, |topic, id| self.hash(topic, id));
        shard.place(place).pins += 1;
        super::Pin { shard: number, place }
    }

    pub(crate) fn unpin(&self, pin: super::Pin) {
        let mut shard = lock(self.shard(pin.shard));
        shard.place(pin.place).pins -= 1;
        let place = self.release(&mut shard, pin.place);
        drop(shard);
        drop(place);
    }

    /// Gives up a place that is used no more; what was counted there is kept.
    pub(super) fn release(&self, shard: &mut Shard, number: u32) -> Option<Box<super::shard::Place>> {
        let place = shard.release(number, |topic, id| self.hash(topic, id))?;
        let topic = &self.topics[place.topic as usize];
        topic.published.fetch_add(place.roster.published, Ordering::Relaxed);
        Some(place)
    }
}
