//! From an address to all that follow it, with their locks held.

use std::hash::{BuildHasher, Hasher};

use super::accept::{Guards, Matching};
use super::roster::Roster;
use super::sync::{Mutex, lock};
use super::topic::Width;
use super::{Engine, SHARDS, Shard};
use crate::interest::Interest;

/// Where an event goes.
#[derive(Clone, Copy)]
pub(crate) struct Address<'a> {
    pub(crate) topic: usize,
    pub(crate) at: At<'a>,
}

#[derive(Clone, Copy)]
pub(crate) enum At<'a> {
    Id(&'a str),
    /// Where it was found before.
    Pin(Pin),
}

/// The place of an address, which stays while it is pinned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pin {
    pub(super) shard: u8,
    pub(super) place: u32,
}

impl Engine {
    #[inline]
    pub(super) fn hash(&self, topic: u32, id: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(topic);
        hasher.write(id.as_bytes());
        hasher.finish()
    }

    /// By bits that the table inside the shard does not look at first.
    #[inline]
    pub(super) fn shard_of(hash: u64) -> u8 {
        ((hash >> 40) as usize % SHARDS) as u8
    }

    #[inline]
    pub(super) fn shard(&self, number: u8) -> &Mutex<Shard> {
        &self.shards[usize::from(number) % SHARDS]
    }

    /// Runs `f` with all that follow the address locked, in the order in which the engine takes locks.
    #[inline]
    pub(super) fn with_matching<R>(&self, address: Address<'_>, f: impl FnOnce(&mut Matching<'_>) -> R) -> R {
        let topic = &self.topics[address.topic];
        let listening = topic.listening();
        let mut wide = listening.to_topic().then(|| lock(&topic.roster));
        let mut shard;
        let narrow = match address.at {
            _ if !listening.to_addresses() => None,
            At::Id(id) => {
                let hash = self.hash(address.topic as u32, id);
                shard = lock(self.shard(Self::shard_of(hash)));
                shard.find(hash, address.topic as u32, id)
            }
            At::Pin(pin) => {
                shard = lock(self.shard(pin.shard));
                Some(shard.place(pin.place))
            }
        };
        let (mut nobody, mut nobody_either) = (Roster::default(), Roster::default());
        let wide = wide.as_deref_mut().unwrap_or(&mut nobody);
        let narrow = narrow.map_or(&mut nobody_either, |place| &mut place.roster);
        f(&mut Matching {
            topic,
            guards: Guards::lock(wide.private.as_slice(), narrow.private.as_slice()),
            published: if wide.is_empty() { &mut narrow.published } else { &mut wide.published },
            wide: &mut wide.logs,
            narrow: &mut narrow.logs,
        })
    }

    /// Runs `f` on each roster that lists a subscription of this interest, one after the other, and gives up the
    /// places that are empty then. The rosters of addresses are made if they are not there.
    pub(super) fn each_roster(&self, interest: &Interest, mut f: impl FnMut(&mut Roster)) {
        if interest.all {
            self.topics.iter().for_each(|topic| f(&mut lock(&topic.roster)));
        }
        for &topic in &interest.topics {
            f(&mut lock(&self.topics[topic].roster));
        }
        for (topic, id) in &interest.addresses {
            let topic = *topic as u32;
            let hash = self.hash(topic, id);
            let rehash = |topic, id: &str| self.hash(topic, id);
            let mut shard = lock(self.shard(Self::shard_of(hash)));
            let number = shard.find_or_insert(hash, topic, id, rehash);
            f(&mut shard.place(number).roster);
            self.release(&mut shard, number);
        }
    }

    /// Counts a subscription of this interest as listening, or no more.
    pub(super) fn count_listening(&self, interest: &Interest, count: fn(&super::Topic, Width)) {
        if interest.all {
            self.topics.iter().for_each(|topic| count(topic, Width::Topic));
        }
        for &topic in &interest.topics {
            count(&self.topics[topic], Width::Topic);
        }
        for (topic, _) in &interest.addresses {
            count(&self.topics[*topic], Width::Address);
        }
    }
}
