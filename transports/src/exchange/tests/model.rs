//! Random schedules on the exchange and on a plain reference, every result compared.
//!
//! `PUBSUB_MODEL_SEED=<n>` replays one, `PUBSUB_MODEL_SCHEDULES=<n>` runs more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fastrand::Rng;
use futures::FutureExt;

use super::support::{Desk, address, frame};
use crate::exchange::{Exchange, Member, MemberId};
use crate::{Link, Patience, SendError, Sending};

const ADDRESSES: [&str; 6] = ["a", "a:x", "a:y", "b", "b:x", "b:y"];
const TARGETS: [(&str, &str); 4] = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")];

type Answer = Result<(), SendError>;

/// The same by lists that are searched from the front.
#[derive(Default)]
struct Reference {
    members: BTreeMap<MemberId, Reader>,
    line: Vec<Waiting>,
}

struct Reader {
    follows: BTreeSet<&'static str>,
    unread: Vec<u64>,
    bound: usize,
    room: usize,
    is_muted: bool,
    gets_no_more: bool,
    is_told: bool,
    is_closing: bool,
}

struct Waiting {
    number: u64,
    from: MemberId,
    to: Option<MemberId>,
    target: (&'static str, &'static str),
}

impl Reference {
    fn targets(&self, to: Option<MemberId>, (topic, id): (&str, &str)) -> Vec<MemberId> {
        let follows = |reader: &Reader| reader.follows.iter().any(|text| address(text).matches(topic, id));
        let all = self.members.iter().filter(|(_, reader)| follows(reader)).map(|(member, _)| *member);
        all.filter(|member| to.is_none_or(|to| to == *member)).collect()
    }

    /// Whether a publish behind the first `ahead` of the line is accepted.
    fn is_free(&self, targets: &[MemberId], ahead: usize) -> bool {
        targets.iter().all(|target| {
            let reader = &self.members[target];
            let is_behind =
                self.line[..ahead].iter().any(|it| self.targets(it.to, it.target).contains(target));
            !is_behind && reader.unread.len() < reader.bound + reader.room
        })
    }

    fn publish(&mut self, publish: Waiting, patience: Patience) -> Option<Answer> {
        let is_heard = self.members.get(&publish.from).is_some_and(|reader| !reader.is_muted);
        let is_there = |to| self.members.get(&to).is_some_and(|reader| !reader.gets_no_more);
        if !is_heard || !publish.to.is_none_or(is_there) {
            return Some(Err(SendError::Closed));
        }
        let targets = self.targets(publish.to, publish.target);
        if self.is_free(&targets, self.line.len()) {
            self.accept(&targets, publish.number);
            return Some(Ok(()));
        }
        if patience == Patience::Now {
            return Some(Err(SendError::Full));
        }
        self.line.push(publish);
        None
    }

    fn accept(&mut self, targets: &[MemberId], number: u64) {
        for target in targets {
            self.members.get_mut(target).unwrap().unread.push(number);
        }
    }

    /// What is accepted now, in order.
    fn settle(&mut self, answers: &mut BTreeMap<u64, Answer>) {
        let mut place = 0;
        while let Some(waiting) = self.line.get(place) {
            let targets = self.targets(waiting.to, waiting.target);
            if self.is_free(&targets, place) {
                let waiting = self.line.remove(place);
                self.accept(&targets, waiting.number);
                answers.insert(waiting.number, Ok(()));
            } else {
                place += 1;
            }
        }
        for reader in self.members.values_mut() {
            reader.is_told |= reader.gets_no_more && reader.unread.len() < reader.room;
        }
        self.members.retain(|_, reader| !(reader.is_told && reader.is_closing));
    }

    fn refuse(&mut self, which: impl Fn(&Waiting) -> bool, answers: &mut BTreeMap<u64, Answer>) {
        for waiting in self.line.extract_if(.., |it| which(it)) {
            answers.insert(waiting.number, Err(SendError::Closed));
        }
    }
}

struct Schedule {
    random: Rng,
    exchange: Exchange,
    members: Vec<(Member, Arc<Desk>)>,
    reference: Reference,
    sendings: BTreeMap<u64, Sending>,
    numbers: u64,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            exchange: Exchange::new(),
            members: Vec::new(),
            reference: Reference::default(),
            sendings: BTreeMap::new(),
            numbers: 0,
        }
    }

    fn join(&mut self) {
        let (bound, room) = (self.random.usize(1..4), self.random.usize(1..4));
        let desk = Desk::new(room);
        let member = self.exchange.join(bound, Arc::clone(&desk) as _);
        let reader = Reader {
            follows: BTreeSet::new(),
            unread: Vec::new(),
            bound,
            room,
            is_muted: false,
            gets_no_more: false,
            is_told: false,
            is_closing: false,
        };
        self.reference.members.insert(member.id(), reader);
        self.members.push((member, desk));
    }

    fn publish(&mut self, member: usize, answers: &mut BTreeMap<u64, Answer>) {
        self.numbers += 1;
        let number = self.numbers;
        let from = self.members[member].0.id();
        let other = self.members[self.random.usize(..self.members.len())].0.id();
        let to = self.random.bool().then_some(other).filter(|_| self.random.u8(..4) == 0);
        let target = TARGETS[self.random.usize(..TARGETS.len())];
        let patience = if self.random.u8(..3) == 0 { Patience::Now } else { Patience::Wait };
        let frame = frame(target.0, target.1, number);
        let sending = match to {
            Some(to) => self.exchange.publish_to(from, to, frame, patience),
            None => self.members[member].0.publish(frame, patience),
        };
        self.sendings.insert(number, sending);
        if let Some(answer) = self.reference.publish(Waiting { number, from, to, target }, patience) {
            answers.insert(number, answer);
        }
    }

    /// One random step on both.
    fn step(&mut self) {
        let mut answers = BTreeMap::new();
        if self.members.is_empty() || (self.members.len() < 5 && self.random.u8(..12) == 0) {
            self.join();
        }
        let place = self.random.usize(..self.members.len());
        let id = self.members[place].0.id();
        match self.random.u8(..100) {
            0..40 => self.publish(place, &mut answers),
            40..65 => {
                let read = self.members[place].1.read();
                let reader = self.reference.members.get_mut(&id);
                if let Some(reader) = reader {
                    let expected = (!reader.unread.is_empty()).then(|| reader.unread.remove(0));
                    assert_eq!(read, expected);
                }
            }
            65..78 => {
                let text = ADDRESSES[self.random.usize(..ADDRESSES.len())];
                let reader = self.reference.members.get_mut(&id);
                if let Some(reader) = reader.filter(|reader| !reader.gets_no_more)
                    && reader.follows.insert(text)
                {
                    self.members[place].0.subscribe(1, vec![address(text)]);
                    assert_eq!(self.members[place].1.subscribed(), [1]);
                }
            }
            78..87 => {
                let text = ADDRESSES[self.random.usize(..ADDRESSES.len())];
                self.members[place].0.unsubscribe(vec![address(text)]);
                self.reference.members.entry(id).and_modify(|reader| {
                    reader.follows.remove(text);
                });
            }
            87..94 => {
                let waiting: Vec<u64> = self.reference.line.iter().map(|it| it.number).collect();
                if !waiting.is_empty() {
                    let number = waiting[self.random.usize(..waiting.len())];
                    self.sendings.remove(&number);
                    self.reference.line.retain(|it| it.number != number);
                }
            }
            94 => {
                self.exchange.end_intake(id);
                self.end_intake(id, &mut answers);
            }
            95 => {
                self.exchange.mute(id);
                self.mute(id, &mut answers);
            }
            96..98 => {
                drop(self.members[place].0.close());
                self.mute(id, &mut answers);
                self.end_intake(id, &mut answers);
                self.reference.members.entry(id).and_modify(|reader| reader.is_closing = true);
            }
            _ => {
                let (member, desk) = self.members.remove(place);
                drop(member);
                if let Some(reader) = self.reference.members.remove(&id) {
                    self.reference.refuse(|it| it.from == id || it.to == Some(id), &mut answers);
                    assert_eq!(desk.read_all(), reader.unread[..reader.unread.len().min(reader.room)]);
                }
            }
        }
        self.reference.settle(&mut answers);
        self.compare(&answers);
    }

    fn end_intake(&mut self, id: MemberId, answers: &mut BTreeMap<u64, Answer>) {
        self.reference.refuse(|it| it.to == Some(id), answers);
        self.reference.members.entry(id).and_modify(|reader| {
            reader.gets_no_more = true;
            reader.follows.clear();
        });
    }

    fn mute(&mut self, id: MemberId, answers: &mut BTreeMap<u64, Answer>) {
        self.reference.members.entry(id).and_modify(|reader| reader.is_muted = true);
        self.reference.refuse(|it| it.from == id, answers);
    }

    fn compare(&mut self, answers: &BTreeMap<u64, Answer>) {
        let mut given = BTreeMap::new();
        self.sendings.retain(|number, sending| match sending.now_or_never() {
            Some(answer) => given.insert(*number, answer).is_some(),
            None => true,
        });
        assert_eq!(given, *answers);
        for (member, desk) in &self.members {
            let reader = self.reference.members.get(&member.id());
            let depth = reader.map_or(0, |reader| reader.unread.len().saturating_sub(reader.room));
            assert_eq!(self.exchange.depth(member.id()), depth);
            assert_eq!(desk.is_closed(), reader.is_none_or(|reader| reader.is_told));
        }
        let addresses: BTreeSet<_> =
            self.reference.members.values().flat_map(|reader| reader.follows.iter().copied()).collect();
        let expected = (self.reference.members.len(), addresses.len(), self.reference.line.len());
        assert_eq!(self.exchange.entries(), expected);
    }
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn random_schedules_agree_with_the_reference() {
    let seeds = match number_of("PUBSUB_MODEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_of("PUBSUB_MODEL_SCHEDULES").unwrap_or(500),
    };
    for seed in seeds {
        let run = std::panic::catch_unwind(|| {
            let mut schedule = Schedule::new(seed);
            (0..200).for_each(|_| schedule.step());
            let Schedule { exchange, members, sendings, .. } = schedule;
            drop((members, sendings));
            assert_eq!(exchange.entries(), (0, 0, 0));
        });
        if let Err(panic) = run {
            println!("PUBSUB_MODEL_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
