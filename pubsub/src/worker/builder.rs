//! Options of a worker.

use std::io;
use std::sync::Arc;
use std::thread;

use pubsub_transports::Backoff;

use super::core::connect;
use super::slot::Slot;
use super::thread::{Body, Restart, Thread};
use super::{Worker, WorkerError, WorkerHost};
use crate::{EventMap, PubSub, defaults};

/// A worker that is about to be started, with options; made by [`WorkerHost::build`].
///
/// ```
/// # use pubsub::prelude::*;
/// # #[derive(EventMap)] enum App { Note(String) }
/// let host = pubsub::WorkerHost::<App>::new();
/// let worker = host.build("printer").inbox(16).stack_size(128 * 1024).spawn(|bus| {
///     bus.publish(App::NOTE, "desk", "hello".to_owned()).now().expect("there is room");
/// })?;
/// assert_eq!(worker.name(), "printer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is started until `spawn` is called"]
pub struct WorkerBuilder<'a, M: EventMap> {
    host: &'a WorkerHost<M>,
    name: String,
    inbox: usize,
    stack_size: Option<usize>,
}

impl<'a, M: EventMap> WorkerBuilder<'a, M> {
    pub(super) fn new(host: &'a WorkerHost<M>, name: String) -> Self {
        Self { host, name, inbox: defaults::INBOX, stack_size: None }
    }

    /// How many events its inbox holds at most: at least 1, by default [`defaults::INBOX`]. They wait there while its
    /// subscriptions have no room; when it is full too, publishers wait.
    pub fn inbox(mut self, events: usize) -> Self {
        self.inbox = events;
        self
    }

    /// The size of its stack in bytes; by default what the standard library gives a thread.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Runs it again when it panics, at most `max` times in its life, each time after a delay of `backoff`. Each run has a new
    /// bus.
    ///
    /// What is published between two runs does not reach it.
    pub fn restart_on_panic(self, max: u32, backoff: Backoff) -> RestartingWorker<'a, M> {
        RestartingWorker { builder: self, restart: Restart { max, backoff } }
    }

    /// Starts it: see [`WorkerHost::spawn`].
    ///
    /// # Errors
    /// [`WorkerError`]: nothing was started.
    pub fn spawn<F>(self, run: F) -> Result<Worker<M>, WorkerError>
    where
        F: FnOnce(PubSub<M>) + Send + 'static,
    {
        let mut run = Some(run);
        let body = Box::new(move |bus| {
            if let Some(run) = run.take() {
                run(bus);
            }
        });
        self.start(None, body)
    }

    /// Starts it with a runtime of tokio: see [`WorkerHost::spawn_async`].
    ///
    /// # Errors
    /// [`WorkerError`]: nothing was started.
    #[cfg(feature = "tokio")]
    pub fn spawn_async<F, Fut>(self, run: F) -> Result<Worker<M>, WorkerError>
    where
        F: FnOnce(PubSub<M>) -> Fut + Send + 'static,
        Fut: Future<Output = ()>,
    {
        let runtime = runtime().map_err(|error| not_started(&self.name, error))?;
        self.spawn(move |bus| runtime.block_on(async { run(bus).await }))
    }

    fn start(self, restart: Option<Restart>, body: Body<M>) -> Result<Worker<M>, WorkerError> {
        let (core, slot) = (&self.host.core, Slot::new(self.name));
        core.register(&slot)?;
        // It is there when this returns: nothing that is published to it by name then is refused.
        let (bus, member) = connect(&core.exchange, &slot.name, self.inbox);
        core.stop_member(member, slot.begin(member));
        let thread = Thread { core: Arc::clone(core), slot: Arc::clone(&slot), inbox: self.inbox, restart };
        let mut builder = thread::Builder::new().name(slot.name.clone());
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        match builder.spawn(move || thread.run(bus, member, body)) {
            Ok(_) => Ok(Worker::new(self.host, slot)),
            Err(error) => {
                core.unregister(&slot);
                Err(not_started(&slot.name, error))
            }
        }
    }
}

fn not_started(name: &str, error: io::Error) -> WorkerError {
    WorkerError::NotStarted { name: name.to_owned(), error: Arc::new(error) }
}

#[cfg(feature = "tokio")]
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// A worker that is about to be started, and will be restarted when it panics; made by
/// [`WorkerBuilder::restart_on_panic`].
///
/// ```
/// # use pubsub::prelude::*;
/// # use std::time::Duration;
/// # #[derive(EventMap)] enum App { Note(String) }
/// # futures::executor::block_on(async {
/// let host = pubsub::WorkerHost::<App>::new();
/// let backoff = pubsub::Backoff::new(Duration::from_millis(1), Duration::from_millis(10));
/// let mut runs = 0;
/// let worker = host.build("flaky").restart_on_panic(5, backoff).spawn(move |_| {
///     runs += 1;
///     assert_eq!(runs, 3, "not yet");
/// })?;
/// assert_eq!(worker.finished().await?.restarts, 2);
/// assert_eq!(host.bus().error_count(), 2); // each panic is told
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use = "nothing is started until `spawn` is called"]
pub struct RestartingWorker<'a, M: EventMap> {
    builder: WorkerBuilder<'a, M>,
    restart: Restart,
}

impl<M: EventMap> RestartingWorker<'_, M> {
    /// Starts it: see [`WorkerHost::spawn`]. The function is called once for each run.
    ///
    /// # Errors
    /// [`WorkerError`]: nothing was started.
    pub fn spawn<F>(self, run: F) -> Result<Worker<M>, WorkerError>
    where
        F: FnMut(PubSub<M>) + Send + 'static,
    {
        self.builder.start(Some(self.restart), Box::new(run))
    }

    /// Starts it with a runtime of tokio, a new one for each run: see [`WorkerHost::spawn_async`].
    ///
    /// # Errors
    /// [`WorkerError`]: nothing was started.
    #[cfg(feature = "tokio")]
    pub fn spawn_async<F, Fut>(self, mut run: F) -> Result<Worker<M>, WorkerError>
    where
        F: FnMut(PubSub<M>) -> Fut + Send + 'static,
        Fut: Future<Output = ()>,
    {
        let mut first = Some(runtime().map_err(|error| not_started(&self.builder.name, error))?);
        self.spawn(move |bus| {
            let runtime = first.take().map_or_else(runtime, Ok);
            runtime.expect("the system gives a runtime").block_on(async { run(bus).await });
        })
    }
}

impl<M: EventMap> std::fmt::Debug for RestartingWorker<'_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestartingWorker")
            .field("name", &self.builder.name)
            .field("max", &self.restart.max)
            .field("backoff", &self.restart.backoff)
            .finish_non_exhaustive()
    }
}
