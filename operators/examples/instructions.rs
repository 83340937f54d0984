//! The workloads behind `tests/instructions/operators`: one function per case, so that callgrind can count inside it.
//!
//! `instructions cases` lists the cases. `instructions CASE ITEMS PENDING` runs one over `ITEMS` events; every
//! `PENDING`-th poll of the source is `Pending`, 0 for none. The sum it prints is the same for all cases of a workload.

extern crate alloc;

/// The memory of `dedupe` itself, so that the loop written by hand differs from the operators in nothing but the loop.
#[path = "../src/dedupe/memory.rs"]
#[allow(dead_code, reason = "the other forms of `dedupe` use the rest")]
mod memory;

use std::{
    collections::HashSet,
    future::Future,
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use futures::{Stream, future::ready};
use pubsub_operators::{StreamOps, batch, dedupe_with_hasher, filter, map, stage, take};

/// A fixed seed: the same counts on every run.
type FixedState = foldhash::fast::FixedState;

#[derive(Clone, Copy)]
struct Event {
    id: u64,
    size: u32,
    kind: u32,
}

/// Events of a slice, every `every`-th poll `Pending`.
struct Source<'a> {
    events: std::slice::Iter<'a, Event>,
    polls: u32,
    every: u32,
}

impl<'a> Source<'a> {
    fn new(events: &'a [Event], every: u32) -> Self {
        Self { events: events.iter(), polls: 0, every }
    }
}

impl Stream for Source<'_> {
    type Item = Event;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.every != 0 {
            self.polls += 1;
            if self.polls == self.every {
                self.polls = 0;
                return Poll::Pending;
            }
        }
        Poll::Ready(self.events.next().copied())
    }
}

/// Polls to the end, without an executor, so that only the operators are counted.
#[inline(always)]
fn drain<S: Stream>(stream: S, mut f: impl FnMut(S::Item)) {
    let mut stream = pin!(stream);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match stream.as_mut().poll_next(&mut cx) {
            Poll::Ready(Some(item)) => f(item),
            Poll::Ready(None) => return,
            Poll::Pending => {}
        }
    }
}

#[inline(always)]
fn block<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

#[inline(always)]
fn wanted(event: &Event) -> bool {
    event.kind & 3 != 0
}

#[inline(always)]
fn project(event: Event) -> u64 {
    event.id ^ u64::from(event.size)
}

#[inline(always)]
fn sum(batch: Vec<u64>) -> u64 {
    batch.into_iter().fold(0, u64::wrapping_add)
}

#[inline(always)]
fn total<S: Stream<Item = u64>>(stream: S) -> u64 {
    let mut total = 0_u64;
    drain(stream, |n| total = total.wrapping_add(n));
    total
}

#[inline(always)]
fn total_of_batches<S: Stream<Item = Vec<u64>>>(stream: S) -> u64 {
    let mut total = 0_u64;
    drain(stream, |batch| total = total.wrapping_add(sum(batch)));
    total
}

const REMEMBERED: usize = 1024;
const BATCH: usize = 16;

/// Workload A: filter (three of four pass), map, take, and the sum.
mod a {
    use super::*;

    #[inline(never)]
    pub(super) fn a_hand(events: &[Event], every: u32) -> u64 {
        let mut source = pin!(Source::new(events, every));
        let mut cx = Context::from_waker(Waker::noop());
        let (mut total, mut left) = (0_u64, events.len());
        loop {
            match source.as_mut().poll_next(&mut cx) {
                Poll::Ready(Some(event)) => {
                    if wanted(&event) {
                        total = total.wrapping_add(project(event));
                        left -= 1;
                        if left == 0 {
                            break;
                        }
                    }
                }
                Poll::Ready(None) => break,
                Poll::Pending => {}
            }
        }
        total
    }

    #[inline(never)]
    pub(super) fn a_flow(events: &[Event], every: u32) -> u64 {
        total(Source::new(events, every).flow().filter(wanted).map(project).take(events.len()))
    }

    #[inline(never)]
    pub(super) fn a_tuple(events: &[Event], every: u32) -> u64 {
        total(Source::new(events, every).pipe((filter(wanted), map(project), take(events.len()))))
    }

    #[inline(never)]
    pub(super) fn a_stage(events: &[Event], every: u32) -> u64 {
        total(
            Source::new(events, every).pipe(stage::<Event>().filter(wanted).map(project).take(events.len())),
        )
    }

    #[inline(never)]
    pub(super) fn a_reduce(events: &[Event], every: u32) -> u64 {
        let numbers = Source::new(events, every).flow().filter(wanted).map(project).take(events.len());
        block(numbers.reduce(0, u64::wrapping_add))
    }

    #[inline(never)]
    pub(super) fn a_async(events: &[Event], every: u32) -> u64 {
        let source = Source::new(events, every).flow();
        let numbers =
            source.filter_async(async |event| wanted(event)).map_async(async |event| project(event));
        total(numbers.take(events.len()))
    }

    #[inline(never)]
    pub(super) fn a_futures(events: &[Event], every: u32) -> u64 {
        use futures::StreamExt;
        total(Source::new(events, every).filter(|event| ready(wanted(event))).map(project).take(events.len()))
    }

    #[inline(never)]
    pub(super) fn a_tokio(events: &[Event], every: u32) -> u64 {
        use tokio_stream::StreamExt;
        total(Source::new(events, every).filter(wanted).map(project).take(events.len()))
    }

    #[inline(never)]
    pub(super) fn a_lite(events: &[Event], every: u32) -> u64 {
        use futures_lite::StreamExt;
        total(Source::new(events, every).filter(wanted).map(project).take(events.len()))
    }
}

/// Workload B: filter, map, dedupe over 1024 keys, take, batches of 16, and the sum. The peers have no bounded dedupe:
/// they remember every key in a `HashSet` with the same hasher.
mod b {
    use super::*;

    #[inline(never)]
    pub(super) fn b_hand(events: &[Event], every: u32) -> u64 {
        let mut source = pin!(Source::new(events, every));
        let mut cx = Context::from_waker(Waker::noop());
        let (mut total, mut left) = (0_u64, events.len());
        let mut seen = memory::Memory::new(REMEMBERED, FixedState::default());
        let mut items = Vec::new();
        loop {
            match source.as_mut().poll_next(&mut cx) {
                Poll::Ready(Some(event)) => {
                    if wanted(&event) {
                        let number = project(event);
                        if seen.insert(number) {
                            if items.capacity() == 0 {
                                items.reserve_exact(BATCH);
                            }
                            items.push(number);
                            if items.len() >= BATCH {
                                total = total.wrapping_add(sum(std::mem::take(&mut items)));
                            }
                            left -= 1;
                            if left == 0 {
                                break;
                            }
                        }
                    }
                }
                Poll::Ready(None) => break,
                Poll::Pending => {}
            }
        }
        total.wrapping_add(sum(items))
    }

    #[inline(never)]
    pub(super) fn b_flow(events: &[Event], every: u32) -> u64 {
        let numbers = Source::new(events, every).flow().filter(wanted).map(project);
        let once = numbers.dedupe_with_hasher(REMEMBERED, FixedState::default(), |number| *number);
        total_of_batches(once.take(events.len()).batch(BATCH))
    }

    #[inline(never)]
    pub(super) fn b_tuple(events: &[Event], every: u32) -> u64 {
        let once = dedupe_with_hasher(REMEMBERED, FixedState::default(), |number: &u64| *number);
        let operators = (filter(wanted), map(project), once, take(events.len()), batch(BATCH));
        total_of_batches(Source::new(events, every).pipe(operators))
    }

    #[inline(never)]
    pub(super) fn b_stage(events: &[Event], every: u32) -> u64 {
        let numbers = stage::<Event>().filter(wanted).map(project);
        let once = numbers.dedupe_with_hasher(REMEMBERED, FixedState::default(), |number| *number);
        total_of_batches(Source::new(events, every).pipe(once.take(events.len()).batch(BATCH)))
    }

    #[inline(never)]
    pub(super) fn b_futures(events: &[Event], every: u32) -> u64 {
        use futures::StreamExt;
        let mut seen = HashSet::with_hasher(FixedState::default());
        let numbers = Source::new(events, every).filter(|event| ready(wanted(event))).map(project);
        let once = numbers.filter(move |number| ready(seen.insert(*number)));
        total_of_batches(once.take(events.len()).chunks(BATCH))
    }

    #[inline(never)]
    pub(super) fn b_tokio(events: &[Event], every: u32) -> u64 {
        use tokio_stream::StreamExt;
        let mut seen = HashSet::with_hasher(FixedState::default());
        let once =
            Source::new(events, every).filter(wanted).map(project).filter(move |number| seen.insert(*number));
        // It has chunks by time only, which need a runtime; the chunks are those of `futures`.
        total_of_batches(futures::StreamExt::chunks(once.take(events.len()), BATCH))
    }

    #[inline(never)]
    pub(super) fn b_lite(events: &[Event], every: u32) -> u64 {
        use futures_lite::StreamExt;
        let mut seen = HashSet::with_hasher(FixedState::default());
        let once =
            Source::new(events, every).filter(wanted).map(project).filter(move |number| seen.insert(*number));
        // It has no chunks; they are those of `futures`.
        total_of_batches(futures::StreamExt::chunks(once.take(events.len()), BATCH))
    }
}

/// Every fourth event is a redelivery of one of the hundred before it.
fn events(n: u64) -> Vec<Event> {
    let event = |i: u64| {
        let spread = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let id = if i % 4 == 3 { i.saturating_sub(1 + (spread >> 40) % 100) } else { i };
        let kind = id.wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 32;
        Event { id, size: 0, kind: kind as u32 }
    };
    (0..n).map(event).collect()
}

type Case = fn(&[Event], u32) -> u64;

fn main() {
    let cases: &[(&str, Case)] = &[
        ("a_hand", a::a_hand),
        ("a_flow", a::a_flow),
        ("a_tuple", a::a_tuple),
        ("a_stage", a::a_stage),
        ("a_reduce", a::a_reduce),
        ("a_async", a::a_async),
        ("a_futures", a::a_futures),
        ("a_tokio", a::a_tokio),
        ("a_lite", a::a_lite),
        ("b_hand", b::b_hand),
        ("b_flow", b::b_flow),
        ("b_tuple", b::b_tuple),
        ("b_stage", b::b_stage),
        ("b_futures", b::b_futures),
        ("b_tokio", b::b_tokio),
        ("b_lite", b::b_lite),
    ];
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["cases"] => cases.iter().for_each(|(name, _)| println!("{name}")),
        [name, items, every] => {
            let (_, case) = cases.iter().find(|(known, _)| known == name).expect("a case that `cases` lists");
            let events = black_box(events(items.parse().expect("a number of items")));
            let every = black_box(every.parse().expect("a number of polls"));
            println!("{}", black_box(case)(&events, every));
        }
        _ => panic!("instructions cases | CASE ITEMS PENDING"),
    }
}
