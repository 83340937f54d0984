//! What one subscription is told beside its events, each at its place among them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use pubsub_transports::{Gap, Rejection, Undecodable};

/// What happened on the way to a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    Reconnected,
    Gap(Gap),
    Undecodable(Undecodable),
}

/// Notices that a subscription has not read yet. It is told by who delivers, and read by the subscriber.
#[derive(Default)]
pub(crate) struct Story {
    told: Mutex<Told>,
    /// Whether there may be notices: most of the time there are none, and who reads an event need not take the lock.
    has_notices: AtomicBool,
}

#[derive(Default)]
struct Told {
    notices: VecDeque<Entry>,
    /// Events lost in gaps that were counted, read or not.
    missed: u64,
    gaps: u64,
    refused: Option<Rejection>,
    reader: Option<Waker>,
}

struct Entry {
    /// The last event that came before it.
    after: u64,
    notice: Notice,
}

impl Story {
    /// Notices that are kept. Beyond it what is undecodable gives way, which the bus's errors told too; then gaps are
    /// told together, so that none is lost.
    pub(crate) const KEPT: usize = 64;

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells it after the event with the number `after`.
    pub(crate) fn tell(&self, after: u64, notice: Notice) {
        let mut told = self.lock();
        if let Notice::Gap(gap) = &notice {
            told.missed += gap.missed.unwrap_or(0);
            told.gaps += 1;
        }
        told.notices.push_back(Entry { after, notice });
        self.has_notices.store(true, Ordering::Release);
        if told.notices.len() > Self::KEPT {
            told.shorten();
        }
        wake(told);
    }

    /// Nothing more will come.
    pub(crate) fn refuse(&self, rejection: Rejection) {
        let mut told = self.lock();
        told.refused.get_or_insert(rejection);
        wake(told);
    }

    /// The next notice, if it came before the event with the number `before`.
    pub(crate) fn next_before(&self, before: u64) -> Option<Notice> {
        if !self.has_notices.load(Ordering::Acquire) {
            return None;
        }
        let mut told = self.lock();
        told.notices.front().filter(|entry| entry.after < before)?;
        let next = told.notices.pop_front();
        self.has_notices.store(!told.notices.is_empty(), Ordering::Release);
        next.map(|entry| entry.notice)
    }

    /// Whether there is something to tell, or the end. If not, `reader` is woken when there is.
    pub(crate) fn has_news(&self, reader: &Waker) -> bool {
        let reader = reader.clone();
        let mut told = self.lock();
        if !told.notices.is_empty() || told.refused.is_some() {
            return true;
        }
        let before = told.reader.replace(reader);
        drop(told);
        drop(before);
        false
    }

    pub(crate) fn refused(&self) -> Option<Rejection> {
        self.lock().refused.clone()
    }

    pub(crate) fn missed(&self) -> u64 {
        self.lock().missed
    }

    pub(crate) fn gaps(&self) -> u64 {
        self.lock().gaps
    }
}

impl Told {
    fn shorten(&mut self) {
        let is_gap = |entry: &Entry| matches!(entry.notice, Notice::Gap(_));
        if let Some(place) = self.notices.iter().position(|entry| !is_gap(entry)) {
            self.notices.remove(place);
            return;
        }
        if let (
            Some(Entry { after, notice: Notice::Gap(one) }),
            Some(Entry { notice: Notice::Gap(two), .. }),
        ) = (self.notices.pop_front(), self.notices.front_mut())
        {
            two.missed = one.missed.zip(two.missed).map(|(one, two)| one + two);
            self.notices[0].after = after;
        }
    }
}

fn wake(mut told: MutexGuard<'_, Told>) {
    let reader = told.reader.take();
    drop(told);
    if let Some(reader) = reader {
        reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use pubsub_transports::{DecodeError, GapReason};

    use super::*;

    fn gap(missed: Option<u64>) -> Notice {
        Notice::Gap(Gap::new(GapReason::Disconnected, missed))
    }

    fn drain(story: &Story) -> Vec<Notice> {
        std::iter::from_fn(|| story.next_before(u64::MAX)).collect()
    }

    #[test]
    fn a_notice_comes_before_the_first_event_after_it() {
        let story = Story::default();
        story.tell(3, gap(Some(2)));
        assert_eq!(story.next_before(3), None);
        assert_eq!(story.next_before(4), Some(gap(Some(2))));
        assert_eq!(story.next_before(u64::MAX), None);
    }

    #[test]
    fn beyond_what_is_kept_the_undecodable_give_way_and_gaps_add_up() {
        let story = Story::default();
        let garbage = || Notice::Undecodable(Undecodable::new(None, DecodeError::Syntax { at: 0 }));
        for number in 0..100 {
            story.tell(number, garbage());
            story.tell(number, gap(Some(1)));
        }
        let told = drain(&story);
        assert_eq!(told.len(), Story::KEPT);
        let missed = told.iter().map(|notice| match notice {
            Notice::Gap(gap) => gap.missed.unwrap_or(0),
            _ => 0,
        });
        assert_eq!(missed.sum::<u64>(), 100);
        assert_eq!((story.missed(), story.gaps()), (100, 100));
    }

    #[test]
    fn a_gap_of_unknown_size_stays_unknown_when_it_is_told_with_another() {
        let story = Story::default();
        for missed in [Some(1), None].into_iter().cycle().take(Story::KEPT + 1) {
            story.tell(0, gap(missed));
        }
        assert_eq!(drain(&story)[0], gap(None));
    }
}
