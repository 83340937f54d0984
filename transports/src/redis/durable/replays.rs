//! Fetching what replays ask for, beside the read that waits.

use std::sync::Arc;

use compact_str::CompactString;

use super::entry;
use super::epoch::Top;
use super::reader::{Reader, read};
use super::session::Session;
use crate::ConnectError;
use crate::redis::refusal;
use crate::redis::resp::Item;

/// Entries that are fetched at once.
const COUNT: u64 = 512;

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

    /// More entries for a replay.
    pub(super) async fn fetch(
        &mut self,
        session: &mut Session,
        replay: usize,
        part: usize,
    ) -> Result<(), ConnectError> {
        let Some(from) = self.replays.get(replay).and_then(|replay| replay.parts.get(part)) else {
            return Ok(());
        };
        let topic = from.topic.clone();
        let known = [(&topic, from.fetched())];
        let items = session.fetch(|out| read(out, &self.keys, COUNT, None, &known)).await?;
        let mut has_brought = false;
        for item in items {
            let undecodable = match &item {
                Item::TooLarge { size, .. } => Some(self.oversized(&topic, *size)),
                _ => None,
            };
            let Some(part) = self.replays.get_mut(replay).and_then(|replay| replay.parts.get_mut(part))
            else {
                return Ok(());
            };
            match item {
                Item::Entry(entry) => {
                    has_brought = true;
                    let marker = entry::marker(&entry);
                    let codec = &*self.codec;
                    part.take(entry.id, marker, |cursor| {
                        let frame = || entry::frame(codec, &topic, &entry, cursor.position());
                        marker.is_none().then(frame)
                    });
                }
                Item::TooLarge { id, .. } => {
                    has_brought = true;
                    part.take(id, None, |_| undecodable.map(Err));
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
        if !has_brought {
            let live = self.streams.get(&topic).and_then(|stream| stream.cursor.as_ref());
            let part = self.replays.get_mut(replay).and_then(|replay| replay.parts.get_mut(part));
            if let (Some(live), Some(part)) = (live, part) {
                part.came_to_the_end(live);
            }
        }
        Ok(())
    }
}
