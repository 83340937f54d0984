//! What a subscriber was given, checked against what publishers sent: each event once and in order, or a gap that says that it is
//! missing, and how many where it says so.
//!
//! Each publisher counts its events from 0 under a name of its own. A gap that counts is that of all publishers together, and which
//! of them it was is seen at their next events: it says nothing of what is missing after those.

use std::collections::BTreeMap;

use crate::check::Mismatch;

/// How many events each publisher has sent.
pub(crate) type Published = BTreeMap<String, u64>;

#[derive(Debug, Default)]
pub(crate) struct Auditor {
    publishers: BTreeMap<String, Seen>,
    told: Vec<Told>,
    /// What was before the first event of a publisher was before the subscription.
    is_late: bool,
    pub(crate) events: u64,
    pub(crate) gaps: u64,
    pub(crate) missed: u64,
}

/// A gap.
#[derive(Debug)]
struct Told {
    /// So many of it were not found missing yet. `None` where it does not count.
    owed: Option<u64>,
    /// Some of it may be in a hole of which nobody knows what all is in it.
    is_unclear: bool,
}

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    next: u64,
    /// How many gaps were told before its last event.
    told: usize,
}

impl Auditor {
    /// That of a subscriber who comes when publishers have begun.
    pub(crate) fn late() -> Self {
        Self { is_late: true, ..Self::default() }
    }

    pub(crate) fn event(&mut self, publisher: &str, number: u64) -> Result<(), Mismatch> {
        let seen = match self.publishers.get(publisher) {
            Some(seen) => *seen,
            None if self.is_late => {
                self.told.iter_mut().for_each(|gap| gap.is_unclear = true);
                Seen { next: number, told: 0 }
            }
            None => Seen::default(),
        };
        if number < seen.next {
            return Err(Mismatch::new(
                format!("event {} of {publisher:?}", seen.next),
                format!("event {number}, twice or out of order"),
            ));
        }
        self.missing(publisher, seen, number)?;
        let seen = Seen { next: number + 1, told: self.told.len() };
        self.publishers.insert(publisher.to_owned(), seen);
        self.events += 1;
        Ok(())
    }

    /// `None` where it is not known how many.
    pub(crate) fn gap(&mut self, missed: Option<u64>) {
        self.gaps += 1;
        self.missed += missed.unwrap_or(0);
        self.told.push(Told { owed: missed, is_unclear: false });
    }

    /// Whether the last event of each publisher has come.
    pub(crate) fn has_all(&self, published: &Published) -> bool {
        let next = |publisher| self.publishers.get(publisher).map_or(0, |seen| seen.next);
        published.iter().all(|(publisher, count)| next(publisher) >= *count)
    }

    /// How the account stands in the end.
    pub(crate) fn finish(mut self, published: &Published) -> Result<Self, Mismatch> {
        for (publisher, seen) in &self.publishers {
            let count = published.get(publisher).copied().unwrap_or(0);
            if seen.next > count {
                let expected = format!("{count} events of {publisher:?}");
                return Err(Mismatch::new(expected, format!("event {}, which nobody sent", seen.next - 1)));
            }
        }
        for (publisher, count) in published {
            let seen = self.publishers.get(publisher).copied().unwrap_or_default();
            self.missing(publisher, seen, *count)?;
        }
        let clear = self.told.iter().filter(|gap| !gap.is_unclear);
        let owed: u64 = clear.filter_map(|gap| gap.owed).sum();
        if owed > 0 {
            return Err(Mismatch::new(
                format!("gaps that count what is missing, {}", self.missed - owed),
                format!("{} counted", self.missed),
            ));
        }
        Ok(self)
    }

    /// What is missing before this event has to be known from gaps since the last of this publisher.
    fn missing(&mut self, publisher: &str, seen: Seen, number: u64) -> Result<(), Mismatch> {
        let hole = number - seen.next;
        if hole == 0 {
            return Ok(());
        }
        let since = &mut self.told[seen.told..];
        if since.iter().any(|gap| gap.owed.is_none()) {
            since.iter_mut().for_each(|gap| gap.is_unclear = true);
            return Ok(());
        }
        let mut unknown = hole;
        // The oldest first: there are fewer publishers that had no event since.
        for owed in since.iter_mut().filter_map(|gap| gap.owed.as_mut()) {
            let found = unknown.min(*owed);
            *owed -= found;
            unknown -= found;
        }
        if unknown > 0 {
            return Err(Mismatch::new(
                format!("event {} of {publisher:?}, or a gap", seen.next),
                format!("{hole} missing before event {number}, of which gaps told {}", hole - unknown),
            ));
        }
        Ok(())
    }
}

/// Each of these is a record that is right but for one thing, or right.
#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    enum One {
        Event(&'static str, u64),
        Gap(Option<u64>),
    }
    use One::{Event, Gap};

    fn audit(told: &[One], published: [(&str, u64); 2]) -> Result<Auditor, Mismatch> {
        let mut auditor = Auditor::default();
        for one in told {
            match *one {
                Event(publisher, number) => auditor.event(publisher, number)?,
                Gap(missed) => auditor.gap(missed),
            }
        }
        auditor.finish(&published.map(|(publisher, count)| (publisher.to_owned(), count)).into())
    }

    fn observed(told: &[One]) -> String {
        audit(told, [("a", 3), ("b", 2)]).expect_err("it is wrong").observed
    }

    const RIGHT: [One; 5] = [Event("a", 0), Event("b", 0), Event("a", 1), Event("b", 1), Event("a", 2)];

    #[test]
    fn each_once_and_in_order() {
        let auditor = audit(&RIGHT, [("a", 3), ("b", 2)]).expect("right");
        assert_eq!((auditor.events, auditor.gaps, auditor.missed), (5, 0, 0));
    }

    #[test]
    fn any_one_that_is_left_out_is_missing() {
        for at in 0..RIGHT.len() {
            let mut told = RIGHT.to_vec();
            told.remove(at);
            assert!(observed(&told).contains("1 missing"), "{at}");
        }
    }

    #[test]
    fn any_one_that_comes_again_is_once_too_often() {
        for (at, again) in RIGHT.into_iter().enumerate() {
            for later in at + 1..=RIGHT.len() {
                let mut told = RIGHT.to_vec();
                told.insert(later, again);
                assert!(observed(&told).contains("twice or out of order"), "{at} again at {later}");
            }
        }
    }

    #[test]
    fn two_of_one_publisher_that_change_places_are_out_of_order() {
        for (one, other) in [(0, 2), (2, 4), (0, 4), (1, 3)] {
            let mut told = RIGHT.to_vec();
            told.swap(one, other);
            observed(&told);
        }
        let mut told = RIGHT.to_vec();
        told.swap(0, 1);
        audit(&told, [("a", 3), ("b", 2)]).expect("between publishers there is no order");
    }

    #[test]
    fn what_nobody_sent_is_noticed() {
        let told = [&RIGHT[..], &[Event("c", 0)]].concat();
        assert!(observed(&told).contains("nobody sent"));
        let told = [&RIGHT[..], &[Event("b", 2)]].concat();
        assert!(observed(&told).contains("nobody sent"));
    }

    #[test]
    fn a_gap_has_to_count_right() {
        let with = |missed| [Event("a", 0), Gap(missed), Event("a", 2), Event("b", 1)];
        let told = |missed| audit(&with(missed), [("a", 3), ("b", 2)]);
        let auditor = told(Some(2)).expect("one of a and one of b");
        assert_eq!((auditor.events, auditor.gaps, auditor.missed), (3, 1, 2));
        told(None).expect("any number");
        assert!(told(Some(1)).expect_err("too few").observed.contains("1 missing"));
        assert!(told(Some(3)).expect_err("too many").observed.contains("3 counted"));
    }

    #[test]
    fn a_gap_that_comes_after_what_follows_it_is_too_late() {
        observed(&[Event("a", 0), Event("a", 2), Gap(Some(1)), Event("b", 0), Event("b", 1)]);
        observed(&[Event("a", 0), Event("a", 2), Gap(None), Event("b", 0), Event("b", 1)]);
    }

    #[test]
    fn a_gap_excuses_no_later_hole() {
        // The first hole of each is excused, and the second of `a` is not.
        for gaps in [&[Gap(None)][..], &[Gap(None), Gap(Some(5))], &[Gap(Some(5)), Gap(None)]] {
            let record = [gaps, &[Event("a", 2), Event("b", 2), Event("a", 4)]].concat();
            let wrong = audit(&record, [("a", 5), ("b", 3)]).expect_err("3 of `a` is missing");
            assert!(wrong.observed.contains("1 missing before event 4"), "{wrong}");
        }
        // What one that counts has left is of `b`, of which nothing came yet.
        let record = [Gap(Some(3)), Event("a", 1), Event("a", 3)];
        let wrong = audit(&record, [("a", 4), ("b", 2)]).expect_err("2 of `a` is missing");
        assert!(wrong.observed.contains("1 missing before event 3"), "{wrong}");
    }

    #[test]
    fn what_was_counted_may_be_in_a_hole_that_is_excused_or_in_another() {
        let gaps = [Gap(None), Event("a", 2), Gap(Some(2))];
        let audit = |told: &[One]| audit(&[&gaps, told].concat(), [("a", 5), ("b", 5)]);
        audit(&[Event("b", 4), Event("a", 3), Event("a", 4)]).expect("both of `b`");
        audit(&[Event("b", 4), Event("a", 4)]).expect("one of each");
        // But not where there is none.
        let rest = [Event("b", 0), Event("b", 1), Event("b", 2), Event("b", 3), Event("b", 4), Event("a", 4)];
        let wrong = audit(&rest).expect_err("1 of `a`, and none of `b`");
        assert!(wrong.observed.contains("2 counted"), "{wrong}");
    }

    #[test]
    fn who_comes_late_has_everything_from_then_on() {
        let published = Published::from([("a".to_owned(), 9)]);
        let told = |numbers: &[u64]| {
            let mut auditor = Auditor::late();
            numbers.iter().try_for_each(|number| auditor.event("a", *number))?;
            auditor.finish(&published)
        };
        assert_eq!(told(&[6, 7, 8]).expect("all").events, 3);
        told(&[6, 8]).expect_err("7 is missing");
        told(&[6, 7]).expect_err("8 is missing");
        told(&[7, 6, 8]).expect_err("out of order");
    }

    #[test]
    fn what_who_comes_late_was_told_may_be_of_who_has_said_nothing_yet() {
        let mut auditor = Auditor::late();
        auditor.event("a", 4).expect("the first");
        auditor.gap(Some(3));
        auditor.event("a", 6).expect("one is missing, and three were counted");
        auditor.event("b", 2).expect("the first");
        auditor.finish(&[("a".to_owned(), 7), ("b".to_owned(), 3)].into()).expect("the other two are of `b`");
    }

    #[test]
    fn the_last_may_be_missing_too() {
        assert!(observed(&RIGHT[..4]).contains("1 missing before event 3"));
        audit(&[&RIGHT[..4], &[Gap(Some(1))]].concat(), [("a", 3), ("b", 2)]).expect("a gap says so");
        observed(&[]);
    }
}
