//! The host of workers.

use std::fmt;
use std::sync::Arc;

use pubsub_transports::__private::Exchange;

use super::close::CloseHost;
use super::core::{Core, connect};
use super::{PoolBuilder, Worker, WorkerBuilder, WorkerError};
use crate::interest::Interest;
use crate::{Address, EventMap, PubSub, Selector, SubscribeError, defaults};

/// Runs worker threads that share the events of the map `M`.
///
/// Each worker has a bus of its own, and so has the host: [`bus`](Self::bus). An event that is published on any of them
/// reaches the subscriptions of all, the publisher's own included, in one order. Events are not encoded: a payload needs
/// nothing of serde, and all readers share one value.
///
/// A publish is ready when the event is in the inbox of every bus that follows it. Subscriptions ask for backpressure by
/// default, as in one process: where a worker is behind, its subscriptions fill up, then its [inbox](WorkerBuilder::inbox),
/// and then publishers wait, in order.
///
/// A worker that panics harms no other: the panic is told by [`Worker::finished`] and on the
/// [errors](crate::PubSub::errors) of the host's bus, and the worker may be
/// [restarted](WorkerBuilder::restart_on_panic).
///
/// Needs the feature `worker`. When the host is dropped, its workers get nothing more, so that their subscriptions end, and
/// run to their end by themselves; to wait for them, [close](Self::close) it.
///
/// ```
/// use futures::executor::block_on;
/// use pubsub::WorkerHost;
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum App {
///     Number(u64),
///     Square(u64),
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let host = WorkerHost::<App>::new();
/// let worker = host.spawn("squares", |bus| {
///     let mut numbers = bus.subscribe(App::NUMBER).now().expect("the bus is open");
///     while let Some(number) = block_on(numbers.next()) {
///         let square = number.payload * number.payload;
///         block_on(bus.publish(App::SQUARE, &number.id, square)).expect("the host listens");
///     }
/// })?;
/// block_on(async {
///     worker.follows(App::NUMBER).await?;
///     let mut squares = host.bus().subscribe(App::SQUARE).await?;
///     host.bus().publish(App::NUMBER, "dozen", 12).await?;
///     assert_eq!(squares.next().await.expect("a square").payload, 144);
///     let report = host.close().until(std::future::pending::<()>()).await;
///     assert!(report.is_clean());
///     Ok(())
/// })
/// # }
/// ```
pub struct WorkerHost<M: EventMap> {
    pub(super) core: Arc<Core>,
    pub(super) bus: PubSub<M>,
}

impl<M: EventMap> WorkerHost<M> {
    /// A host without workers. Its own inbox holds [`defaults::INBOX`] events.
    #[must_use]
    pub fn new() -> Self {
        Self::with_inbox(defaults::INBOX)
    }

    /// A host without workers, whose own inbox holds at most so many events, and at least one.
    #[must_use]
    pub fn with_inbox(events: usize) -> Self {
        let exchange = Exchange::new();
        let (bus, member) = connect(&exchange, "host", events);
        let core = Arc::new(Core::new(exchange, member, bus.handle().errors.clone()));
        Self { core, bus }
    }

    /// The host's bus. A clone of it can outlive the host.
    #[must_use]
    pub fn bus(&self) -> &PubSub<M> {
        &self.bus
    }

    /// Runs `run` on a thread of its own, called `name`, with a bus of its own. The worker ends when the function returns.
    ///
    /// The function usually subscribes and then reads until its subscriptions end, which they do when the host is closed.
    /// To publish only once it has subscribed, wait for [`Worker::follows`].
    ///
    /// # Errors
    /// [`NameTaken`](WorkerError::NameTaken), [`InvalidName`](WorkerError::InvalidName), [`Closed`](WorkerError::Closed),
    /// [`NotStarted`](WorkerError::NotStarted).
    pub fn spawn<F>(&self, name: impl Into<String>, run: F) -> Result<Worker<M>, WorkerError>
    where
        F: FnOnce(PubSub<M>) + Send + 'static,
    {
        self.build(name).spawn(run)
    }

    /// The same for an async function, which a runtime of tokio drives that belongs to the worker alone and runs on its
    /// thread. The future needs not be `Send`. Needs the feature `tokio`.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # futures::executor::block_on(async {
    /// let host = pubsub::WorkerHost::<App>::new();
    /// let mut notes = host.bus().subscribe(App::NOTE).await?;
    /// let worker = host.spawn_async("clock", async |bus| {
    ///     tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    ///     bus.publish(App::NOTE, "clock", "tick".to_owned()).await.expect("the host listens");
    /// })?;
    /// assert_eq!(notes.next().await.expect("a note").payload, "tick");
    /// worker.finished().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`spawn`](Self::spawn).
    #[cfg(feature = "tokio")]
    pub fn spawn_async<F, Fut>(&self, name: impl Into<String>, run: F) -> Result<Worker<M>, WorkerError>
    where
        F: FnOnce(PubSub<M>) -> Fut + Send + 'static,
        Fut: Future<Output = ()>,
    {
        self.build(name).spawn_async(run)
    }

    /// A worker with options.
    pub fn build(&self, name: impl Into<String>) -> WorkerBuilder<'_, M> {
        WorkerBuilder::new(self, name.into())
    }

    /// A worker that is a process of its own, started by this command, with options. The process makes a bus of
    /// [`WorkerProcess::from_stdio`](crate::WorkerProcess::from_stdio), and is then a worker like any other.
    ///
    /// Events are encoded on their way to it and back, so payloads have to be serialisable. Needs the features `worker` and
    /// `json`.
    ///
    /// ```no_run
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Number(u64), Square(u64) }
    /// use std::process::Command;
    /// use pubsub::{WorkerHost, WorkerProcess};
    ///
    /// # async fn both() -> Result<(), Box<dyn std::error::Error>> {
    /// // In the program that is the host.
    /// let host = WorkerHost::<App>::new();
    /// let worker = host.command("squares", Command::new("./squares")).start()?;
    /// worker.follows(App::NUMBER).await?;
    ///
    /// // In the program `squares`.
    /// let bus = PubSub::<App>::new(WorkerProcess::from_stdio()?);
    /// let mut numbers = bus.subscribe(App::NUMBER).await?;
    /// while let Some(number) = numbers.next().await {
    ///     bus.publish(App::SQUARE, &number.id, number.payload * number.payload).await?;
    /// }
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "json")]
    pub fn command(
        &self,
        name: impl Into<String>,
        command: std::process::Command,
    ) -> super::ProcessBuilder<'_, M> {
        super::ProcessBuilder::with_command(self, name.into(), command)
    }

    /// The same with a worker at the other end of these pipes, `WorkerProcess::over` them, wherever that is: for tests. Needs the
    /// feature `test-util` too.
    #[cfg(all(feature = "json", feature = "test-util"))]
    pub fn pipes(
        &self,
        name: impl Into<String>,
        input: impl std::io::Write + Send + 'static,
        output: impl std::io::Read + Send + 'static,
    ) -> super::ProcessBuilder<'_, M> {
        super::ProcessBuilder::with_pipes(self, name.into(), input, output)
    }

    /// A pool of workers: each event that `selector` selects goes to exactly one of them. They are started by
    /// [`PoolBuilder::start`], and [subscribe](crate::PubSub::queue_subscribe) to the same by the pool's name.
    ///
    /// ```no_run
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Job(u32) }
    /// # use std::process::Command;
    /// use pubsub::{Backoff, Dispatch, WorkerHost};
    ///
    /// let host = WorkerHost::<App>::new();
    /// // All jobs of one id go to one process, in order. Each process says `bus.queue_subscribe(App::JOB, "jobs")`.
    /// let pool = host.pool("jobs", App::JOB).dispatch(Dispatch::ById).bound(1_024).start(4, |name| {
    ///     host.command(name, Command::new("./jobs")).restart_on_failure(10, Backoff::default()).start()
    /// })?;
    /// # Ok::<(), pubsub::PoolError>(())
    /// ```
    pub fn pool<S: Selector<M>>(&self, name: impl Into<String>, selector: S) -> PoolBuilder<'_, M> {
        PoolBuilder::new(self, name.into(), &selector)
    }

    /// What is called so on the exchange.
    pub(super) fn addresses(&self, interest: &Interest) -> Result<Vec<Address>, SubscribeError> {
        let driver = self.bus.handle().driver.as_ref().ok_or(SubscribeError::Closed)?;
        driver.addresses(interest)
    }

    /// The worker of this name, if it runs.
    #[must_use]
    pub fn worker(&self, name: &str) -> Option<Worker<M>> {
        self.core.find(name).map(|slot| Worker::new(self, slot))
    }

    /// All that run, by name.
    #[must_use]
    pub fn workers(&self) -> Vec<Worker<M>> {
        self.core.all().into_iter().map(|slot| Worker::new(self, slot)).collect()
    }

    /// Closes the host: nothing more is published on its bus, no worker is started, and those that run get nothing more than what
    /// they were sent; one that fails is restarted only for what its pool has still to do. So their subscriptions end once they have read it; what they publish until they
    /// end still reaches the host.
    ///
    /// Complete it with `.await` or `.now()`, which do not wait, or with [`.until(deadline).await`](CloseHost::until), which
    /// waits for the workers to end and for what the host's own subscriptions have still to read.
    pub fn close(&self) -> CloseHost<'_, M> {
        CloseHost::new(self)
    }
}

impl<M: EventMap> Default for WorkerHost<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: EventMap> Drop for WorkerHost<M> {
    fn drop(&mut self) {
        self.core.stop();
    }
}

impl<M: EventMap> fmt::Debug for WorkerHost<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.core.all().iter().map(|slot| slot.name.clone()).collect();
        f.debug_struct("WorkerHost")
            .field("workers", &names)
            .field("exchange", &self.core.exchange)
            .finish_non_exhaustive()
    }
}
