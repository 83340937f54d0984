//! The last evicted event of each id, for so many ids.

use std::collections::{HashMap, VecDeque};

use compact_str::CompactString;

pub(super) struct Evicted {
    bound: usize,
    last: HashMap<CompactString, u64>,
    /// In the order of offsets, with some that are no longer the last of their id.
    order: VecDeque<(CompactString, u64)>,
    /// Ids that are not in `last` have no evicted event after this.
    forgotten: u64,
}

impl Evicted {
    /// Of what is up to this offset nothing is known.
    pub(super) fn new(bound: usize, forgotten: u64) -> Self {
        Self { bound, last: HashMap::new(), order: VecDeque::new(), forgotten }
    }

    pub(super) fn push(&mut self, id: CompactString, offset: u64) {
        self.last.insert(id.clone(), offset);
        self.order.push_back((id, offset));
        let last = &mut self.last;
        while last.len() > self.bound {
            let Some((id, offset)) = self.order.pop_front() else { return };
            if last.get(&id) == Some(&offset) {
                last.remove(&id);
                self.forgotten = offset;
            }
        }
        if self.order.len() > 2 * self.bound {
            self.order.retain(|(id, offset)| last.get(id) == Some(offset));
        }
    }

    pub(super) fn last(&self, id: &str) -> u64 {
        self.last.get(id).copied().unwrap_or(self.forgotten)
    }
}
