//! One subscription's end of the engine; dropping it unsubscribes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::effects::Effects;
use super::held::{DISCARDED, Held};
use super::log::{Follow, Log, Read};
use super::parked::Ticket;
use super::private::Private;
use super::queue::Popped;
use super::shard::Place;
use super::sync::lock;
use super::topic::{Topic, Width};
use super::{Engine, Taken};
use crate::delivery::End;
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

    #[inline]
    pub(crate) fn poll_next(&mut self, waker: &Waker) -> Poll<Taken> {
        if let Some(local) = &mut self.local
            && let Some(stored) = local.events.pop()
            && let Some(held) = &local.held
        {
            let flags = held.hand_out();
            if flags == 0 {
                return Poll::Ready(Taken::Event { stored, missed: 0 });
            }
            return self.waited_for(stored, flags, waker);
        }
        match &self.home {
            Home::Log(log) => self.read(*log, waker),
            Home::Private(private) => Self::pop(&self.engine, private, waker),
        }
    }

    /// An event was handed out, and somebody has to know.
    #[cold]
    fn waited_for(&mut self, stored: Stored, flags: u32, waker: &Waker) -> Poll<Taken> {
        let (Home::Log(log), Some(local)) = (&self.home, &mut self.local) else {
            unreachable!("only readers of logs hold events");
        };
        if flags & DISCARDED == 0 {
            let follow = self.engine.with_log(*log, |log| log.after_read(self.seat));
            self.engine.follow(&follow);
            return Poll::Ready(Taken::Event { stored, missed: 0 });
        }
        // What was held was lost, this event included; what comes next is the end.
        let discarded = std::mem::take(&mut local.events);
        let lost = discarded.len() as u64 + 1;
        drop((stored, discarded));
        local.told += lost;
        self.poll_next(waker).map(|taken| match taken {
            Taken::End { end, missed } => Taken::End { end, missed: missed + lost },
            event @ Taken::Event { .. } => event,
        })
    }

    #[inline]
    fn read(&mut self, log: LogOf, waker: &Waker) -> Poll<Taken> {
        let mut effects = Effects::default();
        let (read, follow) = self.engine.with_log(log, |log| {
            let read = log.read(self.seat, &mut self.ticket, &mut self.local, waker, &mut effects);
            (read, log.after_read(self.seat))
        });
        let (taken, missed) = match read {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Read::Event { stored, missed }) => (Taken::Event { stored, missed }, missed),
            Poll::Ready(Read::End { missed }) => {
                let end = End::Closed;
                self.tell(missed);
                return Poll::Ready(Taken::End { end, missed });
            }
        };
        self.tell(missed);
        self.engine.follow(&follow);
        Poll::Ready(taken)
    }

    fn tell(&mut self, missed: u64) {
        if missed > 0 {
            self.local.get_or_insert_default().told += missed;
        }
    }

    fn pop(engine: &Engine, private: &Private, waker: &Waker) -> Poll<Taken> {
        let mut effects = Effects::default();
        let mut queue = private.lock();
        let taken = match queue.pop(waker, &mut effects) {
            Popped::Nothing => return Poll::Pending,
            Popped::Event(stored, missed) => Taken::Event { stored, missed },
            Popped::End(end, missed) => return Poll::Ready(Taken::End { end, missed }),
        };
        let follow = queue.after_read();
        drop(queue);
        engine.follow(&follow);
        Poll::Ready(taken)
    }

    pub(crate) fn missed(&self) -> u64 {
        let log = match &self.home {
            Home::Log(log) => *log,
            Home::Private(private) => return private.lock().lost(),
        };
        let own = self.local.as_ref().map_or(0, |local| {
            let discarded = if local.is_discarded() { local.events.len() } else { 0 };
            local.told + discarded as u64
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
        engine.after_leaving(left.next, left.unread > 0 && engine.is_closed());
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
