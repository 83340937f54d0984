//! The connections by their ids.

use std::time::Duration;

use super::config::HubConfig;
use super::connection::{Connection, ConnectionId};

#[derive(Default)]
pub(super) struct Connections {
    slots: Vec<(u32, Option<Connection>)>,
    free: Vec<u32>,
}

impl Connections {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn open(&mut self, codec: usize, config: &HubConfig, now: Duration) -> ConnectionId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            u32::try_from(self.slots.len() - 1).expect("there are fewer connections")
        });
        let (generation, slot) = &mut self.slots[index as usize];
        let id = ConnectionId { index, generation: *generation };
        *slot = Some(Connection::new(id, codec, config, now));
        id
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        self.get(id)?;
        let (generation, slot) = &mut self.slots[id.index as usize];
        *generation = generation.wrapping_add(1);
        self.free.push(id.index);
        slot.take()
    }

    pub(super) fn get(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.at(id.index).filter(|connection| connection.id == id)
    }

    pub(super) fn peek(&self, id: ConnectionId) -> Option<&Connection> {
        let (_, connection) = self.slots.get(id.index as usize)?;
        connection.as_ref().filter(|connection| connection.id == id)
    }

    /// The one that a route leads to.
    pub(super) fn at(&mut self, index: u32) -> Option<&mut Connection> {
        self.slots.get_mut(index as usize)?.1.as_mut()
    }

    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        self.slots.iter().filter_map(|(_, slot)| slot.as_ref()).map(|connection| connection.id).collect()
    }
}
