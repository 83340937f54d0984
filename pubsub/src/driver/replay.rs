//! The past of one subscription, on its way: what comes before what everybody gets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use pubsub_transports::Position;

use super::notices::{Notice, Notices};
use crate::engine::{Seat, Terms};
use crate::event::Stored;
use crate::interest::Interest;

/// Who sends it waits for room; who reads it waits for more.
pub(crate) struct Replay {
    bound: usize,
    notices: Arc<Notices>,
    state: Mutex<State>,
}

struct State {
    items: VecDeque<Item>,
    phase: Phase,
    /// Whether it is settled where it begins, so that what is published now is in it.
    is_settled: bool,
    reader: Option<Waker>,
    sender: Option<Waker>,
    /// Waits until it is settled.
    waiting: Option<Waker>,
}

enum Item {
    Event(Stored),
    Notice(Notice),
}

enum Phase {
    /// The past comes. What the subscription is to follow when it is over.
    Past(Box<(Interest, Terms)>),
    /// It is over, and the seat is being taken.
    Joining,
    /// It is over, and the subscription follows what comes.
    Joined(Seat),
    /// It is over, and nothing more comes.
    Closed,
    /// The subscription has left, or needs this no more.
    Left,
}

/// What is read next.
pub(super) enum Next {
    Event(Stored),
    Notice(Notice),
    /// From now on the subscription sits here.
    Joined(Seat),
    Closed,
}

impl Replay {
    pub(super) fn new(interest: Interest, terms: Terms, notices: Arc<Notices>) -> Self {
        let bound = terms.bound;
        let phase = Phase::Past(Box::new((interest, terms)));
        let state = State {
            items: VecDeque::new(),
            phase,
            is_settled: false,
            reader: None,
            sender: None,
            waiting: None,
        };
        Self { bound, notices, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest that is kept of a topic comes after this.
    pub(super) fn begin_after(&self, topic: &str, position: Position) {
        self.notices.begin_after(topic, position);
    }

    pub(super) fn settle(&self) {
        let mut state = self.lock();
        state.is_settled = true;
        let waiting = state.waiting.take();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Ready when what is published is in it, or when it is over.
    pub(super) fn poll_settled(&self, waker: &Waker) -> Poll<()> {
        let waker = waker.clone();
        let mut state = self.lock();
        if state.is_settled || !matches!(state.phase, Phase::Past(_)) {
            return Poll::Ready(());
        }
        let before = state.waiting.replace(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Whether there is room for one more; `false` if nobody reads it.
    pub(super) fn poll_room(&self, waker: &Waker) -> Poll<bool> {
        let waker = waker.clone();
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Past(_)) {
            return Poll::Ready(false);
        }
        if state.items.len() < self.bound {
            return Poll::Ready(true);
        }
        let before = state.sender.replace(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }

    pub(super) fn event(&self, stored: Stored) {
        self.push(Item::Event(stored));
    }

    pub(super) fn notice(&self, notice: Notice) {
        if let Notice::Gap(gap) = &notice {
            self.notices.count(gap);
        }
        self.push(Item::Notice(notice));
    }

    fn push(&self, item: Item) {
        let mut state = self.lock();
        state.items.push_back(item);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// All of the past was sent: `join` gives a seat for what comes, unless the bus is closed.
    pub(super) fn join(&self, join: impl FnOnce(Interest, Terms) -> Option<Seat>) {
        let mut state = self.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::Joining);
        let Phase::Past(what) = phase else {
            state.phase = phase;
            return;
        };
        drop(state);
        let (interest, terms) = *what;
        let seat = join(interest, terms);
        let mut state = self.lock();
        // It may have left meanwhile, and then the seat is given up outside the lock.
        if !matches!(state.phase, Phase::Joining) {
            drop(state);
            drop(seat);
            return;
        }
        state.phase = seat.map_or(Phase::Closed, Phase::Joined);
        let wakers = [state.reader.take(), state.waiting.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Nothing more comes, if it has not joined what does.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        let mut wakers = [None, None, None];
        if let Phase::Past(_) = state.phase {
            state.phase = Phase::Closed;
            wakers = [state.reader.take(), state.sender.take(), state.waiting.take()];
        }
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Nobody reads it any more.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::Left);
        let items = std::mem::take(&mut state.items);
        let sender = state.sender.take();
        drop(state);
        drop((phase, items));
        sender.into_iter().for_each(Waker::wake);
    }

    pub(super) fn poll_next(&self, waker: &Waker) -> Poll<Next> {
        let waker = waker.clone();
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            // Half of the room at once: otherwise every event wakes who sends.
            let sender = if state.items.len() <= self.bound / 2 { state.sender.take() } else { None };
            drop(state);
            sender.into_iter().for_each(Waker::wake);
            return Poll::Ready(match item {
                Item::Event(stored) => Next::Event(stored),
                Item::Notice(notice) => Next::Notice(notice),
            });
        }
        match state.phase {
            Phase::Closed => return Poll::Ready(Next::Closed),
            Phase::Joined(_) => {
                if let Phase::Joined(seat) = std::mem::replace(&mut state.phase, Phase::Left) {
                    return Poll::Ready(Next::Joined(seat));
                }
            }
            Phase::Past(_) | Phase::Joining | Phase::Left => {}
        }
        let before = state.reader.replace(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Events that wait to be read.
    pub(super) fn len(&self) -> usize {
        let state = self.lock();
        let past = state.items.iter().filter(|item| matches!(item, Item::Event(_))).count();
        let Phase::Joined(seat) = &state.phase else { return past };
        past + seat.unread()
    }
}
