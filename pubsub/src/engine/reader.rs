//! One subscription's end of the engine.

use std::collections::VecDeque;
use std::sync::Arc;
#[cfg(test)]
use std::task::Poll;
use std::task::Waker;

use super::Engine;
#[cfg(test)]
use super::Taken;
use super::effects::Effects;
use super::held::{DISCARDED, Held, WAITED_FOR};
use super::log::{BATCH, Follow, Found, Log};
use super::parked::Ticket;
use super::private::Private;
use super::shard::Place;
use super::sync::lock;
use super::topic::{Topic, Width};
use crate::event::Stored;
use crate::{Event, TopicId};

/// `T` is what an event becomes in its subscription.
pub(crate) struct Reader<T> {
    seat: Seat,
    local: Option<Box<Local<T>>>,
    make: fn() -> Make<T>,
}

/// Where a subscription sits. Dropping it unsubscribes.
pub(crate) struct Seat {
    engine: Arc<Engine>,
    home: Home,
    ticket: Ticket,
    /// Its cursor, where its home is a log.
    number: u32,
}

/// How stored events become what a subscription gives.
#[doc(hidden)]
pub struct Make<T> {
    /// The event, and how many were lost just before.
    one: fn(Stored, u64) -> T,
    /// Several at once; where making one runs code of users there is none, since a log is locked meanwhile.
    batch: Option<Batch<T>>,
}

type Batch<T> = fn(&mut Log, (usize, usize), &mut Vec<T>) -> Option<Stored>;

/// How several events are taken at once.
enum Taking<T> {
    Made(Batch<T>),
    Stored,
}

impl<T> Make<T> {
    /// Each when it is given out.
    pub(crate) const fn one_by_one(one: fn(Stored, u64) -> T) -> Self {
        Self { one, batch: None }
    }

    pub(crate) fn one(&self, stored: Stored, missed: u64) -> T {
        (self.one)(stored, missed)
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Make<Event<P, I>> {
    /// Events of one topic.
    pub(crate) const TYPED: Self = Self {
        one: Stored::into_event,
        batch: Some(|log, place, events| log.take_batch(place, events, |stored| stored.into_event(0))),
    };
}

impl Make<(Stored, u64)> {
    /// Events of any topics, and how many were lost just before each.
    pub(crate) const STORED: Self = Self {
        one: |stored, missed| (stored, missed),
        batch: Some(|log, place, events| log.take_batch(place, events, |stored| (stored, 0))),
    };
}

/// Where the events of a subscription are kept.
pub(super) enum Home {
    Log(LogOf),
    Private(Arc<Private>),
    /// Nowhere any more.
    Left {
        lost: u64,
    },
}

#[derive(Clone, Copy)]
pub(super) enum LogOf {
    Topic { topic: u32, log: u32 },
    Address { shard: u8, place: u32, log: u32 },
}

/// What a reader has of its own. Many never need it.
struct Local<T> {
    /// Taken from the log and not handed out, the next one last.
    events: Vec<T>,
    /// The same, of a reader that takes them as they are stored.
    stored: Vec<Stored>,
    /// How many these are, for others to see.
    held: Option<Arc<Held>>,
    /// Events lost that were told.
    told: u64,
    /// Events that were held and discarded: lost, for the end to tell.
    untold: u64,
}

impl<T> Default for Local<T> {
    fn default() -> Self {
        Self { events: Vec::new(), stored: Vec::new(), held: None, told: 0, untold: 0 }
    }
}

impl<T> Local<T> {
    fn is_discarded(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_discarded())
    }

    fn len(&self) -> usize {
        self.events.len() + self.stored.len()
    }

    /// Gives how many there were.
    fn discard(&mut self) -> usize {
        std::mem::take(&mut self.events).len() + std::mem::take(&mut self.stored).len()
    }
}

impl Engine {
    #[inline]
    fn with_log<R>(&self, log: LogOf, f: impl FnOnce(&mut Log) -> R) -> R {
        match log {
            LogOf::Topic { topic, log } => f(lock(&self.topics[topic as usize].roster).log(log)),
            LogOf::Address { shard, place, log } => f(lock(self.shard(shard)).place(place).roster.log(log)),
        }
    }

    fn after_leaving(&self, next: VecDeque<u64>, drained: bool) {
        if !next.is_empty() {
            self.admit_next(next);
        }
        if drained {
            self.drained(1);
        }
    }

    #[inline]
    fn follow(&self, follow: &Follow) {
        if let Some(next) = follow.next {
            self.admit_next([next]);
        }
        if follow.drained {
            self.drained(1);
        }
    }
}

impl<T> Reader<T> {
    pub(crate) fn new(seat: Seat, make: fn() -> Make<T>) -> Self {
        Self { seat, local: None, make }
    }

    /// The next event, if it can be had without the log's lock.
    #[inline]
    pub(crate) fn next_held(&mut self) -> Option<T> {
        let local = self.local.as_mut()?;
        let held = local.held.as_ref()?;
        let event = local.events.pop()?;
        let flags = held.hand_out();
        if flags == 0 { Some(event) } else { self.waited_for(event, flags) }
    }

    /// The next event; if there is none and not the end either, `waker` is woken when there is. How many were lost
    /// before it is told to the event too, if it is to tell it.
    #[inline]
    pub(crate) fn take(&mut self, waker: &Waker, tells: bool, found: &mut Found) -> Option<T> {
        self.next_held().or_else(|| self.take_slowly(waker, tells, found))
    }

    fn take_slowly(&mut self, waker: &Waker, tells: bool, found: &mut Found) -> Option<T> {
        let batch = (self.make)().batch;
        let stored = self.take_with(batch.map(Taking::Made), waker, || false, found)?;
        Some(self.make(stored, if tells { found.missed } else { 0 }))
    }

    /// As [`take`](Self::take), as it is stored. A reader that takes like this never takes otherwise.
    ///
    /// Where those in the line `may_wait`, they are told of the room that this makes when all is handed out that was taken at once:
    /// to give a place to one for each event that is read takes several times as long as to read it. Until then they find the room
    /// when they [look](super::Waiting::look_again).
    pub(crate) fn take_stored(
        &mut self,
        waker: &Waker,
        may_wait: impl Fn() -> bool,
        found: &mut Found,
    ) -> Option<Stored> {
        let stored = self.next_stored(&may_wait);
        stored.or_else(|| self.take_with(Some(Taking::Stored), waker, may_wait, found))
    }

    #[inline]
    fn next_stored(&mut self, may_wait: impl Fn() -> bool) -> Option<Stored> {
        let local = self.local.as_mut()?;
        let stored = local.stored.pop()?;
        let flags = local.held.as_ref()?.hand_out();
        if flags == 0 || (flags == WAITED_FOR && !local.stored.is_empty() && may_wait()) {
            return Some(stored);
        }
        self.waited_for(stored, flags)
    }

    /// It sat nowhere, and reads from this seat from now on.
    pub(crate) fn sit(&mut self, seat: Seat) {
        self.seat = seat;
    }

    /// What a stored event becomes.
    pub(crate) fn make(&self, stored: Stored, missed: u64) -> T {
        (self.make)().one(stored, missed)
    }

    fn take_with(
        &mut self,
        taking: Option<Taking<T>>,
        waker: &Waker,
        may_wait: impl Fn() -> bool,
        found: &mut Found,
    ) -> Option<Stored> {
        match &self.seat.home {
            Home::Log(log) => self.read(*log, taking, waker, may_wait, found),
            Home::Private(private) => self.seat.pop(private, waker, found),
            Home::Left { .. } => None,
        }
    }

    /// Reads nothing more, and is in nobody's way. What was lost so far stays counted.
    pub(crate) fn leave(&mut self) {
        self.seat.give_up();
    }

    /// An event was handed out, and somebody has to know. Gives it back, unless it was discarded.
    #[cold]
    fn waited_for<E>(&mut self, event: E, flags: u32) -> Option<E> {
        if flags & DISCARDED == 0 {
            self.seat.handed_out();
            return Some(event);
        }
        // What was held was lost, this event included; what comes next is the end, which tells it.
        let local = self.local.as_mut()?;
        local.untold += local.discard() as u64 + 1;
        None
    }

    fn read(
        &mut self,
        log: LogOf,
        taking: Option<Taking<T>>,
        waker: &Waker,
        may_wait: impl Fn() -> bool,
        found: &mut Found,
    ) -> Option<Stored> {
        let mut effects = Effects::default();
        let mut follow = Follow::default();
        let Seat { engine, ticket, number, .. } = &mut self.seat;
        let most = if taking.is_some() { BATCH } else { 1 };
        let stored = engine.with_log(log, |log| {
            let (offset, batch) = log.read(*number, ticket, most, waker, found, &mut effects)?;
            let stored = match taking {
                Some(taking) if batch > 1 => {
                    let local = self.local.get_or_insert_default();
                    log.hold(*number, batch, &mut local.held);
                    match taking {
                        Taking::Made(make) => make(log, (offset, batch), &mut local.events),
                        Taking::Stored => log.take_batch((offset, batch), &mut local.stored, |stored| stored),
                    }
                }
                _ => log.take_one(offset),
            };
            log.after_read(*number, &mut follow);
            stored
        });
        if found.end.is_some() {
            found.missed += self.local.as_mut().map_or(0, |local| std::mem::take(&mut local.untold));
        }
        if found.missed > 0 {
            self.local.get_or_insert_default().told += found.missed;
        }
        if follow.next.is_some() && self.local.as_ref().is_some_and(|it| !it.stored.is_empty()) && may_wait()
        {
            follow.next = None;
        }
        engine.follow(&follow);
        stored
    }

    pub(crate) fn missed(&self) -> u64 {
        let own = self.local.as_ref().map_or(0, |local| {
            let discarded = if local.is_discarded() { local.len() } else { 0 };
            local.told + local.untold + discarded as u64
        });
        own + self.seat.lost()
    }

    pub(crate) fn len(&self) -> usize {
        let held = self.local.as_deref().filter(|local| !local.is_discarded());
        held.map_or(0, Local::len) + self.seat.unread()
    }
}

#[cfg(test)]
impl Reader<(Stored, u64)> {
    /// The next event or the end; if there is neither, `waker` is woken when there is.
    pub(crate) fn poll_next(&mut self, waker: &Waker) -> Poll<Taken> {
        let mut found = Found::default();
        let event = self.take(waker, true, &mut found);
        match (event, found.end) {
            (Some((stored, missed)), _) => Poll::Ready(Taken::Event { stored, missed }),
            (None, Some(end)) => Poll::Ready(Taken::End { end, missed: found.missed }),
            (None, None) => Poll::Pending,
        }
    }
}

impl Seat {
    pub(super) fn new(engine: Arc<Engine>, home: Home, number: u32) -> Self {
        Self { engine, home, ticket: Ticket::default(), number }
    }

    /// A place where nothing comes, for who gets another.
    pub(crate) fn nowhere(engine: &Arc<Engine>) -> Self {
        Self::new(Arc::clone(engine), Home::Left { lost: 0 }, 0)
    }

    fn pop(&self, private: &Private, waker: &Waker, found: &mut Found) -> Option<Stored> {
        let mut effects = Effects::default();
        let mut queue = private.lock();
        let stored = queue.pop(waker, found, &mut effects)?;
        let follow = queue.after_read();
        drop(queue);
        self.engine.follow(&follow);
        Some(stored)
    }

    /// An event that was held was handed out, and the reader is waited for.
    fn handed_out(&self) {
        let Home::Log(log) = self.home else { unreachable!("only readers of logs hold events") };
        let mut follow = Follow::default();
        self.engine.with_log(log, |log| log.after_handing_out(self.number, &mut follow));
        self.engine.follow(&follow);
    }

    /// Events that it lost and was not told of; with a private queue, all that it lost.
    fn lost(&self) -> u64 {
        match &self.home {
            Home::Log(log) => self.engine.with_log(*log, |log| log.lost(self.number)),
            Home::Private(private) => private.lock().lost(),
            Home::Left { lost } => *lost,
        }
    }

    /// Events that wait for it, those that it holds not counted.
    pub(crate) fn unread(&self) -> usize {
        match &self.home {
            Home::Log(log) => self.engine.with_log(*log, |log| log.len(self.number)) as usize,
            Home::Private(private) => private.lock().len(),
            Home::Left { .. } => 0,
        }
    }

    /// Under the lock under which readers join, so that a log without readers is gone at once.
    fn leave(&self, log: LogOf) {
        let engine = &*self.engine;
        let mut effects = Effects::default();
        let left = match log {
            LogOf::Topic { topic, log } => {
                let topic = &engine.topics[topic as usize];
                let mut roster = lock(&topic.roster);
                topic.left(Width::Topic);
                roster.leave(log, self.number, self.ticket, &mut effects)
            }
            LogOf::Address { shard, place, log } => {
                let mut shard = lock(engine.shard(shard));
                let Place { topic, roster, .. } = shard.place(place);
                engine.topics[*topic as usize].left(Width::Address);
                let left = roster.leave(log, self.number, self.ticket, &mut effects);
                engine.release(&mut shard, place);
                left
            }
        };
        engine.after_leaving(left.next, left.undrained);
    }

    fn leave_private(engine: &Engine, private: &Private) {
        let mut effects = Effects::default();
        let mut queue = private.lock();
        let listened = std::mem::replace(&mut queue.follows, false);
        let next = queue.claims.take();
        let drained = queue.leave(&mut effects);
        drop(queue);
        engine.each_roster(&private.interest, |roster| roster.private.leave(private.key));
        if listened {
            engine.count_listening(&private.interest, Topic::left);
        }
        engine.after_leaving(next, drained);
    }
}

impl Seat {
    fn give_up(&mut self) {
        let lost = self.lost();
        match std::mem::replace(&mut self.home, Home::Left { lost }) {
            Home::Log(log) => self.leave(log),
            Home::Private(private) => Self::leave_private(&self.engine, &private),
            Home::Left { .. } => {}
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        match &self.home {
            Home::Log(log) => self.leave(*log),
            Home::Private(private) => Self::leave_private(&self.engine, private),
            Home::Left { .. } => {}
        }
    }
}
