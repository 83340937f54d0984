//! A part of all addresses: what is known of each, and how it is found.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::roster::Roster;
use crate::IdString;

/// Places keep their number as long as somebody follows the address or has it pinned, so that readers and
/// publisher handles need not search.
#[derive(Default)]
pub(super) struct Shard {
    table: HashTable<u32>,
    places: Vec<Option<Box<Place>>>,
    free: Vec<u32>,
}

pub(super) struct Place {
    pub(super) topic: u32,
    /// Publisher handles.
    pub(super) pins: u32,
    pub(super) id: IdString,
    pub(super) roster: Roster,
}

impl Place {
    #[inline]
    fn is(&self, topic: u32, id: &str) -> bool {
        self.topic == topic && self.id.is(id)
    }
}

impl Shard {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty() && self.places.is_empty()
    }

    /// For publishing; elsewhere [`number`](Self::number), to keep it in few places.
    #[inline(always)]
    pub(super) fn number_inlined(&self, hash: u64, topic: u32, id: &str) -> Option<u32> {
        let places = &*self.places;
        let same = |&number: &u32| places[number as usize].as_ref().is_some_and(|place| place.is(topic, id));
        self.table.find(hash, same).copied()
    }

    #[inline(never)]
    pub(super) fn number(&self, hash: u64, topic: u32, id: &str) -> Option<u32> {
        let same =
            |&number: &u32| self.places[number as usize].as_ref().is_some_and(|place| place.is(topic, id));
        self.table.find(hash, same).copied()
    }

    #[inline]
    pub(super) fn find(&mut self, hash: u64, topic: u32, id: &str) -> Option<&mut Place> {
        let number = self.number(hash, topic, id)?;
        self.places[number as usize].as_deref_mut()
    }

    #[inline]
    pub(super) fn place(&mut self, number: u32) -> &mut Place {
        self.places[number as usize].as_mut().expect("a place stays while it is used")
    }

    pub(super) fn places(&mut self) -> impl Iterator<Item = &mut Place> {
        self.places.iter_mut().filter_map(Option::as_deref_mut)
    }

    pub(super) fn find_or_insert(
        &mut self,
        hash: u64,
        topic: u32,
        id: &str,
        rehash: impl Fn(u32, &str) -> u64,
    ) -> u32 {
        let places = &self.places;
        let place = |number: u32| places[number as usize].as_ref().expect("what is listed is there");
        let entry = self.table.entry(
            hash,
            |&number| place(number).is(topic, id),
            |&number| rehash(place(number).topic, &place(number).id),
        );
        let vacant = match entry {
            Entry::Occupied(entry) => return *entry.get(),
            Entry::Vacant(entry) => entry,
        };
        let number = self.free.pop().unwrap_or(self.places.len() as u32);
        vacant.insert(number);
        let place = Some(Box::new(Place { topic, pins: 0, id: id.into(), roster: Roster::default() }));
        match self.places.get_mut(number as usize) {
            Some(free) => *free = place,
            None => self.places.push(place),
        }
        number
    }

    /// Gives up the place if it is not used any more.
    pub(super) fn release(&mut self, number: u32, rehash: impl Fn(u32, &str) -> u64) -> Option<Box<Place>> {
        let slot = &mut self.places[number as usize];
        let place = slot.take_if(|place| place.pins == 0 && place.roster.is_empty())?;
        let hash = rehash(place.topic, &place.id);
        if let Ok(entry) = self.table.find_entry(hash, |&other| other == number) {
            entry.remove();
        }
        self.free.push(number);
        self.shrink(rehash);
        Some(place)
    }

    fn shrink(&mut self, rehash: impl Fn(u32, &str) -> u64) {
        let len = self.table.len();
        if len == 0 {
            *self = Self::default();
        } else if len >= 16 && len < self.table.capacity() / 4 {
            let places = &self.places;
            self.table.shrink_to(len * 2, |&number| {
                let place = places[number as usize].as_ref().expect("what is listed is there");
                rehash(place.topic, &place.id)
            });
        }
    }
}
