//! Publishing where nobody waits.

use std::sync::Arc;
use std::task::Waker;

use super::effects::Effects;
use super::line::Waiting;
use super::roster::Roster;
use super::routing::{Address, At};
use super::sync::lock;
use super::topic::Topic;
use super::{Engine, Refused};
use crate::event::Stored;

impl Engine {
    /// Whether a publish to this topic can only succeed, and reach nobody.
    #[inline]
    pub(crate) fn is_idle(&self, topic: usize) -> bool {
        !self.topics[topic].listening().anybody() && !self.is_closed()
    }

    /// Gives the event to all that follow its address, or to none. `store` is called only if it is accepted, and at
    /// most once.
    pub(crate) fn try_publish(
        &self,
        address: Address<'_>,
        store: &mut dyn FnMut() -> Stored,
    ) -> Result<(), Refused> {
        let topic = &self.topics[address.topic];
        let listening = topic.listening();
        match (listening.to_topic(), listening.to_addresses()) {
            (false, true) => self.publish_to_address(topic, address, store),
            (true, false) => self.publish_to_topic(topic, address, store),
            (true, true) => self.publish_widely(address, store),
            (false, false) if self.is_closed() => Err(Refused::Closed),
            (false, false) => Ok(()),
        }
    }

    fn publish_to_address(
        &self,
        topic: &Topic,
        address: Address<'_>,
        store: &mut dyn FnMut() -> Stored,
    ) -> Result<(), Refused> {
        let mut effects = Effects::default();
        let mut shard;
        let place = match address.at {
            At::Pin(pin) => {
                shard = lock(self.shard(pin.shard));
                Some(shard.place(pin.place))
            }
            At::Id(id) => {
                let hash = self.hash(address.topic as u32, id);
                shard = lock(self.shard(Self::shard_of(hash)));
                shard.find(hash, address.topic as u32, id)
            }
        };
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        let Some(place) = place else { return Ok(()) };
        if let Some(published) = Self::publish_to_one(topic, &mut place.roster, store, &mut effects) {
            return published;
        }
        drop(shard);
        self.publish_widely(address, store)
    }

    fn publish_to_topic(
        &self,
        topic: &Topic,
        address: Address<'_>,
        store: &mut dyn FnMut() -> Stored,
    ) -> Result<(), Refused> {
        let mut effects = Effects::default();
        let mut roster = lock(&topic.roster);
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        if let Some(published) = Self::publish_to_one(topic, &mut roster, store, &mut effects) {
            return published;
        }
        drop(roster);
        self.publish_widely(address, store)
    }

    /// To the one log that follows, as is most often the case. Gives nothing if it is not.
    #[inline]
    fn publish_to_one(
        topic: &Topic,
        roster: &mut Roster,
        store: &mut dyn FnMut() -> Stored,
        effects: &mut Effects,
    ) -> Option<Result<(), Refused>> {
        if !roster.private.is_empty() {
            return None;
        }
        let log = roster.logs.only()?;
        if log.makes_wait() && !(log.claims.is_empty() && log.has_room()) {
            return Some(Err(Refused::Full));
        }
        roster.published += 1;
        let lost = log.push(store(), effects);
        topic.lose(u64::from(lost));
        Some(Ok(()))
    }

    fn publish_widely(&self, address: Address<'_>, store: &mut dyn FnMut() -> Stored) -> Result<(), Refused> {
        let mut effects = Effects::default();
        let ended = self.with_matching(address, |matching| {
            if self.is_closed() {
                Err(Refused::Closed)
            } else if matching.has_room() {
                Ok(matching.accept(store, &mut effects))
            } else {
                Err(Refused::Full)
            }
        })?;
        self.stop_listening(&ended);
        Ok(())
    }

    /// Like [`try_publish`](Self::try_publish); where there is no room the event joins the line.
    #[inline]
    pub(crate) fn publish(
        self: &Arc<Self>,
        address: Address<'_>,
        store: &mut dyn FnMut() -> Stored,
        waker: &Waker,
    ) -> Result<Option<Waiting>, Refused> {
        match self.try_publish(address, store) {
            Ok(()) => Ok(None),
            Err(Refused::Full) => self.join_line(address, store, waker),
            Err(Refused::Closed) => Err(Refused::Closed),
        }
    }
}
