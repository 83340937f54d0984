//! Places in queue groups, as a worker process has them.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::thread;

use futures_channel::oneshot;

use super::Control;
use super::process::Shared;
use crate::codec::Codec;
use crate::queue::Leave;
use crate::{ErrorCode, Frame, JoinError, JoinQueue, QueueSeat, Rejection};

/// The places that a process has, by number.
#[derive(Default)]
pub(super) struct Places(Mutex<All>);

#[derive(Default)]
struct All {
    by_number: BTreeMap<u64, Arc<Mailbox>>,
    last_number: u64,
    /// Nothing comes any more.
    is_over: bool,
}

/// What the host has said to one place.
struct Mailbox {
    prefetch: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    joined: Option<Result<(), JoinError>>,
    /// What was given; an error is one that cannot be read.
    events: VecDeque<Given>,
    at: At,
    is_over: bool,
    waker: Option<Waker>,
}

type Given = Result<Frame, String>;

/// What the host knows of the event that comes before those that wait.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Nothing,
    /// It is being told, and the program has not seen it.
    Telling,
    Begun,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes who waits for that, outside the lock.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, number: u64) -> Option<Arc<Mailbox>> {
        self.lock().by_number.get(&number).cloned()
    }

    fn open(&self, prefetch: usize) -> (u64, Arc<Mailbox>) {
        let mut all = self.lock();
        all.last_number += 1;
        let is_over = all.is_over;
        let mailbox =
            Arc::new(Mailbox { prefetch, state: Mutex::new(State { is_over, ..State::default() }) });
        let number = all.last_number;
        all.by_number.insert(number, Arc::clone(&mailbox));
        (number, mailbox)
    }

    pub(super) fn joined(&self, number: u64, result: Result<(), (String, String)>) {
        let Some(mailbox) = self.find(number) else { return };
        let refused = |(code, message): (String, String)| {
            JoinError::Rejected(Rejection::new(ErrorCode::from(&*code), message))
        };
        mailbox.change(|state| {
            state.is_over |= result.is_err();
            state.joined = Some(result.map_err(refused));
        });
    }

    /// An event for this place. One that was given up has said so; what it is given meanwhile goes to others.
    ///
    /// # Errors
    /// There are more than it asked for.
    pub(super) fn give(&self, number: u64, event: Given) -> Result<(), String> {
        let Some(mailbox) = self.find(number) else { return Ok(()) };
        if mailbox.lock().events.len() >= mailbox.prefetch {
            return Err(format!(
                "more than {} events at once for a place in a queue group",
                mailbox.prefetch
            ));
        }
        mailbox.change(|state| state.events.push_back(event));
        Ok(())
    }

    pub(super) fn over(&self, number: u64) {
        if let Some(mailbox) = self.find(number) {
            mailbox.change(|state| state.is_over = true);
        }
    }

    /// Nothing comes any more.
    pub(super) fn end(&self) {
        let mailboxes: Vec<_> = {
            let mut all = self.lock();
            all.is_over = true;
            all.by_number.values().cloned().collect()
        };
        for mailbox in mailboxes {
            mailbox.change(|state| {
                state.is_over = true;
                state.joined.get_or_insert(Err(JoinError::Closed));
            });
        }
    }

    /// All places are given up. Gives how each leaves.
    pub(super) fn leave_all(&self) -> Vec<(u64, Leave)> {
        let all = {
            let mut all = self.lock();
            all.is_over = true;
            std::mem::take(&mut all.by_number)
        };
        all.into_iter().map(|(number, mailbox)| (number, mailbox.leave(Leave::Done))).collect()
    }
}

impl Mailbox {
    /// How it leaves, if what was begun ends so.
    fn leave(&self, begun: Leave) -> Leave {
        let mut how = begun;
        let mut garbage = VecDeque::new();
        self.change(|state| {
            if state.at == At::Telling {
                how = Leave::NotBegun;
            }
            state.at = At::Nothing;
            state.is_over = true;
            garbage = std::mem::take(&mut state.events);
        });
        how
    }
}

/// A place of a bus in this process.
pub(super) struct ProcessSeat<C: Codec> {
    shared: Arc<Shared<C>>,
    number: u64,
    mailbox: Arc<Mailbox>,
    /// The host is being told of this one.
    telling: Option<(Given, oneshot::Receiver<()>)>,
}

impl<C: Codec> ProcessSeat<C> {
    pub(super) fn join(shared: &Arc<Shared<C>>, join: JoinQueue) -> Self {
        let JoinQueue { group, addresses, prefetch } = join;
        let (number, mailbox) = shared.places.open(prefetch);
        let prefetch = u64::try_from(prefetch).unwrap_or(u64::MAX);
        shared.say(&Control::Join(number, group, prefetch, addresses));
        Self { shared: Arc::clone(shared), number, mailbox, telling: None }
    }
}

impl<C: Codec> QueueSeat for ProcessSeat<C> {
    fn poll_joined(&mut self, waker: &Waker) -> Poll<Result<(), JoinError>> {
        let waker = waker.clone();
        let mut state = self.mailbox.lock();
        let answer = match &state.joined {
            Some(answer) => Poll::Ready(answer.clone()),
            None if state.is_over => Poll::Ready(Err(JoinError::Closed)),
            None => Poll::Pending,
        };
        let before = if answer.is_pending() { state.waker.replace(waker) } else { None };
        drop(state);
        drop(before);
        answer
    }

    fn poll_next(&mut self, waker: &Waker) -> Poll<Option<Frame>> {
        loop {
            match ready!(self.poll_begun(waker)) {
                Some(Ok(event)) => return Poll::Ready(Some(event)),
                Some(Err(reason)) => self.reject(reason),
                None => return Poll::Ready(None),
            }
        }
    }

    fn reject(&mut self, reason: String) {
        let at = std::mem::take(&mut self.mailbox.lock().at);
        if at == At::Begun {
            self.shared.say(&Control::Reject(self.number, reason));
        }
    }
}

impl<C: Codec> ProcessSeat<C> {
    /// The next event, of which the host knows that it is begun.
    fn poll_begun(&mut self, waker: &Waker) -> Poll<Option<Given>> {
        if self.telling.is_none() {
            let Some(event) = ready!(self.poll_event(waker)) else { return Poll::Ready(None) };
            let Ok(message) = Control::Begin(self.number).write(&*self.shared.codec) else {
                return Poll::Ready(None);
            };
            self.telling = Some((event, self.shared.outbox.push_marked(message)));
        }
        let Some((_, written)) = &mut self.telling else { return Poll::Pending };
        let is_written = ready!(Pin::new(written).poll(&mut Context::from_waker(waker))).is_ok();
        let event = self.telling.take().map(|(event, _)| event);
        let mut state = self.mailbox.lock();
        // It may have been given up meanwhile.
        let is_begun = is_written && state.at == At::Telling;
        if is_begun {
            state.at = At::Begun;
        }
        drop(state);
        Poll::Ready(event.filter(|_| is_begun))
    }

    /// The first of the events that wait. While there is none the host is told that the last is done.
    fn poll_event(&self, waker: &Waker) -> Poll<Option<Given>> {
        let waker = waker.clone();
        let mut state = self.mailbox.lock();
        if let Some(event) = state.events.pop_front() {
            state.at = At::Telling;
            drop(state);
            return Poll::Ready(Some(event));
        }
        let is_done = std::mem::take(&mut state.at) == At::Begun;
        let is_over = state.is_over;
        let before = if is_over { None } else { state.waker.replace(waker) };
        drop(state);
        drop(before);
        if is_done {
            self.shared.say(&Control::Done(self.number));
        }
        if is_over { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl<C: Codec> Drop for ProcessSeat<C> {
    fn drop(&mut self) {
        let is_there = self.shared.places.lock().by_number.remove(&self.number).is_some();
        if is_there {
            let how = self.mailbox.leave(if thread::panicking() { Leave::Unfinished } else { Leave::Done });
            self.shared.say(&Control::Leave(self.number, how));
        }
    }
}
