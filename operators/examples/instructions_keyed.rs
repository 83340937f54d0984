//! The workloads behind `tests/instructions/operators-keyed`: `join`, `group_by` and the operators of time, each beside
//! what one would write by hand for that one case.
//!
//! `instructions_keyed cases` lists the cases. `instructions_keyed CASE ITEMS PENDING` runs one over `ITEMS` events;
//! every `PENDING`-th poll of the source is `Pending`, 0 for none. All cases of a workload print the same sum.

use std::{
    cell::Cell,
    collections::{HashMap, VecDeque},
    future::Future,
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::Stream;
use pubsub_operators::{Clock, Groups, OnFull, Sleep, StreamOps, Timer, Within};

type RandomState = foldhash::fast::RandomState;

#[derive(Clone, Copy)]
struct Event {
    key: u64,
    value: u64,
}

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

/// Time goes on by a microsecond whenever it is asked for. Nothing ever wakes: the workloads poll again.
#[derive(Default)]
struct Ticking(Cell<Duration>);

impl Clock for Ticking {
    type Instant = Duration;

    #[inline]
    fn now(&self) -> Duration {
        self.0.set(self.0.get() + Duration::from_micros(1));
        self.0.get()
    }

    #[inline]
    fn checked_add(instant: Duration, duration: Duration) -> Option<Duration> {
        instant.checked_add(duration)
    }

    #[inline]
    fn duration_since(later: Duration, earlier: Duration) -> Duration {
        later.saturating_sub(earlier)
    }
}

struct Never;

impl Future for Never {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Never {
    type Instant = Duration;

    #[inline]
    fn reset(self: Pin<&mut Self>, _: Duration) {}
}

impl Timer for Ticking {
    type Sleep = Never;

    #[inline]
    fn sleep_until(&self, _: Duration) -> Never {
        Never
    }
}

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

const SPAN: Duration = Duration::from_micros(500);
const CAPACITY: usize = 256;

/// Both sides see the same events, so each arrival meets about one partner. An item is an arrival of both.
mod join {
    use super::*;

    /// By hand: per side what arrived, in order, and per key the numbers of it.
    struct Side {
        arrivals: VecDeque<(Duration, Event)>,
        gone: u64,
        keys: HashMap<u64, VecDeque<u64>, RandomState>,
    }

    impl Side {
        fn new() -> Self {
            Self { arrivals: VecDeque::new(), gone: 0, keys: HashMap::default() }
        }

        fn pop(&mut self) {
            let Some((_, event)) = self.arrivals.pop_front() else {
                return;
            };
            self.gone += 1;
            if let Some(numbers) = self.keys.get_mut(&event.key) {
                numbers.pop_front();
                if numbers.is_empty() {
                    self.keys.remove(&event.key);
                }
            }
        }

        fn expire(&mut self, now: Duration) {
            while self.arrivals.front().is_some_and(|(at, _)| *at + SPAN < now) {
                self.pop();
            }
        }

        fn push(&mut self, now: Duration, event: Event) {
            if self.arrivals.len() == CAPACITY {
                self.pop();
            }
            let number = self.gone + self.arrivals.len() as u64;
            self.arrivals.push_back((now, event));
            self.keys.entry(event.key).or_default().push_back(number);
        }
    }

    #[inline(never)]
    pub(super) fn join_hand(events: &[Event], every: u32) -> u64 {
        let clock = Ticking::default();
        let mut sources = [Source::new(events, every), Source::new(events, every)];
        let mut ended = [false, false];
        let mut sides = [Side::new(), Side::new()];
        let mut cx = Context::from_waker(Waker::noop());
        let mut total = 0_u64;
        while !(ended[0] && ended[1]) {
            for this in 0..2 {
                if ended[this] {
                    continue;
                }
                match Pin::new(&mut sources[this]).poll_next(&mut cx) {
                    Poll::Ready(Some(event)) => {
                        let now = clock.now();
                        sides[0].expire(now);
                        sides[1].expire(now);
                        let other = &sides[1 - this];
                        for number in other.keys.get(&event.key).into_iter().flatten() {
                            let (_, partner) = other.arrivals[(number - other.gone) as usize];
                            total = total.wrapping_add(event.value ^ partner.value);
                        }
                        sides[this].push(now, event);
                    }
                    Poll::Ready(None) => ended[this] = true,
                    Poll::Pending => {}
                }
            }
        }
        total
    }

    #[inline(never)]
    pub(super) fn join_flow(events: &[Event], every: u32) -> u64 {
        let within = Within { span: SPAN, capacity: CAPACITY, clock: Ticking::default() };
        let pairs = Source::new(events, every).flow().join(
            Source::new(events, every),
            within,
            |event| event.key,
            |event| event.key,
            |left, right| left.value ^ right.value,
        );
        let mut total = 0_u64;
        drain(pairs, |n| total = total.wrapping_add(n));
        total
    }
}

const KEYS: u64 = 16;

/// Sixteen keys, read in turn by one task.
mod group {
    use super::*;

    /// By hand: a map of queues, without any sharing between tasks and without bounds.
    #[inline(never)]
    pub(super) fn group_hand(events: &[Event], every: u32) -> u64 {
        let mut source = Source::new(events, every);
        let mut queues: HashMap<u64, VecDeque<Event>, RandomState> = HashMap::default();
        let mut cx = Context::from_waker(Waker::noop());
        let mut total = 0_u64;
        let mut ended = false;
        while !ended {
            match Pin::new(&mut source).poll_next(&mut cx) {
                Poll::Ready(Some(event)) => {
                    queues.entry(event.key % KEYS).or_default().push_back(event);
                }
                Poll::Ready(None) => ended = true,
                Poll::Pending => {}
            }
            if ended || queues.len() == KEYS as usize {
                for queue in queues.values_mut() {
                    while let Some(event) = queue.pop_front() {
                        total = total.wrapping_add(event.value);
                    }
                }
            }
        }
        total
    }

    #[inline(never)]
    pub(super) fn group_flow(events: &[Event], every: u32) -> u64 {
        let bounds = Groups { max: KEYS as usize, per_group: 1024, on_full: OnFull::Wait };
        let mut outer = Source::new(events, every).flow().group_by(bounds, |event| event.key % KEYS);
        let mut cx = Context::from_waker(Waker::noop());
        let mut groups = Vec::new();
        while groups.len() < KEYS as usize {
            if let Poll::Ready(Some(group)) = Pin::new(&mut outer).poll_next(&mut cx) {
                groups.push(group);
            }
        }
        let mut total = 0_u64;
        while !groups.is_empty() {
            groups.retain_mut(|group| match Pin::new(group).poll_next(&mut cx) {
                Poll::Ready(Some(event)) => {
                    total = total.wrapping_add(event.value);
                    true
                }
                Poll::Ready(None) => false,
                Poll::Pending => true,
            });
        }
        total
    }
}

const WINDOW: Duration = Duration::from_micros(64);

/// Windows by time that do not overlap, about 64 items each.
mod window {
    use super::*;

    #[inline(never)]
    pub(super) fn window_hand(events: &[Event], every: u32) -> u64 {
        let clock = Ticking::default();
        let mut source = Source::new(events, every);
        let mut cx = Context::from_waker(Waker::noop());
        let mut items: Vec<Event> = Vec::new();
        let mut start = Duration::ZERO;
        let mut total = 0_u64;
        loop {
            let now = clock.now();
            if !items.is_empty() && now >= start + WINDOW {
                total = total.wrapping_add(sum(&std::mem::take(&mut items)));
                start += WINDOW;
                continue;
            }
            match Pin::new(&mut source).poll_next(&mut cx) {
                Poll::Ready(Some(event)) => {
                    if start.is_zero() {
                        start = now;
                    }
                    while now >= start + WINDOW {
                        start += WINDOW;
                    }
                    items.push(event);
                }
                Poll::Ready(None) => return total.wrapping_add(sum(&items)),
                Poll::Pending => {}
            }
        }
    }

    #[inline(never)]
    pub(super) fn window_flow(events: &[Event], every: u32) -> u64 {
        let windows =
            Source::new(events, every).flow().window_within(WINDOW, WINDOW, 1024, Ticking::default());
        let mut total = 0_u64;
        drain(windows, |window| total = total.wrapping_add(sum(&window)));
        total
    }
}

/// Batches by size or age.
mod batch {
    use super::*;

    const MAX: usize = 16;
    const AGE: Duration = Duration::from_micros(40);

    #[inline(never)]
    pub(super) fn batch_hand(events: &[Event], every: u32) -> u64 {
        let clock = Ticking::default();
        let mut source = Source::new(events, every);
        let mut cx = Context::from_waker(Waker::noop());
        let mut items: Vec<Event> = Vec::new();
        let mut due = Duration::ZERO;
        let mut total = 0_u64;
        loop {
            match Pin::new(&mut source).poll_next(&mut cx) {
                Poll::Ready(Some(event)) => {
                    if items.is_empty() {
                        items.reserve_exact(MAX);
                        due = clock.now() + AGE;
                    }
                    items.push(event);
                    if items.len() == MAX {
                        total = total.wrapping_add(sum(&std::mem::take(&mut items)));
                    }
                }
                Poll::Ready(None) => return total.wrapping_add(sum(&items)),
                Poll::Pending => {
                    if !items.is_empty() && clock.now() >= due {
                        total = total.wrapping_add(sum(&std::mem::take(&mut items)));
                    }
                }
            }
        }
    }

    #[inline(never)]
    pub(super) fn batch_flow(events: &[Event], every: u32) -> u64 {
        let batches = Source::new(events, every).flow().batch_within(MAX, AGE, Ticking::default());
        let mut total = 0_u64;
        drain(batches, |batch| total = total.wrapping_add(sum(&batch)));
        total
    }
}

#[inline(always)]
fn sum(events: &[Event]) -> u64 {
    events.iter().fold(0, |sum, event| sum.wrapping_add(event.value))
}

/// Keys come again about every two hundred events.
fn events(n: u64) -> Vec<Event> {
    let event = |i: u64| {
        let spread = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Event { key: (spread >> 32) % 199, value: i }
    };
    (0..n).map(event).collect()
}

type Case = fn(&[Event], u32) -> u64;

fn main() {
    let cases: &[(&str, Case)] = &[
        ("join_hand", join::join_hand),
        ("join_flow", join::join_flow),
        ("group_hand", group::group_hand),
        ("group_flow", group::group_flow),
        ("window_hand", window::window_hand),
        ("window_flow", window::window_flow),
        ("batch_hand", batch::batch_hand),
        ("batch_flow", batch::batch_flow),
    ];
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["cases"] => cases.iter().for_each(|(name, _)| println!("{name}")),
        [name, items, pending] => {
            let (_, case) = cases
                .iter()
                .find(|(case, _)| case == name)
                .unwrap_or_else(|| panic!("there is no case {name}: see `cases`"));
            let events = events(items.parse().expect("a number of items"));
            let pending = pending.parse().expect("0, or which poll is pending");
            println!("{}", case(black_box(&events), black_box(pending)));
        }
        _ => {
            eprintln!("usage: instructions_keyed cases | instructions_keyed CASE ITEMS PENDING");
            std::process::exit(2);
        }
    }
}
