//! Seeing to one run of a process, until it is over.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use pubsub_transports::__private::MemberId;
use pubsub_transports::codec::Codec;
use shared_child::SharedChild;

use super::ProcessFailure;
use super::bridge::PipeInlet;
use super::reader::PipeReader;
use super::run::Limits;

/// What the threads of a run tell whoever sees to it.
pub(super) enum Told {
    /// The process has said that it is a worker.
    Connected,
    /// Its bus is closed.
    Closed,
    /// Its standard output has ended, or is no good.
    Output(Result<(), ProcessFailure>),
    /// All that it sent is accepted.
    AllAccepted,
    /// Its standard error has ended.
    Errors,
    /// It has ended.
    Exited(io::Result<ExitStatus>),
    /// It is to end now.
    Kill,
}

pub(super) struct Watch<'a, C: Codec> {
    pub(super) limits: Limits,
    pub(super) child: Option<Arc<SharedChild>>,
    pub(super) reader: &'a PipeReader<C>,
    pub(super) inlet: &'a PipeInlet<C>,
    pub(super) member: MemberId,
    pub(super) told: &'a Receiver<Told>,
}

/// How far a run is.
struct Seen {
    begin: Instant,
    /// Since when it has nothing more to say.
    closed: Option<Instant>,
    output_ended: bool,
    all_accepted: bool,
    errors_ended: bool,
    /// Since when it is no more.
    gone: Option<Instant>,
    status: Option<io::Result<ExitStatus>>,
    failure: Option<ProcessFailure>,
    is_killed: bool,
}

impl Seen {
    fn is_over(&self) -> bool {
        let is_read = self.output_ended && self.errors_ended;
        self.gone.is_some() && is_read && (self.all_accepted || self.is_killed)
    }
}

impl<C: Codec> Watch<'_, C> {
    /// Until nothing more comes of it: it is reaped, and what it had said is accepted. How it failed.
    pub(super) fn until_over(self) -> Option<ProcessFailure> {
        let mut seen = Seen {
            begin: Instant::now(),
            closed: None,
            output_ended: false,
            all_accepted: false,
            errors_ended: self.child.is_none(),
            gone: None,
            status: None,
            failure: None,
            is_killed: false,
        };
        while !seen.is_over() {
            let told = match self.deadline(&seen) {
                Some((rest, late)) if rest.is_zero() => {
                    self.is_late(&mut seen, late);
                    continue;
                }
                Some((rest, _)) => match self.told.recv_timeout(rest) {
                    Ok(told) => told,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => break,
                },
                None => match self.told.recv() {
                    Ok(told) => told,
                    Err(_) => break,
                },
            };
            self.hear(&mut seen, told);
        }
        match (seen.failure, seen.status) {
            (Some(failure), _) => Some(failure),
            (None, Some(Ok(status))) if !status.success() => Some(ProcessFailure::Exited(status)),
            (None, Some(Err(error))) => Some(ProcessFailure::NotStarted(Arc::new(error))),
            (None, _) => None,
        }
    }

    /// How long it may go on as it does, and what it is then.
    fn deadline(&self, seen: &Seen) -> Option<(Duration, Option<ProcessFailure>)> {
        let Limits { handshake_timeout, silence_timeout, exit_timeout, .. } = self.limits;
        let rest = |after: Duration, since: Instant| after.saturating_sub(since.elapsed());
        if let Some(since) = seen.gone {
            // Whoever it has started may hold its pipes.
            let is_read = seen.output_ended && seen.errors_ended;
            return (!is_read).then(|| (rest(exit_timeout, since), None));
        }
        if seen.failure.is_some() {
            return None;
        }
        if let Some(since) = seen.closed {
            let failure = ProcessFailure::NotExited { after: exit_timeout };
            return Some((rest(exit_timeout, since), Some(failure)));
        }
        if !self.reader.is_connected() {
            let failure = ProcessFailure::NoHandshake { after: handshake_timeout };
            return Some((rest(handshake_timeout, seen.begin), Some(failure)));
        }
        let after = silence_timeout;
        let (silent, blocked) = (self.reader.silent_for(), self.inlet.outbox.blocked_for());
        let failure = if blocked > silent {
            ProcessFailure::NotReading { after }
        } else {
            ProcessFailure::Silent { after }
        };
        Some((after.saturating_sub(silent.max(blocked)), Some(failure)))
    }

    fn is_late(&self, seen: &mut Seen, failure: Option<ProcessFailure>) {
        match failure {
            Some(failure) => self.fail(seen, failure),
            None => {
                self.reader.give_up();
                (seen.output_ended, seen.errors_ended) = (true, true);
            }
        }
        self.settle(seen);
    }

    fn hear(&self, seen: &mut Seen, told: Told) {
        match told {
            // It is waited for something else now.
            Told::Connected => {}
            Told::Closed => seen.closed = Some(Instant::now()),
            Told::Output(result) => {
                seen.output_ended = true;
                if let Err(failure) = result {
                    self.fail(seen, failure);
                }
            }
            Told::AllAccepted => {
                seen.all_accepted = true;
                seen.closed.get_or_insert_with(Instant::now);
            }
            Told::Errors => seen.errors_ended = true,
            Told::Exited(status) => {
                seen.gone = Some(Instant::now());
                seen.status = Some(status);
            }
            Told::Kill => {
                // Nobody waits for what it has said.
                self.inlet.ends.exchange.mute(self.member);
                seen.is_killed = true;
                self.fail(seen, ProcessFailure::Killed);
            }
        }
        self.settle(seen);
    }

    /// What follows from how far it is.
    fn settle(&self, seen: &mut Seen) {
        if self.child.is_none() && (seen.output_ended || seen.failure.is_some()) {
            seen.gone.get_or_insert_with(Instant::now);
        }
        if seen.gone.is_some() {
            // Whoever publishes to it, or waits for it, goes on.
            self.inlet.outbox.end();
            // Not before: what it had not begun, it will not.
            if seen.output_ended {
                self.reader.feeds.end();
            }
        }
    }

    fn fail(&self, seen: &mut Seen, failure: ProcessFailure) {
        seen.failure.get_or_insert(failure);
        if let Some(child) = &self.child {
            // One that has ended meanwhile is none the worse for it.
            let _gone = child.kill();
        }
    }
}
