//! What waits to be written to a pipe, in order and bounded, and the thread that writes it.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_channel::oneshot;

use super::framing::append;
use crate::{Patience, SendError, Sending};

/// How much is written at once.
const WRITE: usize = 64 * 1024;

type Answer = oneshot::Sender<Result<(), SendError>>;

struct Entry {
    message: Bytes,
    answer: Option<Answer>,
}

impl Entry {
    /// Whoever published it does not want it any more.
    fn is_cancelled(&self) -> bool {
        self.answer.as_ref().is_some_and(Answer::is_canceled)
    }
}

#[derive(Default)]
struct State {
    queue: VecDeque<Entry>,
    bytes: usize,
    /// Publishes for which there is no room, the longest waiting first.
    line: VecDeque<Entry>,
    /// Who waits for room in other ways.
    wakers: Vec<Waker>,
    /// Nothing more is taken.
    closed: bool,
    /// Nothing more is written.
    ended: bool,
    /// Events that were taken and not written.
    given_up: u64,
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

    /// Takes an event. It is answered when it was written, or at once where nobody waits.
    pub fn send(&self, message: Bytes, patience: Patience) -> Sending {
        let mut state = self.lock();
        if state.closed || state.ended {
            return Sending::Done(Err(SendError::Closed));
        }
        let has_room = state.bytes < self.bound && state.line.is_empty();
        match patience {
            Patience::Now if !has_room => Sending::Done(Err(SendError::Full)),
            Patience::Now => {
                state.push(Entry { message, answer: None });
                drop(state);
                self.changed.notify_all();
                Sending::Done(Ok(()))
            }
            Patience::Wait => {
                let (answer, answered) = oneshot::channel();
                let entry = Entry { message, answer: Some(answer) };
                if has_room {
                    state.push(entry);
                    drop(state);
                    self.changed.notify_all();
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
            state.push(Entry { message, answer: None });
        }
        drop(state);
        self.changed.notify_all();
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

    /// Events and control messages that were taken, and are not written.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        let state = self.lock();
        (state.queue.len() + state.line.len()) as u64
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
        state.push(Entry { message: last, answer: None });
        state.closed = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Writes nothing more. Gives how many messages are given up.
    pub fn end(&self) -> u64 {
        self.end_with(Vec::new())
    }

    fn end_with(&self, unknown: Vec<Entry>) -> u64 {
        let mut state = self.lock();
        state.ended = true;
        let mut not_sent: Vec<Entry> = state.queue.drain(..).collect();
        not_sent.extend(state.line.drain(..));
        state.bytes = 0;
        state.given_up += (not_sent.len() + unknown.len()) as u64;
        let given_up = state.given_up;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
        answer(not_sent, &Err(SendError::NotSent));
        answer(unknown, &Err(SendError::Ambiguous));
        given_up
    }

    /// Writes until it is finished or [ended](Self::end). In silence it writes `idle` every so often.
    ///
    /// # Errors
    /// What the pipe says. It is ended then.
    pub fn write_to(&self, mut pipe: impl Write, idle: Option<(Duration, Bytes)>) -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            let (batch, is_last, wakers) = {
                let mut state = self.lock();
                while state.queue.is_empty() && !state.closed && !state.ended {
                    let Some((after, sign)) = &idle else {
                        state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                        continue;
                    };
                    let waited = self.changed.wait_timeout(state, *after);
                    let timeout;
                    (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                    if timeout.timed_out() && state.queue.is_empty() && !state.closed {
                        state.push(Entry { message: sign.clone(), answer: None });
                    }
                }
                if state.ended {
                    return Ok(());
                }
                let batch = state.take();
                state.admit(self.bound);
                let wakers = std::mem::take(&mut state.wakers);
                (batch, state.closed && state.queue.is_empty(), wakers)
            };
            wakers.into_iter().for_each(Waker::wake);
            buffer.clear();
            batch.iter().for_each(|entry| append(&entry.message, &mut buffer));
            if let Err(error) = pipe.write_all(&buffer).and_then(|()| pipe.flush()) {
                self.end_with(batch);
                return Err(error);
            }
            answer(batch, &Ok(()));
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

    /// What is written next, without what nobody wants any more.
    fn take(&mut self) -> Vec<Entry> {
        let (mut batch, mut size) = (Vec::new(), 0);
        while size < WRITE
            && let Some(entry) = self.queue.pop_front()
        {
            self.bytes -= entry.message.len();
            if !entry.is_cancelled() {
                size += entry.message.len();
                batch.push(entry);
            }
        }
        batch
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

fn answer(entries: Vec<Entry>, result: &Result<(), SendError>) {
    for answer in entries.into_iter().filter_map(|entry| entry.answer) {
        // Whoever does not hear it is gone.
        let _ = answer.send(result.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::{block_on, read_frame};

    fn message(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn written(pipe: &[u8]) -> Vec<Bytes> {
        let mut pipe = pipe;
        std::iter::from_fn(|| read_frame(&mut pipe, 1 << 20).unwrap()).collect()
    }

    #[test]
    fn what_was_taken_is_written_in_order_and_answered() {
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
        for sending in sendings {
            assert_eq!(block_on(sending), Ok(()));
        }
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
        assert!(outbox.write_to(Broken, None).is_err());
        // The second was let in while the first was written.
        assert_eq!(block_on(first), Err(SendError::Ambiguous));
        assert_eq!(block_on(second), Err(SendError::NotSent));
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
        let mut read = read;
        for _ in 0..3 {
            assert_eq!(read_frame(&mut read, 10).unwrap().unwrap(), "alive");
        }
        outbox.end();
        thread.join().unwrap().unwrap();
    }
}
