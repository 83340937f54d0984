//! What is left to do once the lock is released: it runs code of users.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_channel::oneshot;

use super::pump::Run;
use crate::{Frame, Inlet, SendError};

/// A publish to one member, as most are, takes no memory for it.
#[derive(Default)]
pub(super) struct Effects {
    run: Option<Run>,
    more_runs: VecDeque<Run>,
    answers: Vec<(oneshot::Sender<Result<(), SendError>>, Result<(), SendError>)>,
    closed: Vec<Arc<dyn Inlet>>,
    closings: Vec<(oneshot::Sender<u64>, u64)>,
    following: Vec<oneshot::Sender<()>>,
    garbage: Vec<Frame>,
    /// Nobody will answer these.
    forgotten: Vec<oneshot::Sender<()>>,
    released: Vec<Arc<dyn Inlet>>,
}

impl Effects {
    /// The pump of a member is to go on. It is claimed: nobody else runs it.
    pub(super) fn run(&mut self, run: Run) {
        if self.run.is_none() && self.more_runs.is_empty() {
            self.run = Some(run);
        } else {
            self.more_runs.push_back(run);
        }
    }

    pub(super) fn next_run(&mut self) -> Option<Run> {
        self.run.take().or_else(|| self.more_runs.pop_front())
    }

    pub(super) fn answer(
        &mut self,
        publisher: oneshot::Sender<Result<(), SendError>>,
        answer: Result<(), SendError>,
    ) {
        self.answers.push((publisher, answer));
    }

    /// A member has got all that it will get.
    pub(super) fn closed(&mut self, inlet: Arc<dyn Inlet>) {
        self.closed.push(inlet);
    }

    pub(super) fn closing(&mut self, closing: oneshot::Sender<u64>, given_up: u64) {
        self.closings.push((closing, given_up));
    }

    pub(super) fn follows(&mut self, watcher: oneshot::Sender<()>) {
        self.following.push(watcher);
    }

    pub(super) fn forget(&mut self, watcher: oneshot::Sender<()>) {
        self.forgotten.push(watcher);
    }

    /// The inlet of a member that has left.
    pub(super) fn release(&mut self, inlet: Arc<dyn Inlet>) {
        self.released.push(inlet);
    }

    pub(super) fn discard(&mut self, frame: Frame) {
        self.garbage.push(frame);
    }

    pub(super) fn discard_all(&mut self, frames: impl IntoIterator<Item = Frame>) {
        self.garbage.extend(frames);
    }

    /// Does all but running pumps. Whoever is told is gone, if nobody hears it.
    pub(super) fn settle(&mut self) {
        for (publisher, answer) in self.answers.drain(..) {
            let _gone = publisher.send(answer);
        }
        for inlet in self.closed.drain(..) {
            inlet.state(crate::ConnectionState::Closed { error: None });
        }
        for (closing, given_up) in self.closings.drain(..) {
            let _gone = closing.send(given_up);
        }
        for watcher in self.following.drain(..) {
            let _gone = watcher.send(());
        }
        self.forgotten.clear();
        self.garbage.clear();
        self.released.clear();
    }
}
