//! Events from before the first that is kept: a history that is the end of a longer one, which is somewhere else.

use std::collections::HashMap;

use compact_str::CompactString;

use super::evicted::Evicted;
use super::{Entry, History, Through};

impl History {
    /// Takes as many of the last of these as there is room for: each is the next of the one before, and the last the one right
    /// before the first that is kept.
    pub(crate) fn prepend(&mut self, mut older: Vec<Entry>) {
        let floor = self.floor(None);
        if older.last().map(Entry::offset) != Some(floor) {
            return;
        }
        let (mut count, mut bytes) = (self.entries.len(), self.bytes);
        let fits = |entry: &&Entry| {
            count += 1;
            bytes += entry.size(&self.topic);
            count <= self.config.events && bytes <= self.config.bytes
        };
        let taken = older.iter().rev().take_while(fits).count();
        let mut older = older.split_off(older.len() - taken);
        let Some(begin) = older.first().map(|first| first.offset - 1) else { return };

        let mut last: HashMap<CompactString, u64> = HashMap::new();
        for entry in &mut older {
            entry.after = last.insert(entry.id.clone(), entry.offset).unwrap_or(begin);
        }
        // Whoever gets these before must not take what comes after them for a hole.
        for (id, offsets) in &self.ids {
            let first = offsets.front().and_then(|first| usize::try_from(first - floor - 1).ok());
            if let Some(entry) = first.and_then(|first| self.entries.get_mut(first)) {
                entry.after = last.get(id).copied().unwrap_or(begin);
                entry.messages[Through::Id as usize].fill(None);
            }
        }
        for entry in older.into_iter().rev() {
            self.bytes += entry.size(&self.topic);
            self.ids.entry(entry.id.clone()).or_default().push_front(entry.offset);
            self.entries.push_front(entry);
        }
        self.evicted = Evicted::new(self.config.quiet_ids, begin);
    }
}
