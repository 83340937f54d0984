//! Options of a worker process.

use std::fmt;
#[cfg(feature = "test-util")]
use std::io::{Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pubsub_transports::codec::{Codec, Json, MAX_MESSAGE};
use pubsub_transports::{Backoff, Encoded, Shared};

use super::bridge::Ends;
use super::followed::Followed;
use super::run::{Limits, Process, Source};
use super::stderr::{Lines, pass_through};
use crate::driver::Carries;
use crate::worker::slot::Slot;
use crate::worker::thread::Restart;
use crate::worker::{Worker, WorkerError, WorkerHost};
use crate::{EventMap, WireMap, defaults};

/// A worker process that is about to be started; made by [`WorkerHost::command`].
#[must_use = "nothing is started until `start` is called"]
pub struct ProcessBuilder<'a, M: EventMap, C = Json> {
    host: &'a WorkerHost<M>,
    name: String,
    source: Source,
    codec: C,
    limits: Limits,
    restart: Option<Restart>,
    lines: Lines,
}

impl<'a, M: EventMap> ProcessBuilder<'a, M> {
    pub(in crate::worker) fn with_command(host: &'a WorkerHost<M>, name: String, command: Command) -> Self {
        Self::new(host, name, Source::Command(command))
    }

    /// At the end of pipes: what is written to, and what is read from.
    #[cfg(feature = "test-util")]
    pub(in crate::worker) fn with_pipes(
        host: &'a WorkerHost<M>,
        name: String,
        input: impl Write + Send + 'static,
        output: impl Read + Send + 'static,
    ) -> Self {
        Self::new(host, name, Source::Pipes(Some((Box::new(input), Box::new(output)))))
    }

    fn new(host: &'a WorkerHost<M>, name: String, source: Source) -> Self {
        let limits = Limits {
            inbox: defaults::INBOX,
            max_message: MAX_MESSAGE,
            max_in_flight: 256,
            queue: 1 << 20,
            handshake_timeout: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(30),
            exit_timeout: Duration::from_secs(5),
        };
        Self { host, name, source, codec: Json::default(), limits, restart: None, lines: pass_through() }
    }
}

impl<'a, M: EventMap, C: Codec + Clone> ProcessBuilder<'a, M, C> {
    /// The codec, which has to be that of the process: JSON by default.
    pub fn codec<D: Codec + Clone>(self, codec: D) -> ProcessBuilder<'a, M, D> {
        let Self { host, name, source, limits, restart, lines, .. } = self;
        ProcessBuilder { host, name, source, codec, limits, restart, lines }
    }

    /// How many events its inbox holds at most: at least 1, by default [`defaults::INBOX`]. They wait there while there is no
    /// room in its [queue](Self::queue); when it is full too, publishers wait.
    pub fn inbox(mut self, events: usize) -> Self {
        self.limits.inbox = events;
        self
    }

    /// How many events of the process may be on their way that the host has not accepted yet: at least 1, 256 by default. Beyond it
    /// they wait in the process, and then its publishers.
    pub fn max_in_flight(mut self, events: usize) -> Self {
        self.limits.max_in_flight = events.max(1);
        self
    }

    /// How many bytes of events wait to be written to its pipe, and one event more: 1 MiB by default. Then they wait in its inbox.
    /// As much again of what its pools give it; then they give it nothing more. And of answers, about as much; one that does not
    /// read these is not read either.
    pub fn queue(mut self, bytes: usize) -> Self {
        self.limits.queue = bytes;
        self
    }

    /// How many bytes a message of the process may have: [`MAX_MESSAGE`], 64 KiB, by default. Beyond it the process is killed, as
    /// [`Garbage`](super::ProcessFailure::Garbage). What goes to it is bounded by the codec.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.limits.max_message = bytes;
        self
    }

    /// How long the process may take to make a bus of its standard input and output: 10 s by default. Then it is killed, as
    /// [`NoHandshake`](super::ProcessFailure::NoHandshake).
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.limits.handshake_timeout = timeout;
        self
    }

    /// After how long without a sign of life the process is killed, as [`Silent`](super::ProcessFailure::Silent): 30 s by
    /// default. A process that has nothing to say gives one [every 5 s](pubsub_transports::WorkerProcess::heartbeat), whatever
    /// its program is at; one that is slow to read its subscriptions is not silent. One that does not read its standard input for so
    /// long is killed too, as [`NotReading`](super::ProcessFailure::NotReading).
    pub fn silence_timeout(mut self, timeout: Duration) -> Self {
        self.limits.silence_timeout = timeout;
        self
    }

    /// How long the process may take to end once its bus is closed, or its standard output: 5 s by default. Then it is killed, as
    /// [`NotExited`](super::ProcessFailure::NotExited). As long a process that it has started may hold its standard output and
    /// error when it has ended; what comes there later is not read.
    pub fn exit_timeout(mut self, timeout: Duration) -> Self {
        self.limits.exit_timeout = timeout;
        self
    }

    /// Starts it again when it fails, at most `max` times in its life, each time after a delay of `backoff`.
    ///
    /// What is published between two runs does not reach it, and what had not been read by the process that failed is lost: a
    /// subscription of the new process to an address that the last one followed is told so, by a gap of unknown size.
    pub fn restart_on_failure(mut self, max: u32, backoff: Backoff) -> Self {
        self.restart = Some(Restart { max, backoff });
        self
    }

    /// Who gets what it writes to standard error, as its name and a line; a line beyond 8 KiB comes in parts. By default it
    /// goes to the standard error of this process, each line after the name.
    pub fn stderr(mut self, lines: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        self.lines = Arc::new(lines);
        self
    }

    /// Starts it. Its standard input, output and error are pipes from then on, whatever the command says.
    ///
    /// # Errors
    /// [`WorkerError`]: nothing was started.
    pub fn start(self) -> Result<Worker<M>, WorkerError>
    where
        M: WireMap,
    {
        let Self { host, name, source, codec, limits, restart, lines } = self;
        let (core, slot) = (&host.core, Slot::new(name));
        core.register(&slot)?;
        let ends = Ends {
            exchange: core.exchange.clone(),
            errors: core.errors.clone(),
            shared: Carries::<M>::__edge(Shared),
            encoded: Carries::<M>::__edge(Encoded::new(Arc::new(codec.clone()))),
            codec,
            topic_index: M::topic_index,
            max_message: limits.max_message,
            max_in_flight: limits.max_in_flight,
        };
        let mut process = Process {
            core: Arc::clone(core),
            slot: Arc::clone(&slot),
            ends: Arc::new(ends),
            source,
            limits,
            restart,
            lines,
            before: Followed::default(),
        };
        let not_started = |error| {
            core.unregister(&slot);
            WorkerError::NotStarted { name: slot.name.clone(), error: Arc::new(error) }
        };
        let first = process.begin().map_err(&not_started)?;
        let thread = thread::Builder::new().name(slot.name.clone());
        // It is there to be ended where there is no thread for it.
        let first = Arc::new(Mutex::new(Some(first)));
        let run = Arc::clone(&first);
        let spawned = thread.spawn(move || {
            if let Some(first) = take(&run) {
                process.run(first);
            }
        });
        match spawned {
            Ok(_) => Ok(Worker::new(host, slot)),
            Err(error) => {
                if let Some(first) = take(&first) {
                    first.abort();
                }
                Err(not_started(error))
            }
        }
    }
}

impl<M: EventMap, C> fmt::Debug for ProcessBuilder<'_, M, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

fn take<T>(once: &Mutex<Option<T>>) -> Option<T> {
    once.lock().unwrap_or_else(PoisonError::into_inner).take()
}
