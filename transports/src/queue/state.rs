//! What the lock of a queue group guards: what waits, and who is at what.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::BuildHasher;
use std::task::{Poll, Waker};

use super::{Dispatch, Leave, QueueStats, Unfinished};
use crate::exchange::MemberId;
use crate::{Frame, Header};

/// The same in every run, so that a worker that is started again gets the ids that it had.
type Hash = foldhash::fast::FixedState;

pub(super) struct State {
    dispatch: Dispatch,
    bound: usize,
    /// What waits for whoever asks. By id, only while there is nobody.
    common: VecDeque<Entry>,
    places: BTreeMap<u64, Seat>,
    last_place: u64,
    /// Who is at events of an id, by its hash, and at how many: another waits for them to be done. By id only.
    out: HashMap<u64, (u64, usize), foldhash::fast::RandomState>,
    counts: QueueStats,
    /// Nothing more comes.
    is_closed: bool,
    /// Nothing more is given.
    is_abandoned: bool,
    room: Option<Waker>,
    /// Who waits for the end.
    watchers: Vec<Waker>,
}

struct Entry {
    number: u64,
    /// Of its id.
    hash: u64,
    frame: Frame,
}

struct Seat {
    owner: MemberId,
    name: String,
    hash: u64,
    prefetch: usize,
    /// By id: what waits for this one.
    lane: VecDeque<Entry>,
    given: VecDeque<Entry>,
    begun: Option<Begun>,
    waker: Option<Waker>,
    /// It has room, asked, and there was nothing for it.
    is_hungry: bool,
    /// It is given nothing more.
    is_retired: bool,
}

struct Begun {
    number: u64,
    hash: u64,
    header: Header,
    /// Where it was given before it was begun.
    frame: Option<Frame>,
}

impl Begun {
    fn back(self) -> Option<Entry> {
        let Self { number, hash, frame, .. } = self;
        frame.map(|frame| Entry { number, hash, frame })
    }
}

impl Seat {
    fn load(&self) -> usize {
        self.given.len() + usize::from(self.begun.is_some())
    }
}

/// What is left to do once the lock is released: it runs code of users.
#[derive(Default)]
pub(super) struct Effects {
    wakers: Vec<Waker>,
    garbage: Vec<Entry>,
    forgotten: Vec<Waker>,
    pub(super) unfinished: Vec<Unfinished>,
}

impl Effects {
    pub(super) fn settle(self) {
        self.wakers.into_iter().for_each(Waker::wake);
    }
}

impl State {
    pub(super) fn new(dispatch: Dispatch, bound: usize) -> Self {
        Self {
            dispatch,
            bound,
            common: VecDeque::new(),
            places: BTreeMap::new(),
            last_place: 0,
            out: HashMap::default(),
            counts: QueueStats::default(),
            is_closed: false,
            is_abandoned: false,
            room: None,
            watchers: Vec::new(),
        }
    }

    pub(super) fn stats(&self) -> QueueStats {
        let begun = self.places.values().filter(|seat| seat.begun.is_some()).count() as u64;
        QueueStats { waiting: (self.queued() + self.given()) as u64, in_hand: begun, ..self.counts }
    }

    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    /// What waits here.
    fn queued(&self) -> usize {
        self.common.len() + self.places.values().map(|seat| seat.lane.len()).sum::<usize>()
    }

    /// What was given and is not begun.
    fn given(&self) -> usize {
        self.places.values().map(|seat| seat.given.len()).sum()
    }

    /// Whether something that was given, or said to be begun, may come back.
    fn may_come_back(&self) -> bool {
        let is_begun = |seat: &Seat| seat.begun.as_ref().is_some_and(|begun| begun.frame.is_some());
        self.places.values().any(|seat| !seat.given.is_empty() || is_begun(seat))
    }

    /// Each lane has the whole bound: one place that is stalled leaves the others as much as they had.
    fn has_room(&self) -> bool {
        let lanes = self.places.values().map(|seat| &seat.lane);
        self.is_abandoned || lanes.chain([&self.common]).all(|lane| lane.len() < self.bound)
    }

    pub(super) fn poll_room(&mut self, waker: Waker, effects: &mut Effects) -> Poll<()> {
        if self.has_room() {
            effects.forgotten.push(waker);
            return Poll::Ready(());
        }
        effects.forgotten.extend(self.room.replace(waker));
        Poll::Pending
    }

    pub(super) fn take_in(&mut self, frame: Frame, effects: &mut Effects) {
        self.counts.accepted += 1;
        let entry =
            Entry { number: self.counts.accepted, hash: Hash::default().hash_one(frame.header.id()), frame };
        if self.is_abandoned {
            self.counts.lost += 1;
            return effects.garbage.push(entry);
        }
        self.place(entry, effects);
    }

    /// Puts an event where it waits, and wakes who may want it.
    fn place(&mut self, entry: Entry, effects: &mut Effects) {
        match self.seat_of(entry.hash) {
            Some(seat) => {
                insert(&mut seat.lane, entry);
                effects.wakers.extend(seat.waker.take());
            }
            None => {
                insert(&mut self.common, entry);
                self.wake_all(effects);
            }
        }
    }

    /// The place of an id: that with the highest score for it. So the others keep theirs when one comes or goes.
    fn seat_of(&mut self, id: u64) -> Option<&mut Seat> {
        if self.dispatch != Dispatch::ById {
            return None;
        }
        let present = self.places.values_mut().filter(|seat| !seat.is_retired);
        present.max_by_key(|seat| Hash::default().hash_one((seat.hash, id)))
    }

    fn wake_all(&mut self, effects: &mut Effects) {
        effects.wakers.extend(self.places.values_mut().filter_map(|seat| seat.waker.take()));
    }

    pub(super) fn join(
        &mut self,
        owner: MemberId,
        name: &str,
        prefetch: usize,
        effects: &mut Effects,
    ) -> u64 {
        self.last_place += 1;
        let of_same_name = self.places.values().filter(|seat| seat.name == name).count();
        let seat = Seat {
            owner,
            name: name.to_owned(),
            hash: Hash::default().hash_one((name, of_same_name)),
            prefetch,
            lane: VecDeque::new(),
            given: VecDeque::new(),
            begun: None,
            waker: None,
            is_hungry: false,
            is_retired: false,
        };
        self.places.insert(self.last_place, seat);
        self.place_anew(effects);
        self.last_place
    }

    /// By id: the places have changed, and so has who gets what.
    fn place_anew(&mut self, effects: &mut Effects) {
        if self.dispatch != Dispatch::ById {
            return;
        }
        let mut all: Vec<Entry> = self.common.drain(..).collect();
        all.extend(self.places.values_mut().flat_map(|seat| seat.lane.drain(..)));
        all.sort_unstable_by_key(|entry| entry.number);
        all.into_iter().for_each(|entry| self.place(entry, effects));
        self.tell_room(effects);
    }

    /// The event that the place may have next, if there is one.
    fn next_for(&mut self, key: u64) -> Option<Entry> {
        let seat = self.places.get_mut(&key)?;
        let load = seat.load();
        if load >= seat.prefetch || seat.is_retired || self.is_abandoned {
            return None;
        }
        if self.dispatch == Dispatch::ById {
            // An id that has moved waits for its last event at the other place, and lets the others go first.
            let is_free = |entry: &Entry| self.out.get(&entry.hash).is_none_or(|(other, _)| *other == key);
            let free = seat.lane.iter().position(is_free)?;
            return seat.lane.remove(free);
        }
        // Whoever has less to do, and asked, comes first. One that has nothing to do waits for nobody.
        if load > 0 && self.places.values().any(|other| other.is_hungry && other.load() < load) {
            return None;
        }
        self.common.pop_front()
    }

    fn next(&mut self, key: u64, waker: Waker, effects: &mut Effects) -> Poll<Option<Entry>> {
        if let Some(entry) = self.next_for(key) {
            effects.forgotten.push(waker);
            if let Some(seat) = self.places.get_mut(&key) {
                seat.is_hungry = false;
            }
            if self.dispatch == Dispatch::ById {
                self.out.entry(entry.hash).or_insert((key, 0)).1 += 1;
            } else if !self.common.is_empty() {
                // Those who let it go first.
                self.wake_all(effects);
            }
            self.tell_room(effects);
            return Poll::Ready(Some(entry));
        }
        let is_over = self.is_over();
        match self.places.get_mut(&key) {
            Some(seat) if !is_over && !seat.is_retired => {
                seat.is_hungry = seat.load() < seat.prefetch;
                effects.forgotten.extend(seat.waker.replace(waker));
                Poll::Pending
            }
            _ => {
                effects.forgotten.push(waker);
                Poll::Ready(None)
            }
        }
    }

    fn tell_room(&mut self, effects: &mut Effects) {
        if self.room.is_some() && self.has_room() {
            effects.wakers.extend(self.room.take());
        }
    }

    /// Nothing will be given any more.
    fn is_over(&self) -> bool {
        self.is_abandoned || (self.is_closed && self.queued() == 0 && !self.may_come_back())
    }

    pub(super) fn poll_over(&mut self, waker: Waker, effects: &mut Effects) -> Poll<()> {
        if self.is_over() {
            effects.forgotten.push(waker);
            return Poll::Ready(());
        }
        if self.watchers.iter().any(|other| other.will_wake(&waker)) {
            effects.forgotten.push(waker);
        } else {
            self.watchers.push(waker);
        }
        Poll::Pending
    }

    pub(super) fn give(&mut self, key: u64, waker: Waker, effects: &mut Effects) -> Poll<Option<Frame>> {
        self.next(key, waker, effects).map(|entry| {
            let entry = entry?;
            let frame = entry.frame.clone();
            if let Some(seat) = self.places.get_mut(&key) {
                seat.given.push_back(entry);
            }
            Some(frame)
        })
    }

    pub(super) fn take(&mut self, key: u64, waker: Waker, effects: &mut Effects) -> Poll<Option<Frame>> {
        self.finish(key, effects);
        self.next(key, waker, effects).map(|entry| {
            let Entry { number, hash, frame } = entry?;
            if let Some(seat) = self.places.get_mut(&key) {
                seat.begun = Some(Begun { number, hash, header: frame.header.clone(), frame: None });
            }
            self.tell_over(effects);
            Some(frame)
        })
    }

    pub(super) fn discard(&mut self, key: u64, effects: &mut Effects) {
        let Some(entry) = self.places.get_mut(&key).and_then(|seat| seat.given.pop_back()) else { return };
        self.counts.lost += 1;
        self.is_out_no_more(entry.hash, effects);
        effects.garbage.push(entry);
        self.tell_over(effects);
    }

    pub(super) fn begin(&mut self, key: u64, effects: &mut Effects) {
        self.finish(key, effects);
        let Some(seat) = self.places.get_mut(&key) else { return };
        let Some(Entry { number, hash, frame }) = seat.given.pop_front() else { return };
        seat.begun = Some(Begun { number, hash, header: frame.header.clone(), frame: Some(frame) });
    }

    pub(super) fn finish(&mut self, key: u64, effects: &mut Effects) {
        let Some(seat) = self.places.get_mut(&key) else { return };
        let Some(Begun { number, hash, frame, .. }) = seat.begun.take() else { return };
        effects.garbage.extend(frame.map(|frame| Entry { number, hash, frame }));
        // It has room for another.
        effects.wakers.extend(seat.waker.take());
        self.counts.done += 1;
        self.is_out_no_more(hash, effects);
        self.tell_over(effects);
    }

    pub(super) fn reject(&mut self, key: u64, reason: String, effects: &mut Effects) {
        let Some(seat) = self.places.get_mut(&key) else { return };
        let Some(begun) = seat.begun.take() else { return };
        effects.wakers.extend(seat.waker.take());
        let (header, member) = (begun.header.clone(), seat.name.clone());
        effects.unfinished.push(Unfinished { header, member, undecodable: Some(reason) });
        self.counts.undecodable += 1;
        self.is_out_no_more(begun.hash, effects);
        effects.garbage.extend(begun.back());
        self.tell_over(effects);
    }

    /// An event of this id is done, or was given back.
    fn is_out_no_more(&mut self, hash: u64, effects: &mut Effects) {
        let Some((_, count)) = self.out.get_mut(&hash) else { return };
        *count -= 1;
        if *count == 0 {
            self.out.remove(&hash);
            // The id may have another place by now.
            if let Some(seat) = self.seat_of(hash) {
                effects.wakers.extend(seat.waker.take());
            }
        }
    }

    pub(super) fn leave_all(&mut self, owner: MemberId, how: Leave, effects: &mut Effects) {
        let of_owner = self.places.iter().filter(|(_, seat)| seat.owner == owner);
        for key in of_owner.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.leave(key, how, effects);
        }
    }

    pub(super) fn retire_all(&mut self, owner: MemberId, effects: &mut Effects) {
        let of_owner = self.places.iter().filter(|(_, seat)| seat.owner == owner);
        for key in of_owner.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.retire(key, effects);
        }
    }

    /// What waits for the place goes to others.
    pub(super) fn retire(&mut self, key: u64, effects: &mut Effects) {
        let Some(seat) = self.places.get_mut(&key).filter(|seat| !seat.is_retired) else { return };
        (seat.is_retired, seat.is_hungry) = (true, false);
        effects.wakers.extend(seat.waker.take());
        self.counts.redispatched += seat.lane.len() as u64;
        self.place_anew(effects);
        self.wake_all(effects);
    }

    /// What was given and not begun goes to others.
    pub(super) fn leave(&mut self, key: u64, how: Leave, effects: &mut Effects) {
        let Some(Seat { name, lane, given, begun, waker, .. }) = self.places.remove(&key) else { return };
        effects.wakers.extend(waker);
        let mut again = Vec::new();
        if let Some(begun) = begun {
            self.is_out_no_more(begun.hash, effects);
            match how {
                Leave::Done => {
                    self.counts.done += 1;
                    effects.garbage.extend(begun.back());
                }
                Leave::Unfinished => {
                    self.counts.unfinished += 1;
                    let header = begun.header.clone();
                    effects.unfinished.push(Unfinished { header, member: name, undecodable: None });
                    effects.garbage.extend(begun.back());
                }
                Leave::NotBegun => again.extend(begun.back()),
            }
        }
        given.iter().for_each(|entry| self.is_out_no_more(entry.hash, effects));
        again.extend(given.into_iter().chain(lane));
        if self.is_abandoned {
            self.counts.lost += again.len() as u64;
            return effects.garbage.extend(again);
        }
        self.counts.redispatched += again.len() as u64;
        again.into_iter().for_each(|entry| self.place(entry, effects));
        self.place_anew(effects);
        self.wake_all(effects);
        self.tell_over(effects);
    }

    pub(super) fn close(&mut self, effects: &mut Effects) {
        self.is_closed = true;
        self.tell_over(effects);
    }

    pub(super) fn abandon(&mut self, effects: &mut Effects) {
        self.is_abandoned = true;
        effects.garbage.extend(self.common.drain(..));
        for seat in self.places.values_mut() {
            effects.garbage.extend(seat.lane.drain(..).chain(seat.given.drain(..)));
        }
        self.counts.lost += effects.garbage.len() as u64;
        self.tell_over(effects);
        self.tell_room(effects);
    }

    fn tell_over(&mut self, effects: &mut Effects) {
        if self.is_over() {
            self.wake_all(effects);
            effects.wakers.append(&mut self.watchers);
        }
    }
}

/// By number. Most are the last.
fn insert(queue: &mut VecDeque<Entry>, entry: Entry) {
    let place = queue.partition_point(|before| before.number < entry.number);
    queue.insert(place, entry);
}
