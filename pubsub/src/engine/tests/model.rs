//! The engine against the plain reference: random schedules, one thread, every result compared.
//!
//! After each step every subscription is asked for what it lost and what it still holds. A future or a reader that
//! was pending and is ready later must have been woken in between.
//!
//! `PUBSUB_MODEL_SEED=<n>` replays one schedule, `PUBSUB_MODEL_SCHEDULES=<n>` runs more of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::plain;
use super::support::{self, Alarm, Making, Random, Reader, assert_empty, at, event, number, terms};
use crate::engine::{Draining, Engine, Left, Taken, Waiting};
use crate::interest::Interest;
use crate::overflow::Overflow;

const TOPICS: usize = 2;
const IDS: [&str; 3] = ["a", "b", "c"];
const POLICIES: [Overflow; 6] = [
    Overflow::Backpressure,
    Overflow::Backpressure,
    Overflow::DropOldest,
    Overflow::DropNewest,
    Overflow::LatestPerId,
    Overflow::Fail,
];

#[test]
fn every_schedule_gives_what_the_reference_gives() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("PUBSUB_MODEL_SEED") {
        return Schedule::run(seed);
    }
    (0..number("PUBSUB_MODEL_SCHEDULES").unwrap_or(4_000)).for_each(Schedule::run);
}

/// Says which schedule failed.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with PUBSUB_MODEL_SEED={}", self.0);
        }
    }
}

struct Schedule {
    random: Random,
    token: Arc<()>,
    last: u64,
    plain: Arc<plain::Engine>,
    engine: Arc<Engine>,
    subscriptions: Vec<Subscription>,
    publishes: Vec<Publish>,
}

struct Subscription {
    plain: plain::Reader,
    reader: Reader,
    alarm: Arc<Alarm>,
    waker: Waker,
    parked: Option<usize>,
    ended: bool,
}

struct Publish {
    plain: plain::Waiting,
    waiting: Waiting,
    alarm: Arc<Alarm>,
    waker: Waker,
    parked: usize,
}

/// What both engines gave, made comparable.
#[derive(Debug, PartialEq, Eq)]
enum Got {
    Event(u64, u64),
    End(crate::End, u64),
    Nothing,
}

fn got(poll: Poll<Taken>) -> Got {
    match poll {
        Poll::Ready(Taken::Event { stored, missed }) => Got::Event(number(stored), missed),
        Poll::Ready(Taken::End { end, missed }) => Got::End(end, missed),
        Poll::Pending => Got::Nothing,
    }
}

fn sorted(mut left: Left) -> (Vec<BTreeMap<usize, u64>>, usize) {
    left.queued.sort();
    (left.queued, left.refused)
}

impl Schedule {
    fn run(seed: u64) {
        let _seed = Seed(seed);
        let mut schedule = Self {
            random: Random(seed),
            token: Arc::default(),
            last: 0,
            plain: Arc::new(plain::Engine::new()),
            engine: Arc::new(Engine::new(TOPICS)),
            subscriptions: Vec::new(),
            publishes: Vec::new(),
        };
        for _ in 0..schedule.random.below(150) {
            schedule.step();
            schedule.compare();
        }
        schedule.end();
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..10 => self.subscribe(),
            10..15 => self.unsubscribe(),
            15..30 => self.publish_now(),
            30..60 => self.publish(),
            60..68 => self.poll_publish(),
            68..73 => self.cancel(),
            73..97 => self.read(),
            97 => self.has_subscribers(),
            // Most schedules stay open.
            _ => match self.random.below(12) {
                0 => self.close(),
                1 => self.discard(),
                _ => self.publish_many(),
            },
        }
    }

    fn interest(&mut self) -> Interest {
        let mut interest = Interest::default();
        for _ in 0..self.random.pick(&[1, 1, 1, 2, 3]) {
            match self.random.below(10) {
                0 => interest.add_all(),
                1..4 => interest.add_topic(self.random.below(TOPICS)),
                _ => interest.add_address(self.random.below(TOPICS), self.random.pick(&IDS).into()),
            }
        }
        interest.normalized()
    }

    fn subscribe(&mut self) {
        let interest = self.interest();
        let bound = self.random.pick(&[1, 1, 2, 3, 4, 40, 70]);
        let overflow = self.random.pick(&POLICIES);
        let plain = self.plain.subscribe(interest.clone(), bound, overflow);
        let reader = support::subscribe(&self.engine, interest, terms(bound, overflow));
        match (plain, reader) {
            (Ok(plain), Ok(reader)) => {
                let (alarm, waker) = Alarm::new();
                self.subscriptions.push(Subscription {
                    plain,
                    reader,
                    alarm,
                    waker,
                    parked: None,
                    ended: false,
                });
            }
            (plain, reader) => assert_eq!(plain.err(), reader.err()),
        }
    }

    fn unsubscribe(&mut self) {
        if !self.subscriptions.is_empty() {
            let place = self.random.below(self.subscriptions.len());
            self.subscriptions.swap_remove(place);
        }
    }

    fn publish_now(&mut self) {
        let (topic, id) = (self.random.below(TOPICS), self.random.pick(&IDS));
        self.last += 1;
        let mut store = Making(|| event(topic, id, self.last, &self.token));
        let plain = self.plain.try_publish(topic, id, &mut store);
        assert_eq!(plain, self.engine.try_publish(at(topic, id), &mut store));
    }

    /// So many that readers take several at once.
    fn publish_many(&mut self) {
        for _ in 0..self.random.below(90) {
            self.publish_now();
        }
    }

    fn publish(&mut self) {
        let (topic, id) = (self.random.below(TOPICS), self.random.pick(&IDS));
        self.last += 1;
        let mut store = Making(|| event(topic, id, self.last, &self.token));
        let (alarm, waker) = Alarm::new();
        let cx = Context::from_waker(Waker::noop());
        let plain = self.plain.publish(topic, id, &mut store, &cx);
        let ours = self.engine.publish(at(topic, id), &mut store, Some(&waker));
        match (plain, ours) {
            (Ok(Some(plain)), Ok(Some(waiting))) => {
                self.publishes.push(Publish { plain, waiting, alarm, waker, parked: 0 });
            }
            (plain, ours) => {
                assert_eq!(plain.map(|waiting| waiting.is_some()), ours.map(|waiting| waiting.is_some()));
            }
        }
    }

    fn poll_publish(&mut self) {
        if self.publishes.is_empty() {
            return;
        }
        let place = self.random.below(self.publishes.len());
        let publish = &mut self.publishes[place];
        let plain = publish.plain.poll(&Context::from_waker(Waker::noop()));
        let ours = publish.waiting.poll(&publish.waker);
        match (plain, ours) {
            (Poll::Pending, Poll::Pending) => publish.parked = publish.alarm.count(),
            (plain, ours) => {
                assert_eq!(plain.map_err(number), ours.map_err(number));
                assert!(publish.alarm.count() > publish.parked, "a publisher was not woken");
                self.publishes.swap_remove(place);
            }
        }
    }

    fn cancel(&mut self) {
        if !self.publishes.is_empty() {
            let place = self.random.below(self.publishes.len());
            self.publishes.swap_remove(place);
        }
    }

    fn read(&mut self) {
        if self.subscriptions.is_empty() {
            return;
        }
        let place = self.random.below(self.subscriptions.len());
        let count = self.random.pick(&[1, 1, 2, 5, 40]);
        for _ in 0..count {
            self.subscriptions[place].read();
        }
    }

    fn has_subscribers(&mut self) {
        let interest = self.interest();
        let expected = self.plain.has_subscribers(&interest);
        assert_eq!(expected, self.engine.has_subscribers(&interest), "{interest:?}");
    }

    fn close(&mut self) {
        assert_eq!(sorted(self.plain.close()), sorted(self.engine.close()));
    }

    fn discard(&mut self) {
        self.close();
        assert_eq!(sorted(self.plain.discard()), sorted(self.engine.discard()));
    }

    fn compare(&mut self) {
        for subscription in &self.subscriptions {
            let Subscription { plain, reader, .. } = subscription;
            assert_eq!((plain.missed(), plain.len()), (reader.missed(), reader.len()));
        }
        assert_eq!(self.plain.is_closed(), self.engine.is_closed());
        if self.engine.is_closed() {
            let cx = Context::from_waker(Waker::noop());
            assert_eq!(self.plain.poll_drained(&cx), Draining::new(&self.engine).poll(cx.waker()));
        }
    }

    /// All that is left goes, in some order: then nothing is left.
    fn end(mut self) {
        while !(self.subscriptions.is_empty() && self.publishes.is_empty()) {
            match self.random.below(2) {
                0 => self.unsubscribe(),
                _ => self.cancel(),
            }
            self.compare();
        }
        assert_empty(&self.engine);
        assert_eq!(Arc::strong_count(&self.token), 1, "an event is kept");
    }
}

impl Subscription {
    fn read(&mut self) {
        if self.ended {
            return;
        }
        let plain = got(self.plain.poll_next(&Context::from_waker(Waker::noop())));
        let ours = got(self.reader.poll_next(&self.waker));
        assert_eq!(plain, ours);
        let parked = match ours {
            Got::Nothing => Some(self.alarm.count()),
            Got::End(..) | Got::Event(..) => None,
        };
        self.ended = matches!(ours, Got::End(..));
        if let (Some(before), None) = (self.parked, parked) {
            assert!(self.alarm.count() > before, "a reader was not woken");
        }
        self.parked = parked;
    }
}
