//! What happened on one event type, as far back as its bounds allow.
//!
//! An offset is given to every event whether it is kept or not. Per id the history knows which of its events it has,
//! and for the ids of evicted events which was the last evicted: so an id on which nothing happens can be recovered
//! long after the events of other ids have pushed its own out.

mod evicted;
mod prepend;
mod published;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use compact_str::CompactString;

use self::evicted::Evicted;
pub(crate) use self::published::PublishedIds;
use super::codecs::{Codecs, Encoded};
use super::wire::GapReason;
use crate::carried::Carried;
use crate::{EventId, Header, Position};

/// The bounds of the history of each event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryConfig {
    /// How many events it keeps: 1,024.
    pub events: usize,
    /// How many bytes their messages may take, counted once for each form in which they may be kept: 4 MiB.
    pub bytes: usize,
    /// How many events are replayed to one subscription at most; beyond it the gap is `too_many`: 1,024. One that acknowledges
    /// what it gets is sent all that is kept.
    pub replay: usize,
    /// For how many ids it knows the last event that it no longer keeps: 4,096. A quiet id beyond them may be said to
    /// have lost events where it has not.
    pub quiet_ids: usize,
    /// How many event ids are remembered to know an event that is published again: 16,384.
    pub ids: usize,
    /// How long they are: 5 minutes.
    pub ids_for: Duration,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self {
            events: 1024,
            bytes: 4 * 1024 * 1024,
            replay: 1024,
            quiet_ids: 4096,
            ids: 16 * 1024,
            ids_for: Duration::from_secs(300),
        }
    }
}

/// One event, in each codec, and the messages made of it so far.
pub(crate) struct Entry {
    pub(crate) id: CompactString,
    event_id: Option<EventId>,
    carried: Carried,
    offset: u64,
    /// The offset before which nothing of this id is missing to whoever may get the event.
    after: u64,
    bodies: Encoded,
    messages: [Vec<Option<Bytes>>; 2],
}

/// By which address an event comes: what it says of `after` depends on it, and nothing else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    Type,
    Id,
}

impl Entry {
    pub(crate) fn new(
        id: &str,
        event_id: Option<EventId>,
        carried: Carried,
        offset: u64,
        after: u64,
        bodies: Encoded,
    ) -> Self {
        let empty = vec![None; bodies.len()];
        Self { id: id.into(), event_id, carried, offset, after, bodies, messages: [empty.clone(), empty] }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The message of this event in a codec: encoded once, then shared.
    pub(crate) fn message(
        &mut self,
        topic: &str,
        epoch: &str,
        through: Through,
        codec: usize,
        codecs: &Codecs,
    ) -> Bytes {
        if let Some(message) = &self.messages[through as usize][codec] {
            return message.clone();
        }
        let after = match through {
            Through::Type => self.offset - 1,
            Through::Id => self.after,
        };
        let message = codecs.join(codec, &self.header(topic, epoch, after), self.bodies.get(codec));
        self.messages[through as usize][codec] = Some(message.clone());
        message
    }

    pub(crate) fn header(&self, topic: &str, epoch: &str, after: u64) -> Header {
        let position = Position::new(self.offset).with_after(after).with_epoch(epoch);
        let header = Header::new(topic, &self.id).with_position(position).with_carried(self.carried.clone());
        match self.event_id {
            Some(event_id) => header.with_event_id(event_id),
            None => header,
        }
    }

    pub(crate) fn body(&self, codec: usize) -> Bytes {
        self.bodies.get(codec).clone()
    }

    /// What it may take at most: bodies, and a message by either address in each codec.
    fn size(&self, topic: &str) -> usize {
        let envelope = topic.len() + self.id.len() + 192 + self.carried.size();
        (0..self.bodies.len()).map(|codec| 3 * self.bodies.get(codec).len() + 2 * envelope).sum()
    }
}

pub(crate) struct History {
    topic: CompactString,
    epoch: CompactString,
    config: HistoryConfig,
    head: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Which of the entries are of an id.
    ids: HashMap<CompactString, VecDeque<u64>>,
    evicted: Evicted,
    pub(crate) published: PublishedIds,
}

impl History {
    pub(crate) fn new(topic: &str, epoch: CompactString, config: HistoryConfig) -> Self {
        Self {
            topic: topic.into(),
            epoch,
            config,
            head: 0,
            entries: VecDeque::new(),
            bytes: 0,
            ids: HashMap::new(),
            evicted: Evicted::new(config.quiet_ids, 0),
            published: PublishedIds::new(config.ids, config.ids_for),
        }
    }

    /// Another epoch, or another place in it, and nothing of what was before. Event ids are still known.
    pub(crate) fn begin_anew(&mut self, epoch: CompactString, head: u64) {
        let config = self.config;
        let published = std::mem::replace(&mut self.published, PublishedIds::new(0, Duration::ZERO));
        let evicted = Evicted::new(config.quiet_ids, head);
        *self = Self { published, head, evicted, ..Self::new(&self.topic, epoch, config) };
    }

    /// How many of the events before the first that is kept would fit.
    pub(crate) fn room(&self) -> u64 {
        let room = self.config.events.saturating_sub(self.entries.len()) as u64;
        if self.bytes < self.config.bytes { room.min(self.floor(None)) } else { 0 }
    }

    pub(crate) fn topic(&self) -> &CompactString {
        &self.topic
    }

    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The offset of the last event; 0 before the first.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// How many events are kept.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The offset of the last evicted event of an id, or of the type: nothing after it is missing here. It may be too
    /// high for an id that was forgotten, and never too low.
    pub(crate) fn floor(&self, id: Option<&str>) -> u64 {
        match id {
            Some(id) => self.evicted.last(id),
            None => self.head - self.entries.len() as u64,
        }
    }

    /// An offset after which there is no event of this id, and which nobody who can be recovered is before.
    pub(crate) fn last(&self, id: &str) -> u64 {
        self.ids.get(id).and_then(VecDeque::back).copied().unwrap_or_else(|| self.evicted.last(id))
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        debug_assert_eq!(entry.offset, self.head + 1, "offsets rise by one");
        self.head = entry.offset;
        self.bytes += entry.size(&self.topic);
        self.ids.entry(entry.id.clone()).or_default().push_back(entry.offset);
        self.entries.push_back(entry);
        while self.entries.len() > self.config.events || self.bytes > self.config.bytes {
            self.evict();
        }
    }

    fn evict(&mut self) {
        let Some(entry) = self.entries.pop_front() else { return };
        self.bytes -= entry.size(&self.topic);
        if let Some(offsets) = self.ids.get_mut(&entry.id) {
            offsets.pop_front();
            if offsets.is_empty() {
                self.ids.remove(&entry.id);
            }
        }
        self.evicted.push(entry.id, entry.offset);
    }

    /// How many events of an address come after an offset, if all of them are here and may be replayed: at most as many as
    /// the [bound](HistoryConfig::replay), but to who takes them bit by bit.
    pub(crate) fn after(
        &self,
        id: Option<&str>,
        epoch: &str,
        offset: u64,
        bit_by_bit: bool,
    ) -> Result<u64, Missing> {
        // Who knows more than there is knows another history.
        if epoch != self.epoch || offset > self.head {
            return Err(Missing { reason: GapReason::Epoch, missed: None });
        }
        let missed = id.is_none().then_some(self.head - offset);
        if offset < self.floor(id) {
            return Err(Missing { reason: GapReason::Evicted, missed });
        }
        let count = match id {
            None => self.head - offset,
            Some(id) => {
                self.offsets(id).map_or(0, |all| all.len() - all.partition_point(|&o| o <= offset)) as u64
            }
        };
        if count > self.config.replay as u64 && !bit_by_bit {
            return Err(Missing { reason: GapReason::TooMany, missed: Some(count) });
        }
        Ok(count)
    }

    /// The first event of an address after an offset.
    pub(crate) fn next(&mut self, id: Option<&str>, offset: u64) -> Option<&mut Entry> {
        let first = self.floor(None) + 1;
        let next = match id {
            None => first.max(offset + 1),
            Some(id) => {
                let offsets = self.offsets(id)?;
                *offsets.get(offsets.partition_point(|&known| known <= offset))?
            }
        };
        self.entries.get_mut(usize::try_from(next - first).ok()?)
    }

    fn offsets(&self, id: &str) -> Option<&VecDeque<u64>> {
        self.ids.get(id)
    }
}

/// Why not everything after a position can be replayed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) reason: GapReason,
    pub(crate) missed: Option<u64>,
}
