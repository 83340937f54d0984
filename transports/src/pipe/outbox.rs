//! What waits to be written to a pipe, in order and bounded, and the thread that writes it.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_channel::oneshot;

use super::framing::append;
use crate::{Patience, SendError, Sending};

/// How much is written at once.
const WRITE: usize = 64 * 1024;

type Answer = oneshot::Sender<Result<(), SendError>>;

struct Entry {
    message: Bytes,
    kind: Kind,
}

enum Kind {
    Control,
    /// With who waits for it to be written.
    Mark(oneshot::Sender<()>),
    /// With who waits for the answer, if anybody does.
    Event(Option<Answer>),
}

impl Entry {
    fn control(message: Bytes) -> Self {
        Self { message, kind: Kind::Control }
    }

    fn event(message: Bytes, answer: Option<Answer>) -> Self {
        Self { message, kind: Kind::Event(answer) }
    }

    fn is_event(&self) -> bool {
        matches!(self.kind, Kind::Event(_))
    }

    /// Whoever published it does not want it any more.
    fn is_cancelled(&self) -> bool {
        matches!(&self.kind, Kind::Event(Some(answer)) if answer.is_canceled())
    }
}

#[derive(Default)]
struct State {
    queue: VecDeque<Entry>,
    bytes: usize,
    /// Publishes for which there is no room, the longest waiting first.
    line: VecDeque<Entry>,
    /// Those of the events that were written and not answered, in the order in which they were written.
    unanswered: VecDeque<Option<Answer>>,
    /// Who waits for room in other ways.
    wakers: Vec<Waker>,
    /// Nothing more is taken.
    closed: bool,
    /// Nothing more is written.
    ended: bool,
    /// Events that were taken and not written.
    given_up: u64,
    /// Threads that wait for a change: to tell nobody costs a call of the system too.
    sleepers: usize,
}

/// A bounded queue before a pipe.
pub struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
    bound: usize,
}

impl Outbox {
    /// One that holds so many bytes, and one message more.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), bound }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Takes an event. It is answered by the [other side](Self::answer), or at once where nobody waits.
    pub fn send(&self, message: Bytes, patience: Patience) -> Sending {
        let mut state = self.lock();
        if state.closed || state.ended {
            return Sending::Done(Err(SendError::Closed));
        }
        let has_room = state.bytes < self.bound && state.line.is_empty();
        match patience {
            Patience::Now if !has_room => Sending::Done(Err(SendError::Full)),
            Patience::Now => {
                state.push(Entry::event(message, None));
                self.tell(state);
                Sending::Done(Ok(()))
            }
            Patience::Wait => {
                let (answer, answered) = oneshot::channel();
                let entry = Entry::event(message, Some(answer));
                if has_room {
                    state.push(entry);
                    self.tell(state);
                } else {
                    state.line.push_back(entry);
                }
                Sending::Pending(answered)
            }
        }
    }

    /// Takes a message whatever waits: control messages, and an event for which there was [room](Self::poll_room).
    pub fn push(&self, message: Bytes) {
        let mut state = self.lock();
        if !state.closed && !state.ended {
            state.push(Entry::control(message));
        }
        self.tell(state);
    }

    /// Takes messages that follow one upon the other, whatever waits.
    pub fn push_both(&self, first: Bytes, second: Bytes) {
        let mut state = self.lock();
        if !state.closed && !state.ended {
            state.push(Entry::control(first));
            state.push(Entry::control(second));
        }
        self.tell(state);
    }

    /// Takes a message whatever waits, and answers when it is written. Cancelled if it will not be.
    pub fn push_marked(&self, message: Bytes) -> oneshot::Receiver<()> {
        let (mark, written) = oneshot::channel();
        let mut state = self.lock();
        let refused = if state.closed || state.ended {
            Some(mark)
        } else {
            state.push(Entry { message, kind: Kind::Mark(mark) });
            None
        };
        self.tell(state);
        // Dropped outside the lock, as every sender is.
        drop(refused);
        written
    }

    /// What the other side says of the next event that was written and not answered; it does so in order.
    pub fn answer(&self, result: Result<(), SendError>) {
        let mut state = self.lock();
        let answer = state.unanswered.pop_front().flatten();
        self.tell(state);
        if let Some(answer) = answer {
            // Whoever does not hear it is gone.
            let _ = answer.send(result);
        }
    }

    /// Waits until everything that was written is answered, or nothing will be, but no longer.
    pub fn until_answered(&self, until: Instant) {
        let mut state = self.lock();
        while !state.unanswered.is_empty() && !state.ended {
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return;
            }
            state = self.sleep(state, Some(rest)).0;
        }
    }

    /// Whether there is room, or nothing is taken any more; otherwise the waker is woken when that changes.
    pub fn poll_room(&self, waker: &Waker) -> Poll<()> {
        let waker = waker.clone();
        let mut state = self.lock();
        if state.bytes < self.bound || state.closed || state.ended {
            drop(state);
            return Poll::Ready(());
        }
        state.wakers.push(waker);
        Poll::Pending
    }

    /// Events that were taken, and are not answered.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        let state = self.lock();
        let queued = state.queue.iter().filter(|entry| entry.is_event()).count();
        (queued + state.line.len() + state.unanswered.len()) as u64
    }

    /// Takes nothing more after this last message, and writes what was taken.
    pub fn finish(&self, last: Bytes) {
        let mut state = self.lock();
        if state.closed || state.ended {
            return;
        }
        // Those in line were taken too: they waited for room, which does not matter any more.
        while let Some(entry) = state.line.pop_front() {
            state.push(entry);
        }
        state.push(Entry::control(last));
        state.closed = true;
        let wakers = std::mem::take(&mut state.wakers);
        self.tell(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Writes nothing more. Gives how many events are given up: not written, or not answered.
    pub fn end(&self) -> u64 {
        let mut state = self.lock();
        state.ended = true;
        let unanswered = std::mem::take(&mut state.unanswered);
        let mut not_sent: Vec<Entry> = state.queue.drain(..).collect();
        not_sent.extend(state.line.drain(..));
        state.bytes = 0;
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

    /// Writes until it is finished or [ended](Self::end). In silence it writes `idle` every so often.
    ///
    /// # Errors
    /// What the pipe says. It is ended then.
    pub fn write_to(&self, mut pipe: impl Write, idle: Option<(Duration, Bytes)>) -> io::Result<()> {
        let (mut buffer, mut marks) = (Vec::new(), Vec::new());
        loop {
            let (is_last, wakers) = {
                let mut state = self.lock();
                while state.queue.is_empty() && !state.closed && !state.ended {
                    let is_over;
                    (state, is_over) = self.sleep(state, idle.as_ref().map(|(after, _)| *after));
                    if let Some((_, sign)) = &idle
                        && is_over
                        && state.queue.is_empty()
                        && !state.closed
                    {
                        state.push(Entry::control(sign.clone()));
                    }
                }
                if state.ended {
                    return Ok(());
                }
                buffer.clear();
                state.take(&mut buffer, &mut marks);
                state.admit(self.bound);
                let wakers = std::mem::take(&mut state.wakers);
                (state.closed && state.queue.is_empty(), wakers)
            };
            wakers.into_iter().for_each(Waker::wake);
            if let Err(error) = pipe.write_all(&buffer).and_then(|()| pipe.flush()) {
                self.end();
                return Err(error);
            }
            for mark in marks.drain(..) {
                let _gone = mark.send(());
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

impl State {
    fn push(&mut self, entry: Entry) {
        self.bytes += entry.message.len();
        self.queue.push_back(entry);
    }

    /// Appends what is written next, without what nobody wants any more.
    fn take(&mut self, buffer: &mut Vec<u8>, marks: &mut Vec<oneshot::Sender<()>>) {
        while buffer.len() < WRITE
            && let Some(entry) = self.queue.pop_front()
        {
            self.bytes -= entry.message.len();
            if entry.is_cancelled() {
                continue;
            }
            append(&entry.message, buffer);
            match entry.kind {
                Kind::Control => {}
                Kind::Mark(mark) => marks.push(mark),
                Kind::Event(answer) => self.unanswered.push_back(answer),
            }
        }
    }

    /// Lets in those who wait, as far as there is room.
    fn admit(&mut self, bound: usize) {
        while self.bytes < bound
            && let Some(entry) = self.line.pop_front()
        {
            if !entry.is_cancelled() {
                self.push(entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::{FrameReader, block_on};

    fn message(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn written(pipe: &[u8]) -> Vec<Bytes> {
        let mut reader = FrameReader::new(pipe, 1 << 20);
        std::iter::from_fn(|| reader.next().unwrap()).collect()
    }

    #[test]
    fn what_was_taken_is_written_and_answered_in_order() {
        let outbox = Outbox::new(4);
        let mut sendings = Vec::new();
        for text in ["one", "two", "three"] {
            sendings.push(outbox.send(message(text), Patience::Wait));
        }
        assert!(matches!(outbox.send(message("four"), Patience::Now), Sending::Done(Err(SendError::Full))));
        assert_eq!(outbox.in_flight(), 3);
        outbox.finish(message("last"));
        assert!(matches!(
            outbox.send(message("late"), Patience::Wait),
            Sending::Done(Err(SendError::Closed))
        ));
        let mut pipe = Vec::new();
        outbox.write_to(&mut pipe, None).unwrap();
        assert_eq!(written(&pipe), ["one", "two", "three", "last"]);
        assert_eq!(outbox.in_flight(), 3);
        for sending in sendings {
            outbox.answer(Ok(()));
            assert_eq!(block_on(sending), Ok(()));
        }
        assert_eq!((outbox.in_flight(), outbox.end()), (0, 0));
    }

    #[test]
    fn what_was_cancelled_before_it_was_written_is_not() {
        let outbox = Outbox::new(4);
        let kept = outbox.send(message("kept"), Patience::Wait);
        drop(outbox.send(message("dropped in the line"), Patience::Wait));
        outbox.finish(message("last"));
        let mut pipe = Vec::new();
        outbox.write_to(&mut pipe, None).unwrap();
        assert_eq!(written(&pipe), ["kept", "last"]);
        outbox.answer(Ok(()));
        assert_eq!(block_on(kept), Ok(()));
    }

    #[test]
    fn a_broken_pipe_tells_what_may_have_been_written() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let outbox = Outbox::new(4);
        let (first, second) =
            (outbox.send(message("12345"), Patience::Wait), outbox.send(message("second"), Patience::Wait));
        outbox.push(message("no event"));
        assert!(outbox.write_to(Broken, None).is_err());
        assert_eq!(block_on(first), Err(SendError::Ambiguous));
        assert_eq!(block_on(second), Err(SendError::NotSent), "there was no room for it before");
        assert_eq!(outbox.end(), 2);
        assert!(outbox.poll_room(Waker::noop()).is_ready(), "nobody waits for a pipe that is no more");
    }

    #[test]
    fn silence_is_broken_by_a_sign_of_life() {
        let outbox = std::sync::Arc::new(Outbox::new(4));
        let (read, write) = io::pipe().unwrap();
        let writer = std::sync::Arc::clone(&outbox);
        let idle = (Duration::from_millis(1), message("alive"));
        let thread = std::thread::spawn(move || writer.write_to(write, Some(idle)));
        let mut reader = FrameReader::new(read, 10);
        for _ in 0..3 {
            assert_eq!(reader.next().unwrap().unwrap(), "alive");
        }
        outbox.end();
        thread.join().unwrap().unwrap();
    }
}
