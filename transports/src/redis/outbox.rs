//! What is to be published: a bounded queue of whole commands, in one buffer.
//!
//! A frame is taken when it has its place among those that were not answered, which are bounded in number and bytes. One
//! that waits in line for such a place is its publisher's, and is gone when the publisher gives up.

#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use compact_str::CompactString;
use futures_channel::oneshot;
use tokio::time::Instant;

use super::limits::Limits;
use crate::{Header, Patience, Placed, SendError, Sending};

/// Who is told what became of a frame.
pub(super) enum Asker {
    Publisher(oneshot::Sender<Result<(), SendError>>),
    /// Who published has been answered already: the bus is told what fails.
    Bus(Box<Header>),
    /// Who wants to know where it is.
    Placed(Placed),
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publisher(_) => "Publisher",
            Self::Bus(_) => "Bus",
            Self::Placed(_) => "Placed",
        })
    }
}

impl Asker {
    fn has_left(&self) -> bool {
        matches!(self, Self::Publisher(answer) if answer.is_canceled())
    }
}

/// A command with its answer to come.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) len: usize,
    pub(super) asker: Asker,
    /// The command, if it does nothing when it is done again.
    pub(super) again: Option<Box<[u8]>>,
    /// When it is given back, if there is no connection until then.
    deadline: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    command: Box<[u8]>,
    asker: Asker,
    idempotent: bool,
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Nothing more is taken; what was is sent.
    Closing,
    Closed,
}

pub(super) struct Outbox {
    limits: Limits,
    /// Whether events are kept in streams, which must be made ready before anything is added to one.
    keeps: bool,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// The commands of `queued`, one after the other.
    buffer: Vec<u8>,
    queued: VecDeque<Queued>,
    waiting: VecDeque<Waiting>,
    /// How long `waiting` may be before those who left are looked for.
    waiting_checked: usize,
    /// Taken and not answered, whether written or not.
    frames: usize,
    bytes: usize,
    /// While there is no connection, frames have a deadline.
    connected: bool,
    /// The types that were published, if events are kept.
    topics: HashSet<CompactString>,
    /// The publisher's task, if it waits for more to do.
    task: Option<Waker>,
}

impl Outbox {
    pub(super) fn new(limits: Limits, keeps: bool) -> Self {
        let state = State {
            phase: Phase::Open,
            buffer: Vec::new(),
            queued: VecDeque::new(),
            waiting: VecDeque::new(),
            waiting_checked: 0,
            frames: 0,
            bytes: 0,
            connected: true,
            topics: HashSet::new(),
            task: None,
        };
        Self { limits, keeps, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a command, or lets it wait in line.
    pub(super) fn offer(&self, command: &[u8], header: Header, patience: Patience) -> Sending {
        let topic = self.keeps.then(|| CompactString::from(header.topic()));
        // What is allocated is so without the lock.
        let (sending, asker) = match patience {
            Patience::Now => (Sending::Done(Ok(())), Asker::Bus(Box::new(header))),
            Patience::Wait => {
                let (answer, sending) = oneshot::channel();
                (Sending::Pending(sending), Asker::Publisher(answer))
            }
        };
        match self.enqueue(command, topic, asker, (false, patience)) {
            Ok(()) => sending,
            Err(error) => Sending::Done(Err(error)),
        }
    }

    /// The same, of an event that is kept: `placed` is told where, unless it is not taken. `idempotent` if the command does
    /// nothing when it is done again: then it is, when it is not known whether it was.
    ///
    /// # Errors
    /// That it is not taken.
    pub(super) fn place(
        &self,
        command: &[u8],
        topic: &str,
        placed: Placed,
        (idempotent, patience): (bool, Patience),
    ) -> Result<(), SendError> {
        self.enqueue(command, Some(topic.into()), Asker::Placed(placed), (idempotent, patience))
    }

    fn enqueue(
        &self,
        command: &[u8],
        topic: Option<CompactString>,
        asker: Asker,
        (idempotent, patience): (bool, Patience),
    ) -> Result<(), SendError> {
        let mut state = self.lock();
        if state.phase != Phase::Open {
            return Err(SendError::Closed);
        }
        if let Some(topic) = topic
            && !state.topics.contains(&topic)
        {
            state.topics.insert(topic);
        }
        let deadline =
            if state.connected { None } else { Some(Instant::now() + self.limits.publish_timeout) };
        if state.waiting.is_empty() && state.has_room(command.len(), &self.limits) {
            state.take(command, asker, (idempotent, deadline));
        } else if patience == Patience::Now {
            return Err(SendError::Full);
        } else {
            state.forget_who_left();
            state.waiting.push_back(Waiting { command: command.into(), asker, idempotent, deadline });
        }
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
        Ok(())
    }

    /// Moves all commands into `out`, which is empty, and what is to be answered into `queued`. Not so, and `false`, if
    /// types were published whose streams are not ready: so many are.
    pub(super) fn take(&self, out: &mut Vec<u8>, queued: &mut VecDeque<Queued>, ready: usize) -> bool {
        let mut state = self.lock();
        if state.topics.len() != ready {
            return false;
        }
        if state.queued.iter().any(|queued| queued.asker.has_left()) {
            let _left = state.remove(|queued| queued.asker.has_left());
            state.promote(&self.limits);
        }
        std::mem::swap(&mut state.buffer, out);
        if queued.is_empty() {
            std::mem::swap(&mut state.queued, queued);
        } else {
            queued.append(&mut state.queued);
        }
        true
    }

    /// The types that were published, if events are kept.
    pub(super) fn topics(&self) -> Vec<CompactString> {
        self.lock().topics.iter().cloned().collect()
    }

    /// Whether there is something to take, and the phase. `task` is woken when either changes.
    pub(super) fn wait(&self, task: &Waker) -> (bool, Phase) {
        let mut state = self.lock();
        if !state.task.as_ref().is_some_and(|own| own.will_wake(task)) {
            state.task = Some(task.clone());
        }
        (!state.queued.is_empty(), state.phase)
    }

    /// So much was answered: there is room for more.
    pub(super) fn answered(&self, frames: usize, bytes: usize) {
        let mut state = self.lock();
        state.frames -= frames;
        state.bytes -= bytes;
        state.promote(&self.limits);
    }

    /// The connection is there, or not. What was taken and not written is queued again, before everything else.
    pub(super) fn connected(&self, connected: bool, unwritten: &[u8], again: Vec<Queued>) {
        let mut state = self.lock();
        state.connected = connected;
        if !again.is_empty() {
            state.buffer.splice(0..0, unwritten.iter().copied());
            for queued in again.into_iter().rev() {
                state.queued.push_front(queued);
            }
        }
        if !connected {
            let deadline = Instant::now() + self.limits.publish_timeout;
            state.queued.iter_mut().for_each(|queued| _ = queued.deadline.get_or_insert(deadline));
            state.waiting.iter_mut().for_each(|waiting| _ = waiting.deadline.get_or_insert(deadline));
        }
    }

    /// Gives those that have waited for a connection until their deadline, and when to ask again.
    pub(super) fn expired(&self, now: Instant) -> (Vec<Asker>, Instant) {
        let is_late = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        let mut state = self.lock();
        let mut late = state.remove(|queued| queued.asker.has_left() || is_late(queued.deadline));
        let before = std::mem::take(&mut state.waiting);
        for waiting in before {
            if is_late(waiting.deadline) {
                late.push(waiting.asker);
            } else {
                state.waiting.push_back(waiting);
            }
        }
        state.promote(&self.limits);
        let queued = state.queued.iter().filter_map(|queued| queued.deadline);
        let next = queued.chain(state.waiting.iter().filter_map(|waiting| waiting.deadline)).min();
        // Those that come later have later deadlines. Many that end one by one are looked at together.
        let next = next.unwrap_or(now + self.limits.publish_timeout).max(now + EXPIRY);
        (late, next)
    }

    /// Takes nothing more. Whether that is news.
    pub(super) fn close(&self) -> bool {
        let mut state = self.lock();
        let is_news = state.phase == Phase::Open;
        if is_news {
            state.phase = Phase::Closing;
        }
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
        is_news
    }

    /// Gives everybody who is not answered and not written.
    pub(super) fn give_up(&self) -> Vec<Asker> {
        let mut state = self.lock();
        state.phase = Phase::Closed;
        state.task = None;
        let mut all = state.remove(|_| true);
        all.extend(std::mem::take(&mut state.waiting).into_iter().map(|waiting| waiting.asker));
        all
    }

    /// Frames that were taken or wait in line, and are not answered.
    pub(super) fn in_flight(&self) -> u64 {
        let state = self.lock();
        let waiting = state.waiting.iter().filter(|waiting| !waiting.asker.has_left()).count();
        (state.frames + waiting) as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        let state = self.lock();
        state.queued.is_empty() && state.waiting.is_empty()
    }
}

/// How often it is looked for what has waited too long, at most.
const EXPIRY: Duration = Duration::from_millis(10);

impl State {
    fn has_room(&self, len: usize, limits: &Limits) -> bool {
        // A command larger than the bound goes alone.
        self.frames == 0
            || (self.frames < limits.outbound_frames && self.bytes + len <= limits.outbound_bytes)
    }

    fn take(&mut self, command: &[u8], asker: Asker, (idempotent, deadline): (bool, Option<Instant>)) {
        self.frames += 1;
        self.bytes += command.len();
        self.buffer.extend_from_slice(command);
        let again = idempotent.then(|| command.into());
        self.queued.push_back(Queued { len: command.len(), asker, again, deadline });
    }

    /// Takes those who are first in line, as many as there is room for.
    fn promote(&mut self, limits: &Limits) {
        while let Some(first) = self.waiting.front() {
            if !first.asker.has_left() && !self.has_room(first.command.len(), limits) {
                return;
            }
            if let Some(first) = self.waiting.pop_front().filter(|first| !first.asker.has_left()) {
                self.take(&first.command, first.asker, (first.idempotent, first.deadline));
            }
        }
    }

    /// Looks through the line when it has doubled: so nobody waits for that, and it is never twice as long as it must be.
    fn forget_who_left(&mut self) {
        if self.waiting.len() > self.waiting_checked {
            self.waiting.retain(|waiting| !waiting.asker.has_left());
            self.waiting_checked = (2 * self.waiting.len()).max(64);
        }
    }

    /// Removes commands that were not written.
    fn remove(&mut self, mut which: impl FnMut(&Queued) -> bool) -> Vec<Asker> {
        let mut removed = Vec::new();
        let (mut read, mut kept) = (0, 0);
        for queued in std::mem::take(&mut self.queued) {
            let len = queued.len;
            if which(&queued) {
                self.frames -= 1;
                self.bytes -= len;
                removed.push(queued.asker);
            } else {
                self.buffer.copy_within(read..read + len, kept);
                kept += len;
                self.queued.push_back(queued);
            }
            read += len;
        }
        self.buffer.truncate(kept);
        removed
    }
}
