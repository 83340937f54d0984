//! What waits to be written to a pipe, bounded, and the thread that writes it.
//!
//! Events are written in order, and no more of them than the other side has [room](Outbox::grant) for. What controls the connection
//! keeps its place among them, and passes those that wait for room: that may depend on it.

mod lanes;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_channel::oneshot;

use self::lanes::{Answer, Entry, Kind, Lanes};
use crate::{Patience, SendError, Sending};

#[derive(Default)]
struct State {
    lanes: Lanes,
    /// Publishes for which there is no room, the longest waiting first.
    line: VecDeque<Entry>,
    /// Those of the events that were written and not answered, in the order in which they were written.
    unanswered: VecDeque<Option<Answer>>,
    /// Who waits for room in other ways.
    wakers: Vec<Waker>,
    closing: Option<Close>,
    /// Nothing more is written.
    ended: bool,
    /// Events that were taken and not written.
    given_up: u64,
    /// Threads that wait for a change: to tell nobody costs a call of the system too.
    sleepers: usize,
    /// Since when the pipe does not take what is written.
    writes_since: Option<Instant>,
}

/// No events are taken any more.
struct Close {
    /// The other side has all.
    last_is_written: bool,
    /// It has said that nothing more comes.
    is_released: bool,
    /// How long the end may take, from the last thing that happened.
    patience: Duration,
    until: Instant,
}

/// A bounded queue before a pipe.
pub struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
    bound: usize,
}

impl Outbox {
    /// One that holds so many bytes of events, and one event more; and the same again of what [controls](Self::poll_control)
    /// the connection, where whoever puts it there asks first.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), bound }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was put in. While it waits for room on the other side there is nothing to do for whoever sleeps.
    fn tell_of_more(&self, state: MutexGuard<'_, State>) {
        if state.lanes.has_next() || state.ended {
            self.tell(state);
        }
    }

    /// Wakes the threads that wait for a change, if there are any.
    fn tell(&self, state: MutexGuard<'_, State>) {
        let is_waited_for = state.sleepers > 0;
        drop(state);
        if is_waited_for {
            self.changed.notify_all();
        }
    }

    /// Waits for a change, but no longer than this. Says whether that time is over.
    fn sleep<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        time: Option<Duration>,
    ) -> (MutexGuard<'a, State>, bool) {
        state.sleepers += 1;
        let (mut state, is_over) = match time {
            Some(time) => {
                let waited = self.changed.wait_timeout(state, time);
                let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                (state, timeout.timed_out())
            }
            None => (self.changed.wait(state).unwrap_or_else(PoisonError::into_inner), false),
        };
        state.sleepers -= 1;
        (state, is_over)
    }

    /// Takes an event of a publisher. It is answered by the [other side](Self::answer), or at once where nobody waits.
    pub fn send(&self, message: Bytes, patience: Patience) -> Sending {
        let mut state = self.lock();
        if state.closing.is_some() || state.ended {
            return Sending::Done(Err(SendError::Closed));
        }
        let has_room = state.lanes.event_bytes() < self.bound && state.line.is_empty();
        match patience {
            Patience::Now if !has_room => Sending::Done(Err(SendError::Full)),
            Patience::Now => {
                state.lanes.push(Entry::new(message, Kind::Event(None)));
                self.tell_of_more(state);
                Sending::Done(Ok(()))
            }
            Patience::Wait => {
                let (answer, answered) = oneshot::channel();
                let entry = Entry::new(message, Kind::Event(Some(answer)));
                if has_room {
                    state.lanes.push(entry);
                    self.tell_of_more(state);
                } else {
                    state.line.push_back(entry);
                }
                Sending::Pending(answered)
            }
        }
    }

    /// Takes an event for which there was [room](Self::poll_room). Nobody answers it.
    pub fn deliver(&self, message: Bytes) {
        self.put([Entry::new(message, Kind::Delivery)]);
    }

    /// Takes what keeps its place among events, and needs room on the other side as they do.
    pub fn deliver_gap(&self, message: Bytes) {
        self.put([Entry::new(message, Kind::Gap)]);
    }

    /// Takes what comes after all events before it, and needs no room on the other side.
    pub fn deliver_last(&self, message: Bytes) {
        self.put([Entry::new(message, Kind::Last)]);
    }

    /// Takes a control message, whatever waits.
    pub fn push(&self, message: Bytes) {
        self.put([Entry::new(message, Kind::Control)]);
    }

    /// Takes control messages that follow one upon the other, whatever waits.
    pub fn push_both(&self, first: Bytes, second: Bytes) {
        self.put([first, second].map(|message| Entry::new(message, Kind::Control)));
    }

    fn put<const N: usize>(&self, entries: [Entry; N]) {
        let mut state = self.lock();
        if !state.ended {
            entries.into_iter().for_each(|entry| state.lanes.push(entry));
        }
        self.tell_of_more(state);
    }

    /// Takes a control message, whatever waits, and answers when it is written. Cancelled if it will not be.
    pub fn push_marked(&self, message: Bytes) -> oneshot::Receiver<()> {
        let (mark, written) = oneshot::channel();
        let mut state = self.lock();
        let refused = if state.ended {
            Some(mark)
        } else {
            state.lanes.push(Entry::new(message, Kind::Mark(mark)));
            None
        };
        self.tell(state);
        // Dropped outside the lock, as every sender is.
        drop(refused);
        written
    }

    /// The other side has room for so many events more.
    pub fn grant(&self, events: usize) {
        let mut state = self.lock();
        state.lanes.grant(events);
        state.has_moved();
        self.tell(state);
    }

    /// What the other side says of the next event that was written and not answered; it does so in order, and has room for another.
    pub fn answer(&self, result: Result<(), SendError>) {
        let mut state = self.lock();
        let answer = state.unanswered.pop_front();
        if answer.is_some() {
            state.lanes.grant(1);
            state.has_moved();
        }
        self.tell(state);
        if let Some(Some(answer)) = answer {
            // Whoever does not hear it is gone.
            let _ = answer.send(result);
        }
    }

    /// Whether there is room for an event, or nothing is taken any more; otherwise the waker is woken when that changes.
    pub fn poll_room(&self, waker: &Waker) -> Poll<()> {
        self.poll(waker, Lanes::event_bytes)
    }

    /// The same for what controls the connection.
    pub fn poll_control(&self, waker: &Waker) -> Poll<()> {
        self.poll(waker, Lanes::control_bytes)
    }

    fn poll(&self, waker: &Waker, bytes: impl Fn(&Lanes) -> usize) -> Poll<()> {
        let has_room =
            |state: &State| bytes(&state.lanes) < self.bound || state.closing.is_some() || state.ended;
        // Most often there is, and no waker is needed. It is cloned without the lock: that is code of users.
        if has_room(&self.lock()) {
            return Poll::Ready(());
        }
        let waker = waker.clone();
        let mut state = self.lock();
        if has_room(&state) {
            drop(state);
            return Poll::Ready(());
        }
        // Who asks again waits once.
        if !state.wakers.iter().any(|other| other.will_wake(&waker)) {
            state.wakers.push(waker);
        }
        Poll::Pending
    }

    /// Waits until there is room for what controls the connection, or nothing is written any more.
    pub fn until_control(&self) {
        let mut state = self.lock();
        while state.lanes.control_bytes() >= self.bound && !state.ended {
            state = self.sleep(state, None).0;
        }
    }

    /// For how long the pipe has not taken what is being written.
    #[must_use]
    pub fn blocked_for(&self) -> Duration {
        self.lock().writes_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Events that were taken, and are not answered.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        let state = self.lock();
        (state.lanes.events() + state.line.len() + state.unanswered.len()) as u64
    }

    /// Takes no events after this last message, and writes what was taken. The other side may take so long for the next thing
    /// that it says.
    pub fn finish(&self, last: Bytes, patience: Duration) {
        let mut state = self.lock();
        if state.closing.is_some() || state.ended {
            return;
        }
        // Those in line were taken too: they waited for room, which does not matter any more.
        while let Some(entry) = state.line.pop_front() {
            state.lanes.push(entry);
        }
        state.lanes.push(Entry::new(last, Kind::Last));
        let until = Instant::now() + patience;
        state.closing = Some(Close { last_is_written: false, is_released: false, patience, until });
        let wakers = std::mem::take(&mut state.wakers);
        self.tell(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The other side has said its last too.
    pub fn release(&self) {
        let mut state = self.lock();
        if let Some(close) = &mut state.closing {
            close.is_released = true;
        }
        self.tell(state);
    }

    /// Writes nothing more. Gives how many events are given up: not written, or not answered.
    pub fn end(&self) -> u64 {
        let mut state = self.lock();
        state.ended = true;
        let unanswered = std::mem::take(&mut state.unanswered);
        let mut not_sent = state.lanes.drain();
        not_sent.extend(state.line.drain(..));
        let events = not_sent.iter().filter(|entry| entry.is_event()).count();
        state.given_up += (events + unanswered.len()) as u64;
        let given_up = state.given_up;
        let wakers = std::mem::take(&mut state.wakers);
        self.tell(state);
        wakers.into_iter().for_each(Waker::wake);
        for answer in unanswered.into_iter().flatten() {
            let _gone = answer.send(Err(SendError::Ambiguous));
        }
        for entry in not_sent {
            if let Kind::Event(Some(answer)) = entry.kind {
                let _gone = answer.send(Err(SendError::NotSent));
            }
        }
        given_up
    }

    /// Writes until it is finished and the other side has answered all and [said its last](Self::release), or it is
    /// [ended](Self::end). In silence it writes `idle` every so often.
    ///
    /// # Errors
    /// What the pipe says. It is ended then.
    pub fn write_to(&self, mut pipe: impl Write, idle: Option<(Duration, Bytes)>) -> io::Result<()> {
        let (mut buffer, mut marks) = (Vec::new(), Vec::new());
        loop {
            let wakers = {
                let Some(mut state) = self.until_next(idle.as_ref()) else { return Ok(()) };
                buffer.clear();
                state.take(&mut buffer, &mut marks);
                state.admit(self.bound);
                state.writes_since = Some(Instant::now());
                let wakers = std::mem::take(&mut state.wakers);
                self.tell(state);
                wakers
            };
            wakers.into_iter().for_each(Waker::wake);
            let result = pipe.write_all(&buffer).and_then(|()| pipe.flush());
            self.lock().writes_since = None;
            if let Err(error) = result {
                self.end();
                return Err(error);
            }
            for mark in marks.drain(..) {
                let _gone = mark.send(());
            }
        }
    }

    /// Waits until there is something to write; `None`: nothing more is written.
    fn until_next(&self, idle: Option<&(Duration, Bytes)>) -> Option<MutexGuard<'_, State>> {
        let mut state = self.lock();
        loop {
            if state.ended {
                return None;
            }
            if state.lanes.has_next() {
                return Some(state);
            }
            let rest = match &state.closing {
                Some(close) if close.last_is_written && close.is_released && state.unanswered.is_empty() => {
                    return None;
                }
                Some(close) => {
                    let rest = close.until.saturating_duration_since(Instant::now());
                    if rest.is_zero() {
                        return None;
                    }
                    Some(rest)
                }
                None => None,
            };
            let silence = idle.map(|(after, _)| *after);
            let time = match (rest, silence) {
                (Some(rest), Some(silence)) => Some(rest.min(silence)),
                (rest, silence) => rest.or(silence),
            };
            let is_over;
            (state, is_over) = self.sleep(state, time);
            if let Some((_, sign)) = idle
                && is_over
                && time == silence
                && !state.lanes.has_next()
                && !state.ended
            {
                state.lanes.push(Entry::new(sign.clone(), Kind::Sign));
            }
        }
    }
}

impl State {
    /// Something went on: the end may take its time again.
    fn has_moved(&mut self) {
        if let Some(close) = &mut self.closing {
            close.until = Instant::now() + close.patience;
        }
    }

    /// Appends what is written next.
    fn take(&mut self, buffer: &mut Vec<u8>, marks: &mut Vec<oneshot::Sender<()>>) {
        /// How much is written at once.
        const WRITE: usize = 64 * 1024;
        while buffer.len() < WRITE
            && let Some(entry) = self.lanes.pop()
        {
            super::framing::append(&entry.message, buffer);
            if !matches!(entry.kind, Kind::Sign) {
                self.has_moved();
            }
            match entry.kind {
                Kind::Control | Kind::Sign | Kind::Delivery | Kind::Gap => {}
                Kind::Mark(mark) => marks.push(mark),
                Kind::Event(answer) => self.unanswered.push_back(answer),
                Kind::Last => {
                    if let Some(close) = &mut self.closing {
                        close.last_is_written = true;
                    }
                }
            }
        }
    }

    /// Lets in those who wait, as far as there is room.
    fn admit(&mut self, bound: usize) {
        while self.lanes.event_bytes() < bound
            && let Some(entry) = self.line.pop_front()
        {
            if !entry.is_cancelled() {
                self.lanes.push(entry);
            }
        }
    }
}
