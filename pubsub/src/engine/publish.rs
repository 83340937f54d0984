//! Publishing where nobody waits.

use std::sync::Arc;
use std::task::Waker;

use super::effects::Effects;
use super::line::Waiting;
use super::log::Log;
use super::routing::{Address, At};
use super::sync::{MutexGuard, lock};
use super::topic::Topic;
use super::{Engine, Refused, Shard, Store};
use crate::event::Stored;

impl Engine {
    /// Whether a publish to this topic can only succeed, and reach nobody.
    #[inline]
    pub(crate) fn is_idle(&self, topic: usize) -> bool {
        !self.topics[topic].listening().anybody() && !self.is_closed()
    }

    /// Gives the event to all that follow its address, or to none. `store` is called only if it is accepted, and at
    /// most once.
    ///
    /// Compiled for each type of events where one log follows the address, as is most often the case: the event is put
    /// together where it is stored.
    #[inline]
    pub(crate) fn try_publish(&self, address: Address<'_>, store: &mut impl Store) -> Result<(), Refused> {
        let topic = &self.topics[address.topic];
        if !topic.listening().only_to_addresses() {
            return self.publish_widely(address, store);
        }
        let (mut shard, number) = self.locate(address);
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        let Some(number) = number else { return Ok(()) };
        let place = shard.place(number);
        let Some(log) = place.roster.only_log() else {
            drop(shard);
            return self.publish_widely(address, store);
        };
        if !log.has_room_now() {
            return Err(Refused::Full);
        }
        if let Some(stored) = log.push_quietly(store.store(Some(&place.id))) {
            let _effects = Self::push_loudly(topic, log, stored);
            place.roster.published += 1;
            drop(shard);
            return Ok(());
        }
        place.roster.published += 1;
        Ok(())
    }

    /// Where readers wait, or an event gives way. The effects are for when the lock is released.
    #[inline(never)]
    fn push_loudly(topic: &Topic, log: &mut Log, stored: Stored) -> Effects {
        let mut effects = Effects::default();
        topic.lose(u64::from(log.push(stored, &mut effects)));
        effects
    }

    /// The shard of an address, locked, and the address's place in it.
    fn locate(&self, address: Address<'_>) -> (MutexGuard<'_, Shard>, Option<u32>) {
        match address.at {
            At::Pin(pin) => (lock(self.shard(pin.shard)), Some(pin.place)),
            At::Id(id) => {
                let hash = self.hash(address.topic as u32, id);
                let shard = lock(self.shard(Self::shard_of(hash)));
                let number = shard.number_inlined(hash, address.topic as u32, id);
                (shard, number)
            }
        }
    }

    /// To logs and queues of any number, of the topic and of the address.
    #[inline(never)]
    fn publish_widely(&self, address: Address<'_>, store: &mut dyn Store) -> Result<(), Refused> {
        if self.is_idle(address.topic) {
            return Ok(());
        }
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

    /// Like [`try_publish`](Self::try_publish); where there is no room the event joins the line, if there is a waker.
    #[inline]
    pub(crate) fn publish(
        self: &Arc<Self>,
        address: Address<'_>,
        store: &mut impl Store,
        waker: Option<&Waker>,
    ) -> Result<Option<Waiting>, Refused> {
        match (self.try_publish(address, store), waker) {
            (Ok(()), _) => Ok(None),
            (Err(Refused::Full), Some(waker)) => self.join_line(address, store, waker),
            (Err(refused), _) => Err(refused),
        }
    }
}
