//! What the bus's threads and the spoke's task share: the protocol, under a lock that nothing is woken or called under.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use futures_channel::oneshot;
use tokio::time::Instant;

use super::answers::{Answer, Answers, InLine};
use super::requests::Requests;
use crate::websocket::SpokeProtocol;
use crate::{ErrorCode, EventId, Frame, Patience, Rejection, SendError, Sending};

pub(super) struct Shared {
    state: Mutex<State>,
    begin: Instant,
    pending_bytes: usize,
}

pub(super) struct State {
    pub(super) protocol: SpokeProtocol,
    pub(super) answers: Answers,
    pub(super) requests: Requests,
    line: VecDeque<InLine>,
    /// That of the task.
    pub(super) waker: Option<Waker>,
    /// Nothing more is taken.
    pub(super) closed: bool,
    /// Who is told when all is over.
    pub(super) closing: Option<oneshot::Sender<u64>>,
    /// The task is no more.
    pub(super) ended: bool,
}

impl Shared {
    pub(super) fn new(protocol: SpokeProtocol, pending_bytes: usize) -> Self {
        let state = State {
            protocol,
            answers: Answers::default(),
            requests: Requests::default(),
            line: VecDeque::new(),
            waker: None,
            closed: false,
            closing: None,
            ended: false,
        };
        Self { state: Mutex::new(state), begin: Instant::now(), pending_bytes }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    pub(super) fn instant(&self, at: Duration) -> Instant {
        self.begin + at
    }

    /// Does something, and lets the task see to what follows.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut State, Duration) -> T) -> T {
        let mut state = self.lock();
        let now = self.now();
        let result = act(&mut state, now);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        result
    }

    pub(super) fn publish(&self, frame: Frame, body: bytes::Bytes, patience: Patience) -> Sending {
        let header = frame.header;
        if body.len() > self.pending_bytes {
            let message = format!("what is not acknowledged has at most {} bytes", self.pending_bytes);
            let rejection = Rejection::new(ErrorCode::TooLarge, message);
            return Sending::Done(Err(rejection.into()));
        }
        self.act(|state, now| {
            if state.closed {
                return Sending::Done(Err(SendError::Closed));
            }
            let event_id = header.event_id().unwrap_or_else(EventId::now_v7);
            // Nobody overtakes those who wait for room.
            let taken = if state.line.is_empty() {
                state.protocol.publish(now, &header, event_id, &body)
            } else {
                Err(SendError::Full)
            };
            match (taken, patience) {
                (Ok(()), Patience::Now) => {
                    state.answers.push(event_id, Answer::Told(header));
                    Sending::Done(Ok(()))
                }
                (Ok(()), Patience::Wait) => {
                    let (answer, waiting) = oneshot::channel();
                    state.answers.push(event_id, Answer::Waits(answer));
                    Sending::Pending(waiting)
                }
                (Err(SendError::Full), Patience::Wait) => {
                    let (answer, waiting) = oneshot::channel();
                    state.line.push_back(InLine { header, event_id, body, answer });
                    Sending::Pending(waiting)
                }
                (Err(error), _) => Sending::Done(Err(error)),
            }
        })
    }
}

impl State {
    /// How many were taken and are not answered.
    pub(super) fn in_flight(&self) -> usize {
        self.answers.len() + self.line.len()
    }

    /// Lets in who waits for room, as far as there is. Gives what was refused, to be told without the lock.
    pub(super) fn advance(&mut self, now: Duration) -> Vec<Refused> {
        let mut refused = Vec::new();
        while let Some(first) = self.line.pop_front() {
            if first.answer.is_canceled() {
                continue;
            }
            match self.protocol.publish(now, &first.header, first.event_id, &first.body) {
                Ok(()) => self.answers.push(first.event_id, Answer::Waits(first.answer)),
                Err(SendError::Full) => {
                    self.line.push_front(first);
                    break;
                }
                Err(error) => refused.push((first.answer, error)),
            }
        }
        refused
    }

    /// Those in line, who will not get in.
    pub(super) fn turn_away(&mut self) -> Vec<Refused> {
        self.line.drain(..).map(|first| (first.answer, SendError::NotSent)).collect()
    }

    /// What nobody waits for and was not written is not sent.
    pub(super) fn withdraw_cancelled(&mut self) {
        for event_id in self.answers.cancelled() {
            if self.protocol.withdraw(event_id) {
                self.answers.take(event_id);
            }
        }
    }
}

/// Somebody to be told that an event was not taken.
pub(super) type Refused = (oneshot::Sender<Result<(), SendError>>, SendError);
