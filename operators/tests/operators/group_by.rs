//! `group_by`: the cases, and random runs against a model that keeps a list per group. What tasks on several threads do
//! to each other is checked by `tests/loom-operators`.
//!
//! Mutations tried by hand: the source's waker wakes only the party that polled last
//! (`a_party_that_stalls_does_not_keep_the_others_waiting`); the most recently fed group is closed, and a group that is
//! fed stays where it was in the order (`random_runs_match_the_model`, `the_group_fed_longest_ago_gives_way`); nobody is
//! woken when room is made (`a_full_group_holds_everybody_back_until_it_is_read`).

mod model;
mod panics;

use std::{
    collections::HashMap,
    hash::Hash,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures::{Stream, channel::mpsc, executor::block_on, stream, stream::FusedStream};
use pubsub_operators::{Flow, Group, GroupBy, Groups, OnFull, StreamOps, group_by};

use crate::harness::{Rig, Script, Waking, alloc::allocations, drain, panic_message, poll};

const WIDE: Groups = Groups { max: 8, per_group: 8, on_full: OnFull::Wait };

/// The next group of an outer stream that has one.
fn open<S, K, F>(outer: &mut Flow<GroupBy<S, K, F>>) -> Group<S, K, F>
where
    S: Stream,
    K: Hash + Eq + Clone,
    F: FnMut(&S::Item) -> K,
{
    match poll(Pin::new(outer)) {
        Poll::Ready(Some(group)) => group,
        Poll::Ready(None) => panic!("the outer stream has ended"),
        Poll::Pending => panic!("the outer stream is pending"),
    }
}

fn next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    poll(Pin::new(stream))
}

#[test]
fn whoever_is_read_drives_the_source() {
    let mut outer = stream::iter(0..12).flow().group_by(WIDE, |n| n % 3);
    // Only this group is polled.
    let first = open(&mut outer);
    assert_eq!((*first.key(), drain(first)), (0, vec![0, 3, 6, 9]));
    let second = open(&mut outer);
    assert_eq!((*second.key(), drain(second)), (1, vec![1, 4, 7, 10]));
    let third = open(&mut outer);
    assert_eq!((*third.key(), drain(third)), (2, vec![2, 5, 8, 11]));
    assert!(next(&mut outer).is_ready());
    assert!(outer.is_terminated());
}

#[test]
fn one_key_gives_one_group() {
    let mut outer = stream::iter([1, 2, 3]).flow().group_by(WIDE, |_| ());
    let mut only = open(&mut outer);
    assert_eq!(only.size_hint(), (1, Some(3)));
    assert!(next(&mut outer).is_ready(), "the end: it routed the rest");
    assert_eq!(only.size_hint(), (3, Some(3)));
    assert_eq!(next(&mut only), Poll::Ready(Some(1)));
    assert!(!only.is_terminated());
    assert_eq!(drain(&mut only), [2, 3]);
    assert!(only.is_terminated());
    assert_eq!(next(&mut only), Poll::Ready(None));
}

#[test]
fn the_group_fed_longest_ago_gives_way() {
    let bounds = Groups { max: 2, ..WIDE };
    let mut outer = stream::iter([0, 1, 0, 2, 1]).flow().group_by(bounds, |n| *n);
    let mut groups = Vec::new();
    while let Poll::Ready(Some(group)) = next(&mut outer) {
        groups.push(group);
    }
    assert_eq!(outer.get_ref().closed(), 2);
    let seen: Vec<_> = groups.into_iter().map(|group| (*group.key(), drain(group))).collect();
    // The 1 was closed for the 2, and the 0 for the second 1.
    assert_eq!(seen, [(0, vec![0, 0]), (1, vec![1]), (2, vec![2]), (1, vec![1])]);
}

#[test]
fn with_room_for_one_group_every_change_opens_another() {
    let bounds = Groups { max: 1, ..WIDE };
    let mut outer = stream::iter([0, 0, 1, 0]).flow().group_by(bounds, |n| *n);
    let mut seen = Vec::new();
    while let Poll::Ready(Some(group)) = next(&mut outer) {
        seen.push((*group.key(), drain(group)));
    }
    assert_eq!(seen, [(0, vec![0, 0]), (1, vec![1]), (0, vec![0])]);
}

#[test]
fn a_closed_group_never_receives_what_a_new_one_of_its_key_does() {
    let bounds = Groups { max: 1, ..WIDE };
    let (events, source) = mpsc::unbounded();
    let mut outer = source.flow().group_by(bounds, |n| n % 10);
    for n in [1, 11, 2, 21] {
        events.unbounded_send(n).unwrap();
    }
    let mut old = open(&mut outer);
    let mut other = open(&mut outer);
    let mut new = open(&mut outer);
    assert_eq!((*old.key(), *other.key(), *new.key()), (1, 2, 1));
    assert_eq!(drain(&mut old), [1, 11], "what is queued, then the end");
    assert_eq!(next(&mut new), Poll::Ready(Some(21)));
    drop(old);
    events.unbounded_send(31).unwrap();
    assert_eq!(next(&mut new), Poll::Ready(Some(31)), "its place is not that of the old one");
    assert_eq!(drain(&mut other), [2]);
}

#[test]
fn a_full_group_holds_everybody_back_until_it_is_read() {
    let bounds = Groups { max: 2, per_group: 1, on_full: OnFull::Wait };
    let mut outer = stream::iter([0, 10, 1]).flow().group_by(bounds, |n| n % 10);
    let mut zeros = open(&mut outer);
    let (outer_waking, waker) = Waking::new();
    assert!(Pin::new(&mut outer).poll_next(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(outer_waking.count(), 0);
    assert_eq!(next(&mut zeros), Poll::Ready(Some(0)));
    assert_eq!(outer_waking.count(), 1, "there is room, and the source did not know it waited");
    let mut ones = open(&mut outer);
    assert_eq!(next(&mut zeros), Poll::Ready(Some(10)));
    assert_eq!(next(&mut ones), Poll::Ready(Some(1)));
    assert_eq!(next(&mut zeros), Poll::Ready(None));
    assert_eq!(outer.get_ref().lost(), 0);
}

#[test]
fn dropping_the_full_group_frees_the_others_too() {
    let bounds = Groups { per_group: 1, ..WIDE };
    let mut outer = stream::iter([0, 10, 1]).flow().group_by(bounds, |n| n % 10);
    let zeros = open(&mut outer);
    let (outer_waking, waker) = Waking::new();
    assert!(Pin::new(&mut outer).poll_next(&mut Context::from_waker(&waker)).is_pending());
    drop(zeros);
    assert_eq!(outer_waking.count(), 1);
    // The item that was held opens the group anew.
    let mut zeros = open(&mut outer);
    let mut ones = open(&mut outer);
    assert_eq!(next(&mut zeros), Poll::Ready(Some(10)));
    assert_eq!(next(&mut ones), Poll::Ready(Some(1)));
}

#[test]
fn drop_oldest_keeps_the_newest_and_counts() {
    let bounds = Groups { per_group: 2, on_full: OnFull::DropOldest, ..WIDE };
    let mut outer = stream::iter(0..5).flow().group_by(bounds, |_| ());
    let mut only = open(&mut outer);
    assert!(next(&mut outer).is_ready());
    assert_eq!((only.lost(), outer.get_ref().lost()), (3, 3));
    assert_eq!(drain(&mut only), [3, 4]);
}

#[test]
fn drop_newest_keeps_the_oldest_and_counts() {
    let bounds = Groups { per_group: 2, on_full: OnFull::DropNewest, ..WIDE };
    let mut outer = stream::iter(0..5).flow().group_by(bounds, |_| ());
    let mut only = open(&mut outer);
    assert!(next(&mut outer).is_ready());
    assert_eq!((only.lost(), outer.get_ref().lost()), (3, 3));
    assert_eq!(drain(&mut only), [0, 1]);
}

#[test]
fn groups_nobody_takes_are_bounded_too() {
    for (on_full, taken, lost, closed) in [
        // What is held takes the place of the group that is handed out, in the same moment.
        (OnFull::Wait, (1..10).collect(), 0, 7),
        // The least recently fed one that nobody took gives way, or the new one does not come.
        (OnFull::DropOldest, vec![8, 9], 7, 7),
        (OnFull::DropNewest, vec![1, 2], 7, 0),
    ] {
        let bounds = Groups { max: 3, per_group: 4, on_full };
        let items = (0..10).flat_map(|n| [n, 0]);
        let mut outer = stream::iter(items).flow().group_by(bounds, |n| *n);
        let mut zeros = open(&mut outer);
        // It drives all others, and takes none of them.
        let mut read = drain_now(&mut zeros).len();
        let mut keys = Vec::new();
        while let Poll::Ready(Some(group)) = next(&mut outer) {
            keys.push(*group.key());
            read += drain_now(&mut zeros).len();
        }
        assert_eq!(keys, taken, "{on_full:?}");
        assert_eq!(read, 11, "{on_full:?}");
        let counters = (outer.get_ref().lost(), outer.get_ref().closed());
        assert_eq!(counters, (lost, closed), "{on_full:?}");
    }
}

#[test]
fn a_party_that_stalls_does_not_keep_the_others_waiting() {
    let (events, source) = mpsc::unbounded();
    let mut outer = source.flow().group_by(WIDE, |n| n % 2);
    events.unbounded_send(0).unwrap();
    events.unbounded_send(1).unwrap();
    let mut even = open(&mut outer);
    let mut odd = open(&mut outer);
    assert_eq!(next(&mut even), Poll::Ready(Some(0)));
    assert_eq!(next(&mut odd), Poll::Ready(Some(1)));
    let (even_waking, waker) = Waking::new();
    assert!(Pin::new(&mut even).poll_next(&mut Context::from_waker(&waker)).is_pending());
    // The odd group polls the source last, and then its task does something else for ever.
    assert!(next(&mut odd).is_pending());
    events.unbounded_send(2).unwrap();
    assert_eq!(even_waking.count(), 1);
    assert_eq!(next(&mut even), Poll::Ready(Some(2)));
}

#[test]
fn what_is_routed_wakes_whom_it_belongs_to_and_nobody_else() {
    let (events, source) = mpsc::unbounded();
    let mut outer = source.flow().group_by(WIDE, |n| n % 3);
    for n in 0..3 {
        events.unbounded_send(n).unwrap();
    }
    let mut groups: Vec<_> = (0..3).map(|_| open(&mut outer)).collect();
    for group in &mut groups {
        assert!(next(group).is_ready());
    }
    let wakings: Vec<_> = (0..3).map(|_| Waking::new()).collect();
    for (group, (_, waker)) in groups.iter_mut().zip(&wakings) {
        assert!(Pin::new(group).poll_next(&mut Context::from_waker(waker)).is_pending());
    }
    let counts = || wakings.iter().map(|(waking, _)| waking.count()).collect::<Vec<_>>();
    events.unbounded_send(1).unwrap();
    assert_eq!(counts(), [1, 1, 1], "the source wakes all that wait");
    // Two of them wait again; the first drives.
    for (group, (_, waker)) in groups.iter_mut().zip(&wakings).skip(1) {
        let _ = Pin::new(group).poll_next(&mut Context::from_waker(waker));
    }
    events.unbounded_send(2).unwrap();
    let before = counts();
    assert!(next(&mut groups[0]).is_pending());
    let after = counts();
    assert_eq!((after[1], after[0]), (before[1], before[0]));
}

#[test]
fn after_the_outer_stream_is_dropped_groups_go_on_and_other_keys_are_lost() {
    let rig = Rig::default();
    let (events, source) = mpsc::unbounded();
    let mut outer = source.flow().map(|n| rig.item(n)).group_by(WIDE, |item| item.value() % 10);
    for n in [0, 1, 10] {
        events.unbounded_send(n).unwrap();
    }
    let mut zeros = open(&mut outer);
    // The group of the 1 is known, but was never handed out.
    assert_eq!(outer.size_hint().0, 0);
    assert!(matches!(next(&mut zeros), Poll::Ready(Some(item)) if item.value() == 0));
    assert!(matches!(next(&mut zeros), Poll::Ready(Some(item)) if item.value() == 10));
    assert_eq!(rig.live(), 1);
    drop(outer);
    assert_eq!(rig.live(), 0, "the 1 nobody can take any more");
    for n in [2, 20, 30] {
        events.unbounded_send(n).unwrap();
    }
    assert!(matches!(next(&mut zeros), Poll::Ready(Some(item)) if item.value() == 20));
    drop(zeros);
    assert_eq!(rig.live(), 0);
    assert!(events.is_closed(), "all parties are gone, and the source with them");
}

#[test]
fn what_is_held_for_a_new_group_is_let_go_with_the_outer_stream() {
    let bounds = Groups { max: 1, ..WIDE };
    let (events, source) = mpsc::unbounded();
    let mut outer = source.flow().group_by(bounds, |n| *n);
    events.unbounded_send(0).unwrap();
    let mut zeros = open(&mut outer);
    for n in [1, 2, 1] {
        events.unbounded_send(n).unwrap();
    }
    // The 1 takes the place of the 0, and waits to be handed out; the 2 would take that of the 1.
    assert_eq!(drain_now(&mut zeros), [0]);
    assert_eq!(next(&mut zeros), Poll::Ready(None));
    drop(outer);
    assert_eq!(next(&mut zeros), Poll::Ready(None));
    drop(zeros);
    assert!(events.is_closed());
}

fn drain_now<S: Stream + Unpin>(stream: &mut S) -> Vec<S::Item> {
    let mut items = Vec::new();
    while let Poll::Ready(Some(item)) = next(stream) {
        items.push(item);
    }
    items
}

#[test]
fn the_source_is_released_when_it_ends_and_what_is_queued_comes_first() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, [0, 1, 10, 11]);
    let mut outer = source.flow().group_by(WIDE, |item| item.value() % 10);
    let mut zeros = open(&mut outer);
    let mut ones = open(&mut outer);
    let (waking, waker) = Waking::new();
    let mut cx = Context::from_waker(&waker);
    assert!(matches!(next(&mut ones), Poll::Ready(Some(_))));
    assert!(matches!(next(&mut ones), Poll::Ready(Some(_))));
    assert!(!seen.dropped.get());
    assert!(matches!(Pin::new(&mut ones).poll_next(&mut cx), Poll::Ready(None)));
    assert!(seen.dropped.get(), "in the poll in which it ended");
    assert_eq!(waking.count(), 0);
    assert_eq!(drain_now(&mut zeros).len(), 2);
    assert!(matches!(next(&mut outer), Poll::Ready(None)));
    drop((outer, zeros, ones));
    assert_eq!(rig.live(), 0);
}

#[test]
fn everybody_who_waits_is_woken_by_the_end() {
    let (events, source) = mpsc::unbounded();
    let mut outer = source.flow().group_by(WIDE, |n| *n);
    events.unbounded_send(0).unwrap();
    let mut zeros = open(&mut outer);
    assert!(next(&mut zeros).is_ready());
    let (waking, waker) = Waking::new();
    assert!(Pin::new(&mut outer).poll_next(&mut Context::from_waker(&waker)).is_pending());
    drop(events);
    assert_eq!(waking.count(), 1, "by the source");
    assert!(Pin::new(&mut zeros).poll_next(&mut Context::from_waker(&waker)).is_ready());
    assert_eq!(next(&mut outer).map(|group| group.is_none()), Poll::Ready(true));
}

#[test]
fn groups_go_to_other_threads() {
    let (events, source) = mpsc::unbounded();
    let outer = source.flow().group_by(WIDE, |n: &u32| n % 4);
    let sender = std::thread::spawn(move || {
        for n in 0..400 {
            events.unbounded_send(n).unwrap();
        }
    });
    let mut readers = Vec::new();
    let mut outer = outer;
    while let Some(group) = block_on(futures::StreamExt::next(&mut outer)) {
        readers.push(std::thread::spawn(move || {
            let key = *group.key();
            (key, block_on(group.flow().to_vec()))
        }));
    }
    sender.join().unwrap();
    let seen: HashMap<_, _> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    for key in 0..4 {
        assert_eq!(seen[&key], (0..400).filter(|n| n % 4 == key).collect::<Vec<_>>());
    }
}

#[test]
fn flat_merge_reads_groups_together() {
    let mut seen = drain(stream::iter(0..20).flow().group_by(WIDE, |n| n % 5).flat_merge(8));
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}

#[test]
fn nothing_is_allocated_per_item_once_the_queues_have_grown() {
    let mut outer = stream::iter(0..40_000_u64).flow().group_by(WIDE, |n| n % 8);
    let mut groups: Vec<_> = (0..8).map(|_| open(&mut outer)).collect();
    let mut turn = |rounds| {
        let mut sum = 0;
        for _ in 0..rounds {
            for group in &mut groups {
                if let Poll::Ready(Some(n)) = next(group) {
                    sum += n;
                }
            }
        }
        sum
    };
    turn(100);
    let (count, sum) = allocations(|| turn(4000));
    assert_eq!(count, 0);
    assert!(sum > 0);
}

#[test]
fn no_room_is_refused() {
    let message = panic_message(|| group_by(Groups { max: 0, ..WIDE }, |n: &u8| *n));
    assert!(message.contains("pass how many may be open"), "{message}");
    let message = panic_message(|| group_by(Groups { per_group: 0, ..WIDE }, |n: &u8| *n));
    assert!(message.contains("pass how many it may hold"), "{message}");
}

#[test]
fn values_are_applied_afresh() {
    let by_value = group_by(WIDE, |n: &i32| n % 2);
    for _ in 0..2 {
        assert_eq!(drain(stream::iter(0..6).pipe(by_value)).len(), 2);
    }
}

#[test]
fn parties_are_unpin_whatever_the_source() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, [1]);
    let mut outer = source.flow().group_by(WIDE, |_| ());
    let mut group = pin!(open(&mut outer));
    assert!(matches!(next(&mut group), Poll::Ready(Some(_))));
}
