//! The life of a process: it is started, seen to, reaped, and perhaps started again.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use pubsub_transports::__private::{FrameReader, Member, NAME_VARIABLE, Outbox};
use pubsub_transports::codec::Codec;
use shared_child::SharedChild;

use super::ProcessFailure;
use super::bridge::{Ends, PipeInlet};
use super::followed::Followed;
use super::reader::PipeReader;
use super::stderr::{self, Lines};
use super::watch::{Told, Watch};
use crate::worker::core::Core;
use crate::worker::slot::{Slot, Stop};
use crate::worker::thread::Restart;
use crate::worker::{WorkerError, WorkerReport};
use crate::{BusError, CloseReport};

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) inbox: usize,
    pub(super) max_message: usize,
    pub(super) max_in_flight: usize,
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
    /// What the runs so far followed.
    pub(super) before: Followed,
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
                let child = SharedChild::spawn(command)?;
                let input = child.take_stdin().map(|pipe| Box::new(pipe) as Input);
                let output = child.take_stdout().map(|pipe| Box::new(pipe) as Output);
                let errors = child.take_stderr();
                Ok(Pipes { child: Some(Arc::new(child)), input, output, errors })
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
    child: Option<Arc<SharedChild>>,
    input: Option<Input>,
    output: Option<Output>,
    errors: Option<ChildStderr>,
}

/// One run: a child, its place in the exchange, and the threads at its pipes, which may outlive it: a process that it has started may
/// hold these.
pub(super) struct Run<C: Codec> {
    child: Option<Arc<SharedChild>>,
    member: Arc<Member>,
    inlet: Arc<PipeInlet<C>>,
    reader: Arc<PipeReader<C>>,
    told: Receiver<Told>,
}

impl<C: Codec> Process<C> {
    /// Starts the child. It is there for the others when this returns.
    pub(super) fn begin(&mut self) -> io::Result<Run<C>> {
        let pipes = self.source.open(&self.slot.name)?;
        let outbox = Arc::new(Outbox::new(self.limits.queue));
        let inlet = Arc::new(PipeInlet { ends: Arc::clone(&self.ends), outbox });
        let inbox = self.limits.inbox;
        let member = self.core.exchange.join(inbox, Arc::clone(&inlet) as _).named(&self.slot.name);
        let (member, (tell, told)) = (Arc::new(member), channel());
        let before = std::mem::take(&mut self.before);
        let reader = Arc::new(PipeReader::new(Arc::clone(&inlet), Arc::clone(&member), before, tell.clone()));
        let child = pipes.child.clone();
        let run = Run { child, member, inlet, reader, told };
        if let Err(error) = self.start_threads(pipes, &run, &tell) {
            run.abort();
            self.before = run.reader.followed();
            return Err(error);
        }
        let killer = tell.clone();
        self.slot.set_killer(Box::new(move || drop(killer.send(Told::Kill))));
        let stop = self.slot.begin(run.member.id());
        self.core.stop_member(run.member.id(), stop);
        if stop == Stop::Dies {
            let _told = tell.send(Told::Kill);
        }
        Ok(run)
    }

    fn start_threads(&self, pipes: Pipes, run: &Run<C>, tell: &Sender<Told>) -> io::Result<()> {
        let Pipes { child, input, output, errors } = pipes;
        let max_message = self.ends.max_message;
        if let Some(input) = input {
            let outbox = Arc::clone(&run.inlet.outbox);
            // A pipe that is broken is at its end, of which the reader hears.
            start("pubsub-write", move || drop(outbox.write_to(input, None)))?;
        }
        if let Some(output) = output {
            let reader = Arc::clone(&run.reader);
            start("pubsub-read", move || reader.read(FrameReader::new(output, max_message)))?;
        }
        if let Some(errors) = errors {
            let (name, lines, tell) = (self.slot.name.clone(), Arc::clone(&self.lines), tell.clone());
            start("pubsub-stderr", move || {
                // Whoever gets the lines is code of users.
                let _panic = catch_unwind(AssertUnwindSafe(|| stderr::read(&name, errors, &lines)));
                let _gone = tell.send(Told::Errors);
            })?;
        }
        if let Some(child) = child {
            let tell = tell.clone();
            start("pubsub-wait", move || {
                let _gone = tell.send(Told::Exited(child.wait()));
            })?;
        }
        Ok(())
    }

    /// Sees the worker to its end.
    pub(super) fn run(mut self, first: Run<C>) {
        let mut run = Ok(first);
        let outcome = loop {
            let failure = match run {
                Ok(run) => match self.see_to(run) {
                    (None, left) => break Ok(WorkerReport { restarts: self.slot.restarts(), left }),
                    (Some(failure), _) => failure,
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

    /// One run to its end. How it failed, and what was left.
    fn see_to(&mut self, run: Run<C>) -> (Option<ProcessFailure>, CloseReport) {
        let Run { child, member, inlet, reader, told } = run;
        let (limits, member) = (self.limits, member.id());
        let watch = Watch { limits, child, reader: &reader, inlet: &inlet, member, told: &told };
        let failure = watch.until_over();
        self.slot.end_run();
        let unsent = inlet.outbox.end() + self.core.exchange.expel(member);
        self.before = reader.followed();
        (failure, CloseReport { unsent, ..CloseReport::default() })
    }

    /// Reports the failure. Says whether the worker is to run again, when it is time to.
    fn wait_to_restart(&mut self, failure: &ProcessFailure) -> bool {
        let (restarts, may_restart) = (self.slot.restarts(), self.slot.may_restart());
        let restart = self.restart.as_mut().filter(|restart| restarts < restart.max && may_restart);
        self.core.errors.report(BusError::WorkerFailed {
            worker: self.slot.name.clone(),
            failure: failure.clone(),
            restarts: restart.is_some(),
        });
        restart.is_some_and(|restart| self.slot.wait_to_restart(restart.backoff.next_delay()))
    }
}

impl<C: Codec> Run<C> {
    /// It is of no use: not all of its threads could be started.
    pub(super) fn abort(&self) {
        if let Some(child) = &self.child {
            let _gone = child.kill().and_then(|()| child.wait());
        }
        self.reader.give_up();
        self.reader.feeds.end();
        self.inlet.outbox.end();
        self.inlet.ends.exchange.expel(self.member.id());
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}
