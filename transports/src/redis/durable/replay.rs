//! The past of a stream, for one subscription: entry by entry up to where everybody else is, then together.
//!
//! A part of a replay is behind, ahead of or level with what is delivered to all. It is fetched until it is not behind; from
//! then on it takes what is delivered to all as well. When all parts are level and everything was taken, the subscription
//! needs no replay any more. All of this happens in one task, so there is no moment between.

use std::collections::{HashMap, HashSet, VecDeque};
use std::task::{Context, Poll};

use compact_str::CompactString;

use super::cursor::{Cursor, Marker, Step};
use super::epoch::Top;
use super::stream::Stream;
use crate::redis::resp::EntryId;
use crate::{Address, Frame, Gap, Inlet, Past, Start, Undecodable};

pub(super) struct Replay {
    id: u64,
    pub(super) parts: Vec<Part>,
    /// Whether the bus knows that all parts have their places.
    is_settled: bool,
}

/// What it asks of one stream.
pub(super) struct Part {
    pub(super) topic: CompactString,
    whole: bool,
    ids: HashSet<CompactString>,
    place: Place,
    /// What the subscription has no room for yet.
    buffer: VecDeque<Past>,
    /// How many entries are fetched next.
    count: usize,
}

enum Place {
    /// The server was not asked yet.
    Asked(Start),
    Behind(Cursor),
    /// What is delivered to all has yet to come here.
    Ahead(Cursor),
    Level(Cursor),
}

/// Events that wait for room; beyond it the part falls behind.
const BUFFER: usize = 1_024;
/// Entries that are fetched at first. More if they are small: up to what may wait for room.
const FETCHED_FIRST: usize = 64;

pub(super) enum Advance {
    Waits,
    /// Entries are to be fetched.
    Fetch,
    /// It is not needed any more.
    Over,
}

impl Replay {
    pub(super) fn new(id: u64, addresses: Vec<(Address, Start)>) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for (address, start) in addresses {
            let place = match parts.iter().position(|part| part.topic == address.topic()) {
                Some(place) => place,
                None => {
                    parts.push(Part {
                        topic: address.topic().into(),
                        whole: false,
                        ids: HashSet::new(),
                        place: Place::Asked(start),
                        buffer: VecDeque::new(),
                        count: FETCHED_FIRST,
                    });
                    parts.len() - 1
                }
            };
            match address.id() {
                None => parts[place].whole = true,
                Some(id) => _ = parts[place].ids.insert(id.into()),
            }
        }
        Self { id, parts, is_settled: false }
    }

    /// Gives what there is as far as there is room.
    pub(super) fn advance(
        &mut self,
        inlet: &dyn Inlet,
        streams: &HashMap<CompactString, Stream>,
        cx: &mut Context<'_>,
    ) -> Advance {
        // Whoever was refused or has left hears so in another way.
        self.parts.retain(|part| streams.contains_key(&part.topic));
        if !self.is_settled && !self.parts.iter().any(Part::is_asked) {
            self.is_settled = true;
            for part in &self.parts {
                if let Place::Behind(cursor) = &part.place
                    && !cursor.is_fresh()
                {
                    inlet.replay_begins(self.id, &part.topic, cursor.position());
                }
            }
            inlet.replaying(self.id);
        }
        for part in &mut self.parts {
            while !part.buffer.is_empty() {
                match inlet.poll_replay(self.id, cx.waker()) {
                    Poll::Ready(true) => {}
                    Poll::Ready(false) => return Advance::Over,
                    Poll::Pending => return Advance::Waits,
                }
                if let Some(past) = part.buffer.pop_front() {
                    inlet.replay(self.id, past);
                }
            }
        }
        let mut all_level = true;
        for part in &mut self.parts {
            let Some(live) = streams.get(&part.topic).and_then(|stream| stream.cursor.as_ref()) else {
                return Advance::Waits;
            };
            part.settle(live.id());
            all_level &= matches!(part.place, Place::Level(_));
        }
        if all_level {
            inlet.replayed(self.id);
            return Advance::Over;
        }
        match inlet.poll_replay(self.id, cx.waker()) {
            Poll::Ready(false) => Advance::Over,
            Poll::Ready(true) if self.parts.iter().any(Part::is_short) => Advance::Fetch,
            _ => Advance::Waits,
        }
    }

    /// What everybody else had yet to get up to `live` is gone.
    pub(super) fn vanished(&mut self, topic: &str, live: &Cursor) {
        for part in self.parts.iter_mut().filter(|part| part.topic == topic) {
            part.vanished(live);
        }
    }

    /// An entry is delivered to all.
    pub(super) fn passes(&mut self, passing: &Passing<'_>) {
        for part in self.parts.iter_mut().filter(|part| part.topic == passing.topic) {
            part.passes(passing);
        }
    }
}

/// An entry, as everybody gets it.
pub(super) struct Passing<'a> {
    pub(super) topic: &'a str,
    pub(super) id: EntryId,
    pub(super) marker: Option<Marker<'a>>,
    /// `None` if it is no event, or one that nobody follows.
    pub(super) event: Option<&'a Result<Frame, Undecodable>>,
}

impl Part {
    /// Whether the server has to be asked how the stream stands before it can begin.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self.place, Place::Asked(_))
    }

    /// How the stream stands at the server, on a new connection or before it begins; everybody else is at `live`.
    pub(super) fn connected(&mut self, live: &Cursor, top: Top, run: &std::sync::Arc<str>) {
        let mut cursor = match &self.place {
            Place::Asked(Start::Now) => return self.place = Place::Level(live.clone()),
            Place::Asked(Start::Beginning) => return self.place = Place::Behind(Cursor::before(top)),
            Place::Asked(Start::After(position)) => Cursor::after(position),
            Place::Behind(cursor) | Place::Ahead(cursor) | Place::Level(cursor) => cursor.clone(),
        };
        let gap = cursor.reconnected(top.id, run, top.is_certain);
        self.tell(gap);
        self.place = Place::Behind(cursor);
    }

    /// Whether it is behind, and nothing of it waits for room.
    pub(super) fn is_short(&self) -> bool {
        matches!(self.place, Place::Behind(_)) && self.buffer.is_empty()
    }

    /// How many entries are to be fetched.
    pub(super) fn count(&self) -> u64 {
        self.count as u64
    }

    /// So many bytes came, in so many entries. Next time twice as many come, but no more than `room` bytes, as far as one can
    /// tell.
    pub(super) fn came(&mut self, entries: usize, bytes: usize, room: usize) {
        let fitting = room / (bytes / entries.max(1)).max(1);
        self.count = (2 * self.count).min(fitting).clamp(1, BUFFER);
    }

    /// Up to where it has been fetched.
    pub(super) fn fetched(&self) -> EntryId {
        match &self.place {
            Place::Asked(_) => EntryId::default(),
            Place::Behind(cursor) | Place::Ahead(cursor) | Place::Level(cursor) => cursor.id(),
        }
    }

    fn settle(&mut self, live: EntryId) {
        if let Place::Behind(cursor) = &self.place
            && cursor.id() >= live
        {
            let cursor = cursor.clone();
            self.place = if cursor.id() == live { Place::Level(cursor) } else { Place::Ahead(cursor) };
        }
    }

    /// An entry was fetched.
    pub(super) fn take(
        &mut self,
        id: EntryId,
        marker: Option<Marker<'_>>,
        event: impl FnOnce(&Cursor) -> Option<Result<Frame, Undecodable>>,
    ) {
        let Place::Behind(cursor) = &mut self.place else { return };
        let Step::New(gap) = cursor.step(id, marker) else { return };
        let event = event(cursor);
        self.tell(gap);
        if let Some(event) = event {
            self.push(&event);
        }
    }

    /// Nothing is there to be fetched, although everybody else is at `live`: it was, and is no more.
    pub(super) fn came_to_the_end(&mut self, live: &Cursor) {
        if matches!(&self.place, Place::Behind(cursor) if cursor.id() < live.id()) {
            self.pass_over(live);
        }
    }

    /// The same for everybody.
    fn vanished(&mut self, live: &Cursor) {
        if matches!(&self.place, Place::Ahead(_) | Place::Level(_)) {
            self.pass_over(live);
        }
    }

    fn pass_over(&mut self, live: &Cursor) {
        let (Place::Behind(cursor) | Place::Ahead(cursor) | Place::Level(cursor)) = &mut self.place else {
            return;
        };
        // Where it is ahead of that, it knows already.
        if cursor.id() <= live.id() {
            let gap = cursor.passes_over(live.id(), true);
            self.tell(gap);
            self.place = Place::Level(live.clone());
        }
    }

    fn passes(&mut self, passing: &Passing<'_>) {
        let (mut cursor, was_level) = match &self.place {
            Place::Asked(_) | Place::Behind(_) => return,
            Place::Ahead(cursor) => (cursor.clone(), false),
            Place::Level(cursor) => (cursor.clone(), true),
        };
        if self.buffer.len() >= BUFFER {
            self.place = Place::Behind(cursor);
            return;
        }
        let step = cursor.step(passing.id, passing.marker);
        let is_level = was_level || cursor.id() == passing.id;
        self.place = if is_level { Place::Level(cursor) } else { Place::Ahead(cursor) };
        let Step::New(gap) = step else { return };
        self.tell(gap);
        if let Some(event) = passing.event {
            self.push(event);
        }
    }

    /// How many of the events of a type were to which id, nobody knows.
    fn tell(&mut self, gap: Option<Gap>) {
        let missed = |gap: &Gap| gap.missed.filter(|_| self.whole);
        let past = gap.map(|gap| Past::Gap(Gap::new(gap.reason, missed(&gap))));
        self.buffer.extend(past);
    }

    fn push(&mut self, event: &Result<Frame, Undecodable>) {
        match event {
            Ok(frame) if self.whole || self.ids.contains(frame.header.id()) => {
                self.buffer.push_back(Past::Event(frame.clone()));
            }
            Ok(_) => {}
            Err(undecodable) => self.buffer.push_back(Past::Undecodable(undecodable.clone())),
        }
    }
}
