//! Fetching what replays ask for, beside the read that waits.

use std::sync::Arc;

use compact_str::CompactString;

use super::entry;
use super::epoch::Top;
use super::reader::{Reader, read, too_large};
use super::session::Session;
use crate::ConnectError;
use crate::redis::refusal;
use crate::redis::resp::Item;

/// Parts that are fetched at once.
const AT_ONCE: usize = 16;

impl Reader {
    /// Asks how the streams stand of which a replay is to begin.
    pub(super) async fn begin_replays(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        let parts = self.replays.iter().flat_map(|replay| &replay.parts).filter(|part| part.is_asked());
        let mut topics: Vec<CompactString> = parts.map(|part| part.topic.clone()).collect();
        topics.sort_unstable();
        topics.dedup();
        for (topic, top) in self.tops(session, &topics).await? {
            self.replays_stand(&topic, top, &session.run, true);
        }
        Ok(())
    }

    pub(super) fn replays_stand(&mut self, topic: &CompactString, top: Top, run: &Arc<str>, only_new: bool) {
        let live = self.streams.get(topic).and_then(|stream| stream.cursor.as_ref());
        let Some(live) = live else { return };
        for part in self.replays.iter_mut().flat_map(|replay| &mut replay.parts) {
            if part.topic == *topic && (part.is_asked() || !only_new) {
                part.connected(live, top, run);
            }
        }
    }

    /// More entries for the replays that have room.
    pub(super) async fn fetch(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        let mut short = Vec::new();
        for (number, replay) in self.replays.iter().enumerate() {
            let parts = replay.parts.iter().enumerate().filter(|(_, part)| part.is_short());
            for (part, it) in parts.take(AT_ONCE - short.len()) {
                let known = [(&it.topic, it.fetched())];
                read(&mut session.asker.out, &self.keys, it.count(), None, &known);
                short.push((number, part));
            }
        }
        let answers = session.asker.items(short.len()).await?;
        for ((replay, part), items) in short.iter().zip(answers) {
            self.fetched(*replay, *part, items)?;
        }
        // Others come first next time.
        if let Some((last, _)) = short.last() {
            let count = self.replays.len();
            self.replays.rotate_left((last + 1) % count);
        }
        Ok(())
    }

    fn fetched(&mut self, replay: usize, part: usize, items: Vec<Item>) -> Result<(), ConnectError> {
        let limit = self.desk.dialer.limits.inbound_bytes;
        let Some(part) = self.replays.get_mut(replay).and_then(|replay| replay.parts.get_mut(part)) else {
            return Ok(());
        };
        let topic = part.topic.clone();
        let (mut entries, mut bytes) = (0, 0);
        for item in items {
            match item {
                Item::Entry(entry) => {
                    (entries, bytes) = (entries + 1, bytes + entry.size());
                    let marker = entry::marker(&entry);
                    part.take(entry.id, marker, |cursor| {
                        let frame = || entry::frame(&*self.codec, &topic, &entry, cursor.position());
                        marker.is_none().then(frame)
                    });
                }
                Item::TooLarge { id, size } => {
                    (entries, bytes) = (entries + 1, bytes + limit);
                    part.take(id, None, |_| Some(Err(too_large(&topic, size, limit))));
                }
                Item::Error(error) => {
                    let rejection = refusal::rejection(&error);
                    if rejection.is_retryable() {
                        return Err(ConnectError::Refused(rejection));
                    }
                    self.refuse(&topic, &rejection);
                    return Ok(());
                }
                Item::Stream(_) | Item::End => {}
            }
        }
        if entries > 0 {
            part.came(entries, bytes, limit);
        } else if let Some(live) = self.streams.get(&topic).and_then(|stream| stream.cursor.as_ref()) {
            part.came_to_the_end(live);
        }
        Ok(())
    }
}
