//! One subscription's end of the engine; dropping it unsubscribes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::effects::Effects;
use super::held::{DISCARDED, Held};
use super::log::{Follow, Found, Log};
use super::parked::Ticket;
use super::private::Private;
use super::shard::Place;
use super::sync::lock;
use super::topic::{Topic, Width};
use super::{Engine, Taken};
use crate::event::Stored;

pub(crate) struct Reader {
    engine: Arc<Engine>,
    home: Home,
    ticket: Ticket,
    local: Option<Box<Local>>,
    /// Its cursor, where its home is a log.
    seat: u32,
}

/// Where the events of a subscription are kept.
pub(super) enum Home {
    Log(LogOf),
    Private(Arc<Private>),
}

#[derive(Clone, Copy)]
pub(super) enum LogOf {
    Topic { topic: u32, log: u32 },
    Address { shard: u8, place: u32, log: u32 },
}

/// What a reader has of its own. Many never need it.
#[derive(Default)]
pub(super) struct Local {
    /// Taken from the log and not handed out, the next one last.
    pub(super) events: Vec<Stored>,
    /// How many these are, for others to see.
    pub(super) held: Option<Arc<Held>>,
    /// Events lost that were told.
    told: u64,
    /// Events that were held and discarded: lost, for the end to tell.
    untold: u64,
}

impl Local {
    fn is_discarded(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_discarded())
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

impl Reader {
    pub(super) fn new(engine: Arc<Engine>, home: Home, seat: u32) -> Self {
        Self { engine, home, ticket: Ticket::default(), local: None, seat }
    }

    /// The next event, if it can be had without the log's lock.
    #[inline]
    pub(crate) fn next_held(&mut self) -> Option<Stored> {
        let local = self.local.as_mut()?;
        let held = local.held.as_ref()?;
        let stored = local.events.pop()?;
        let flags = held.hand_out();
        if flags == 0 { Some(stored) } else { self.waited_for(stored, flags) }
    }

    /// The next event; if there is none and not the end either, `waker` is woken when there is.
    #[inline]
    pub(crate) fn take(&mut self, waker: &Waker, found: &mut Found) -> Option<Stored> {
        self.next_held().or_else(|| self.take_slowly(waker, found))
    }

    /// The same, in one.
    pub(crate) fn poll_next(&mut self, waker: &Waker) -> Poll<Taken> {
        let mut found = Found::default();
        let stored = self.take(waker, &mut found);
        let Found { missed, end } = found;
        match (stored, end) {
            (Some(stored), _) => Poll::Ready(Taken::Event { stored, missed }),
            (None, Some(end)) => Poll::Ready(Taken::End { end, missed }),
            (None, None) => Poll::Pending,
        }
    }

    fn take_slowly(&mut self, waker: &Waker, found: &mut Found) -> Option<Stored> {
        match &self.home {
            Home::Log(log) => self.read(*log, waker, found),
            Home::Private(private) => Self::pop(&self.engine, private, waker, found),
        }
    }

    /// An event was handed out, and somebody has to know. Gives it back, unless it was discarded.
    #[cold]
    fn waited_for(&mut self, stored: Stored, flags: u32) -> Option<Stored> {
        let (Home::Log(log), Some(local)) = (&self.home, &mut self.local) else {
            unreachable!("only readers of logs hold events");
        };
        if flags & DISCARDED == 0 {
            let mut follow = Follow::default();
            self.engine.with_log(*log, |log| log.after_handing_out(self.seat, &mut follow));
            self.engine.follow(&follow);
            return Some(stored);
        }
        // What was held was lost, this event included; what comes next is the end, which tells it.
        let discarded = std::mem::take(&mut local.events);
        local.untold += discarded.len() as u64 + 1;
        None
    }

    #[inline]
    fn read(&mut self, log: LogOf, waker: &Waker, found: &mut Found) -> Option<Stored> {
        let mut effects = Effects::default();
        let mut follow = Follow::default();
        let stored = self.engine.with_log(log, |log| {
            let stored = log.read(self.seat, &mut self.ticket, &mut self.local, waker, found, &mut effects);
            if stored.is_some() {
                log.after_read(self.seat, &mut follow);
            }
            stored
        });
        if found.end.is_some() {
            found.missed += self.local.as_mut().map_or(0, |local| std::mem::take(&mut local.untold));
        }
        self.tell(found.missed);
        self.engine.follow(&follow);
        stored
    }

    fn tell(&mut self, missed: u64) {
        if missed > 0 {
            self.local.get_or_insert_default().told += missed;
        }
    }

    fn pop(engine: &Engine, private: &Private, waker: &Waker, found: &mut Found) -> Option<Stored> {
        let mut effects = Effects::default();
        let mut queue = private.lock();
        let stored = queue.pop(waker, found, &mut effects)?;
        let follow = queue.after_read();
        drop(queue);
        engine.follow(&follow);
        Some(stored)
    }

    pub(crate) fn missed(&self) -> u64 {
        let log = match &self.home {
            Home::Log(log) => *log,
            Home::Private(private) => return private.lock().lost(),
        };
        let own = self.local.as_ref().map_or(0, |local| {
            let discarded = if local.is_discarded() { local.events.len() } else { 0 };
            local.told + local.untold + discarded as u64
        });
        own + self.engine.with_log(log, |log| log.lost(self.seat))
    }

    pub(crate) fn len(&self) -> usize {
        let log = match &self.home {
            Home::Log(log) => *log,
            Home::Private(private) => return private.lock().len(),
        };
        let held = self.local.as_ref().filter(|local| !local.is_discarded());
        let held = held.map_or(0, |local| local.events.len());
        held + self.engine.with_log(log, |log| log.len(self.seat)) as usize
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
                roster.leave(log, self.seat, self.ticket, &mut effects)
            }
            LogOf::Address { shard, place, log } => {
                let mut shard = lock(engine.shard(shard));
                let Place { topic, roster, .. } = shard.place(place);
                engine.topics[*topic as usize].left(Width::Address);
                let left = roster.leave(log, self.seat, self.ticket, &mut effects);
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

impl Drop for Reader {
    fn drop(&mut self) {
        match &self.home {
            Home::Log(log) => self.leave(*log),
            Home::Private(private) => Self::leave_private(&self.engine, private),
        }
    }
}
