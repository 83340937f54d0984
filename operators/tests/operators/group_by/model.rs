//! Random runs.

use std::task::Poll;

use futures::{Stream, stream::FusedStream};
use pubsub_operators::{Group, Groups, OnFull, StreamOps};

use super::next;
use crate::harness::{Hint, Random, Rig, Script};

/// All groups in the order in which they open, by the rule: a key that is not open opens one, and closes the open one
/// that was fed longest ago if there are `max`.
fn model(items: &[u32], keys: u32, max: usize) -> Vec<(u32, Vec<u32>)> {
    let mut groups: Vec<(u32, Vec<u32>)> = Vec::new();
    // Open groups, the one fed longest ago first.
    let mut open: Vec<usize> = Vec::new();
    for item in items {
        let key = item % keys;
        let place = open.iter().position(|group| groups[*group].0 == key);
        let group = match place {
            Some(place) => open.remove(place),
            None => {
                if open.len() == max {
                    open.remove(0);
                }
                groups.push((key, Vec::new()));
                groups.len() - 1
            }
        };
        groups[group].1.push(*item);
        open.push(group);
    }
    groups
}

#[test]
fn random_runs_match_the_model() {
    let mut random = Random::new();
    for round in 0..300 {
        let keys = 1 + random.below(6) as u32;
        let bounds =
            Groups { max: 1 + random.below(4), per_group: 1 + random.below(4), on_full: OnFull::Wait };
        let (steps, items) = random.steps(60, 1000);
        let rig = Rig::default();
        let (source, seen) = Script::new(&rig, 0, &steps, Hint::Exact, true);
        let mut outer = source.flow().group_by(bounds, |item| item.value() % keys);
        let mut groups: Vec<Group<Script, u32, _>> = Vec::new();
        let mut read: Vec<(u32, Vec<u32>)> = Vec::new();
        // Any party is polled at any time.
        for _ in 0..5000 {
            let party = random.below(groups.len() + 1);
            match groups.get_mut(party) {
                Some(group) => {
                    let hint = Stream::size_hint(group);
                    assert!(hint.0 <= items.len(), "{hint:?}");
                    if let Poll::Ready(Some(item)) = next(group) {
                        read[party].1.push(item.value());
                    }
                }
                None => {
                    if let Poll::Ready(Some(group)) = next(&mut outer) {
                        read.push((*group.key(), Vec::new()));
                        groups.push(group);
                    }
                }
            }
        }
        assert_eq!(read, model(&items, keys, bounds.max), "round {round}, {keys} keys, {bounds:?}: {random}");
        assert!(seen.dropped.get() && outer.is_terminated());
        assert!(groups.iter_mut().all(|group| matches!(next(group), Poll::Ready(None))));
        drop((outer, groups));
        assert_eq!(rig.live(), 0, "round {round}: {random}");
    }
}

#[test]
fn whatever_is_dropped_nothing_is_left_over_and_every_item_is_accounted_for() {
    let mut random = Random::new();
    for round in 0..300 {
        let on_full = [OnFull::Wait, OnFull::DropOldest, OnFull::DropNewest][random.below(3)];
        let bounds = Groups { max: 1 + random.below(4), per_group: 1 + random.below(3), on_full };
        let (steps, items) = random.steps(60, 1000);
        let rig = Rig::default();
        let (source, seen) = Script::new(&rig, 0, &steps, Hint::Exact, true);
        let mut outer = Some(source.flow().group_by(bounds, |item| item.value() % 5));
        let mut groups = Vec::new();
        let (mut read, mut dropped, mut lost) = (0, 0, 0);
        for _ in 0..2000 {
            let party = random.below(groups.len() + 1);
            if party < groups.len() {
                let group: &mut Group<_, _, _> = &mut groups[party];
                if random.below(40) == 0 {
                    dropped += Stream::size_hint(group).0;
                    drop(groups.swap_remove(party));
                } else if let Poll::Ready(Some(_)) = next(group) {
                    read += 1;
                }
            } else if let Some(stream) = &mut outer {
                if let Poll::Ready(Some(group)) = next(stream) {
                    groups.push(group);
                }
                lost = stream.get_ref().lost() as usize;
            }
        }
        if let Some(stream) = &outer
            && stream.is_terminated()
        {
            let queued: usize = groups.iter().map(|group| Stream::size_hint(group).0).sum();
            assert_eq!(read + dropped + lost + queued, items.len(), "round {round}, {bounds:?}: {random}");
            assert!(seen.dropped.get());
        }
        // In any order.
        if random.below(2) == 0 {
            outer = None;
        }
        drop(groups);
        drop(outer);
        assert!(seen.dropped.get());
        assert_eq!(rig.live(), 0, "round {round}, {bounds:?}: {random}");
    }
}
