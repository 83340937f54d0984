//! What one subscription is told beside its events, each at its place among them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use pubsub_transports::{Gap, Position, Rejection, Undecodable};

use crate::positions::before_everything;

/// What happened on the way to a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    Reconnected,
    Gap(Gap),
    Undecodable(Undecodable),
}

/// Notices that a subscription has not read yet, told by who delivers.
#[derive(Default)]
pub(crate) struct Notices {
    told: Mutex<Told>,
    /// Whether there may be some: most of the time there are none, and who reads an event need not take the lock.
    has_some: AtomicBool,
}

#[derive(Default)]
struct Told {
    notices: VecDeque<Entry>,
    /// Events lost in gaps, as far as they were counted, read or not.
    missed: u64,
    gaps: u64,
    refused: Option<Rejection>,
    reader: Option<Waker>,
    /// Where the subscription begins in the history of each topic.
    begins: Vec<(Box<str>, Position)>,
}

struct Entry {
    /// The last event that came before it.
    after: u64,
    notice: Notice,
    /// Events lost, as far as they were counted; a gap that was told together with one of unknown size does not say it.
    counted: u64,
}

/// What there is for a reader that found no event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    None,
    /// A notice, after the event with this number.
    After(u64),
    /// Nothing more will come.
    Refused,
}

impl Notices {
    /// How many are kept. Beyond it what is undecodable or tells a reconnection gives way, which the bus's errors and its
    /// connection tell too; then gaps are told together, so that none is lost.
    pub(super) const KEPT: usize = 64;

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells it after the event with the number `after`.
    pub(super) fn tell(&self, after: u64, notice: Notice) {
        let mut told = self.lock();
        let mut counted = 0;
        if let Notice::Gap(gap) = &notice {
            counted = gap.missed.unwrap_or(0);
            told.missed += counted;
            told.gaps += 1;
        }
        told.notices.push_back(Entry { after, notice, counted });
        if told.notices.len() > Self::KEPT {
            told.shorten();
        }
        self.has_some.store(true, Ordering::Release);
        wake(told);
    }

    /// A gap that is told elsewhere.
    pub(super) fn count(&self, gap: &Gap) {
        let mut told = self.lock();
        told.missed += gap.missed.unwrap_or(0);
        told.gaps += 1;
    }

    /// What comes of this topic comes after this, unless something else was said before.
    pub(super) fn begin(&self, topic: &str, position: Position) {
        let begins = &mut self.lock().begins;
        if begins.iter().all(|(known, _)| **known != *topic) {
            begins.push((topic.into(), position));
        }
    }

    /// What begins with the oldest that is kept begins after this.
    pub(super) fn begin_after(&self, topic: &str, position: Position) {
        for (known, begin) in &mut self.lock().begins {
            if **known == *topic && *begin == before_everything() {
                *begin = position;
                return;
            }
        }
    }

    pub(super) fn begins(&self) -> Vec<(Box<str>, Position)> {
        self.lock().begins.clone()
    }

    /// Nothing more will come.
    pub(super) fn refuse(&self, rejection: Rejection) {
        let mut told = self.lock();
        told.refused.get_or_insert(rejection);
        wake(told);
    }

    /// The next notice, if it came before the event with the number `before`.
    pub(crate) fn next_before(&self, before: u64) -> Option<Notice> {
        self.take_before(before).map(|entry| entry.notice)
    }

    /// All notices before the event with the number `before` are passed over. Gives how many events they say were lost.
    pub(super) fn pass_over(&self, before: u64) -> u64 {
        std::iter::from_fn(|| self.take_before(before)).map(|entry| entry.counted).sum()
    }

    fn take_before(&self, before: u64) -> Option<Entry> {
        if !self.has_some.load(Ordering::Acquire) {
            return None;
        }
        let mut told = self.lock();
        told.notices.front().filter(|entry| entry.after < before)?;
        let next = told.notices.pop_front();
        self.has_some.store(!told.notices.is_empty(), Ordering::Release);
        next
    }

    /// What there is to tell, the end included; notices count only if they are `wanted`. If there is nothing, `reader` is
    /// woken when there is.
    pub(super) fn news(&self, wanted: bool, reader: &Waker) -> News {
        let reader = reader.clone();
        let mut told = self.lock();
        if let Some(entry) = told.notices.front().filter(|_| wanted) {
            return News::After(entry.after);
        }
        if told.refused.is_some() {
            return News::Refused;
        }
        let before = told.reader.replace(reader);
        drop(told);
        drop(before);
        News::None
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
        let oldest = self.notices.pop_front();
        if let (Some(Entry { notice: Notice::Gap(one), counted, .. }), Some(next)) =
            (oldest, self.notices.front_mut())
        {
            next.counted += counted;
            if let Notice::Gap(two) = &mut next.notice {
                two.missed = one.missed.zip(two.missed).map(|(one, two)| one + two);
            }
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

    fn drain(notices: &Notices) -> Vec<Notice> {
        std::iter::from_fn(|| notices.next_before(u64::MAX)).collect()
    }

    #[test]
    fn a_notice_comes_before_the_first_event_after_it() {
        let notices = Notices::default();
        notices.tell(3, gap(Some(2)));
        assert_eq!(notices.next_before(3), None);
        assert_eq!(notices.next_before(4), Some(gap(Some(2))));
        assert_eq!(notices.next_before(u64::MAX), None);
    }

    #[test]
    fn beyond_what_is_kept_the_undecodable_give_way_and_gaps_add_up() {
        let notices = Notices::default();
        let garbage = || Notice::Undecodable(Undecodable::new(None, DecodeError::Syntax { at: 0 }));
        for number in 0..100 {
            notices.tell(number, garbage());
            notices.tell(number, gap(Some(1)));
        }
        let told = drain(&notices);
        assert_eq!(told.len(), Notices::KEPT);
        let missed = told.iter().map(|notice| match notice {
            Notice::Gap(gap) => gap.missed.unwrap_or(0),
            _ => 0,
        });
        assert_eq!(missed.sum::<u64>(), 100);
        assert_eq!((notices.missed(), notices.gaps()), (100, 100));
    }

    #[test]
    fn gaps_that_are_told_together_come_no_earlier_than_the_later_one() {
        let notices = Notices::default();
        (0..=Notices::KEPT as u64).for_each(|number| notices.tell(number, gap(Some(1))));
        assert_eq!(notices.next_before(1), None, "it came after event 1 too");
        assert_eq!(notices.next_before(2), Some(gap(Some(2))));
    }

    #[test]
    fn what_was_counted_stays_counted_when_it_is_told_with_what_was_not() {
        let notices = Notices::default();
        for missed in [Some(1), None].into_iter().cycle().take(2 * Notices::KEPT) {
            notices.tell(0, gap(missed));
        }
        assert_eq!(notices.next_before(1), Some(gap(None)));
        let (told, in_all) = (notices.pass_over(u64::MAX), notices.missed());
        assert_eq!(in_all, Notices::KEPT as u64);
        assert!(told < in_all, "the first was read as a notice");
    }
}
