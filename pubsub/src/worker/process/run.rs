//! The life of a process: it is started, seen to, reaped, and perhaps started again.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use pubsub_transports::__private::{FrameReader, Member, NAME_VARIABLE, Outbox};
use pubsub_transports::codec::Codec;

use super::ProcessFailure;
use super::bridge::{Ends, Followed, PipeInlet, PipeReader, Progress};
use super::feed::Feeds;
use super::stderr::{self, Lines};
use crate::worker::core::Core;
use crate::worker::slot::Slot;
use crate::worker::thread::Restart;
use crate::worker::{WorkerError, WorkerReport};
use crate::{BusError, CloseReport};

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) inbox: usize,
    pub(super) max_message: usize,
    pub(super) queue: usize,
    pub(super) handshake_timeout: Duration,
    pub(super) silence_timeout: Duration,
    pub(super) exit_timeout: Duration,
}

pub(super) struct Process<C> {
    pub(super) core: Arc<Core>,
    pub(super) slot: Arc<Slot>,
    pub(super) ends: Arc<Ends<C>>,
    pub(super) source: Source,
    pub(super) limits: Limits,
    pub(super) restart: Option<Restart>,
    pub(super) lines: Lines,
}

/// Where the pipes of a run come from.
pub(super) enum Source {
    Command(Command),
    /// They were given, once. There is no child.
    #[cfg(feature = "test-util")]
    Pipes(Option<(Input, Output)>),
}

/// What is written to, and what is read from.
pub(super) type Input = Box<dyn Write + Send>;
pub(super) type Output = Box<dyn Read + Send>;

impl Source {
    fn open(&mut self, name: &str) -> io::Result<Pipes> {
        match self {
            Self::Command(command) => {
                command.env(NAME_VARIABLE, name);
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                let mut child = command.spawn()?;
                let input = child.stdin.take().map(|pipe| Box::new(pipe) as Input);
                let output = child.stdout.take().map(|pipe| Box::new(pipe) as Output);
                Ok(Pipes { errors: child.stderr.take(), child: Some(child), input, output })
            }
            #[cfg(feature = "test-util")]
            Self::Pipes(pipes) => {
                let (input, output) = pipes.take().ok_or(io::ErrorKind::BrokenPipe)?;
                Ok(Pipes { child: None, input: Some(input), output: Some(output), errors: None })
            }
        }
    }
}

struct Pipes {
    child: Option<Child>,
    input: Option<Input>,
    output: Option<Output>,
    errors: Option<ChildStderr>,
}

/// One run: a child, and its place in the exchange.
pub(super) struct Run<C> {
    pipes: Pipes,
    member: Member,
    inlet: Arc<PipeInlet<C>>,
    told: Receiver<Told>,
    tell: Sender<Told>,
}

enum Told {
    /// Its standard output has ended, or is no good.
    Output(Result<(), ProcessFailure>),
    /// It has said that it is a worker.
    Connected,
    /// It is to end now.
    Kill,
}

impl<C: Codec> Process<C> {
    /// Starts the child. It is there for the others when this returns.
    pub(super) fn begin(&mut self) -> io::Result<Run<C>> {
        let pipes = self.source.open(&self.slot.name)?;
        let outbox = Arc::new(Outbox::new(self.limits.queue));
        let inlet = Arc::new(PipeInlet { ends: Arc::clone(&self.ends), outbox });
        let member =
            self.core.exchange.join(self.limits.inbox, Arc::clone(&inlet) as _).named(&self.slot.name);
        let (tell, told) = channel();
        let killer = tell.clone();
        self.slot.set_killer(Box::new(move || drop(killer.send(Told::Kill))));
        if self.slot.begin(member.id()) {
            self.core.exchange.end_intake(member.id());
        }
        Ok(Run { pipes, member, inlet, told, tell })
    }

    /// Sees the worker to its end.
    pub(super) fn run(mut self, first: Run<C>) {
        let mut run = Ok(first);
        let mut before = Followed::default();
        let outcome = loop {
            let failure = match run {
                Ok(run) => match self.see_to(run, std::mem::take(&mut before)) {
                    (None, left, _) => {
                        break Ok(WorkerReport { restarts: self.slot.restarts(), left });
                    }
                    (Some(failure), _, followed) => {
                        before = followed;
                        failure
                    }
                },
                Err(error) => ProcessFailure::NotStarted(Arc::new(error)),
            };
            if !self.wait_to_restart(&failure) {
                let (name, restarts) = (self.slot.name.clone(), self.slot.restarts());
                break Err(WorkerError::Failed { name, failure, restarts });
            }
            run = self.begin();
        };
        self.core.unregister(&self.slot);
        self.slot.finish(outcome);
    }

    /// One run to its end. How it failed, what was left, and what it followed.
    fn see_to(&self, run: Run<C>, before: Followed) -> (Option<ProcessFailure>, CloseReport, Followed) {
        let Run { pipes: Pipes { child, input, output, errors }, member, inlet, told, tell } = run;
        let (progress, mut now) = (Progress::default(), Followed::default());
        let mut feeds = Feeds::default();
        let max_message = self.ends.max_message;
        let connect = tell.clone();
        let connected = || drop(connect.send(Told::Connected));
        let failure = thread::scope(|scope| {
            if let Some(input) = input {
                let outbox = Arc::clone(&inlet.outbox);
                // A pipe that is broken is at its end, of which the reader hears.
                scope.spawn(move || drop(outbox.write_to(input, None)));
            }
            if let Some(errors) = errors {
                let (name, lines) = (&*self.slot.name, &self.lines);
                scope.spawn(move || stderr::read(name, errors, lines));
            }
            if let Some(output) = output {
                let reader = PipeReader {
                    ends: &*self.ends,
                    inlet: &inlet,
                    member: &member,
                    progress: &progress,
                    connected: &connected,
                    before,
                    now: &mut now,
                    feeds: &mut feeds,
                };
                scope.spawn(move || {
                    let result = reader.read(FrameReader::new(output, max_message));
                    let _gone = tell.send(Told::Output(result));
                });
            }
            let failure = self.watch(&told, &progress);
            let status = child.map(|child| self.reap(child, failure.is_some()));
            // Whoever publishes to it, or waits for it, goes on.
            self.core.exchange.mute(member.id());
            inlet.outbox.end();
            match (failure, status) {
                (Some(failure), _) => Some(failure),
                (None, Some(Ok(status))) if !status.success() => Some(ProcessFailure::Exited(status)),
                (None, Some(Err(error))) => Some(ProcessFailure::NotStarted(Arc::new(error))),
                (None, _) => None,
            }
        });
        self.slot.end_run();
        // Not before it is reaped: what it had not begun, it will not.
        feeds.end();
        let unsent = inlet.outbox.end() + self.core.exchange.expel(member.id());
        (failure, CloseReport { unsent, ..CloseReport::default() }, now)
    }

    /// Until its output ends, or it has to be ended.
    fn watch(&self, told: &Receiver<Told>, progress: &Progress) -> Option<ProcessFailure> {
        let begin = Instant::now();
        loop {
            let limits = &self.limits;
            let (rest, failure) = if progress.is_connected() {
                let after = limits.silence_timeout;
                (after.saturating_sub(progress.silent_for()), ProcessFailure::Silent { after })
            } else {
                let after = limits.handshake_timeout;
                (after.saturating_sub(begin.elapsed()), ProcessFailure::NoHandshake { after })
            };
            if rest.is_zero() {
                return Some(failure);
            }
            match told.recv_timeout(rest) {
                Ok(Told::Output(result)) => return result.err(),
                Ok(Told::Kill) => return Some(ProcessFailure::Killed),
                Ok(Told::Connected) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Waits for the child, which nobody else does.
    fn reap(&self, mut child: Child, kill: bool) -> io::Result<ExitStatus> {
        let until = Instant::now() + self.limits.exit_timeout;
        let mut pause = Duration::from_micros(100);
        // The standard library waits for a child for ever or not at all.
        while !kill && Instant::now() < until {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        child.kill()?;
        child.wait()
    }

    /// Reports the failure. Says whether the worker is to run again, when it is time to.
    fn wait_to_restart(&mut self, failure: &ProcessFailure) -> bool {
        let (restarts, is_stopped) = (self.slot.restarts(), self.slot.is_stopped());
        let restart = self.restart.as_mut().filter(|restart| restarts < restart.max && !is_stopped);
        self.core.errors.report(BusError::WorkerFailed {
            worker: self.slot.name.clone(),
            failure: failure.clone(),
            restarts: restart.is_some(),
        });
        restart.is_some_and(|restart| self.slot.wait_to_restart(restart.backoff.next_delay()))
    }
}
