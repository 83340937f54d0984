//! The bus.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use pubsub_transports::{__private as transports, ConnectionState, Guarantees, InProcess, Transport};

use crate::close::Close;
use crate::connection::Gauge;
use crate::driver::{Driver, Parts};
use crate::engine::Engine;
use crate::errors::{BusError, ErrorSource, Errors};
use crate::handler::{Handler, HandlerResult};
use crate::interest::Interest;
use crate::offer::Offer;
use crate::stats::{blocking, stats};
use crate::{
    Carries, ConnectionStates, EventMap, Publish, Publisher, Selector, Subscribe, SubscribeError, TopicId,
    TopicKey, TopicStats,
};

/// A bus for the events of the map `M`: publish to a topic, subscribe to topics.
///
/// Cloning it gives another handle on the same bus. When the last handle is dropped, subscriptions end once they
/// have been read to the end.
///
/// How events travel is chosen when a bus is made and is no part of its type: [`default`](Self::default) stays in
/// the process, without serialisation and without asking anything of a runtime.
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum App {
///     Note(String),
/// }
///
/// # futures::executor::block_on(async {
/// let bus = PubSub::<App>::default();
/// let mut notes = bus.subscribe(App::NOTE.id("desk")).await?;
/// bus.publish(App::NOTE, "desk", "tidy".to_owned()).await?;
/// let event = notes.next().await.expect("the bus is open");
/// assert_eq!(event.payload, "tidy");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct PubSub<M: EventMap> {
    handle: Arc<Handle>,
    map: PhantomData<fn() -> M>,
}

/// Shared by the handles of a bus, so that it knows when the last one goes.
pub(crate) struct Handle {
    pub(crate) engine: Arc<Engine>,
    pub(crate) errors: ErrorSource,
    pub(crate) gauge: Arc<Gauge>,
    /// Where events leave the bus.
    pub(crate) driver: Option<Arc<Driver>>,
}

impl Handle {
    pub(crate) fn close_engine(&self) -> crate::engine::Left {
        let left = match &self.driver {
            Some(driver) if driver.is_draining() => self.engine.unread(),
            _ => self.engine.close(),
        };
        self.gauge.show(ConnectionState::Closed { error: None });
        left
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(driver) = &self.driver {
            drop(driver.close());
        }
        self.close_engine();
    }
}

impl<M: EventMap> PubSub<M> {
    /// A bus over `transport`.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// let bus = PubSub::<App>::new(pubsub::InProcess);
    /// ```
    #[must_use]
    pub fn new<T: Transport>(transport: T) -> Self
    where
        T::Body: Carries<M>,
    {
        Self::with_driver(|parts| match transports::connect(transport) {
            transports::Connection::InProcess => None,
            transports::Connection::Link { name, body, guarantees, attach } => {
                let parts = Parts { transport: name, ..parts };
                Some(Driver::new::<M>(parts, body.__edge(), guarantees, attach))
            }
        })
    }

    pub(crate) fn with_driver(driver: impl FnOnce(Parts) -> Option<Driver>) -> Self {
        let (engine, errors, gauge) =
            (Arc::new(Engine::new(M::TOPICS.len())), ErrorSource::new(), Gauge::new());
        let (reporter, blocked) = (errors.reporter(), Arc::downgrade(&engine));
        engine.tell_overdue(move |topic, waited| {
            let by = blocked.upgrade().map(|engine| blocking(&engine, topic)).unwrap_or_default();
            reporter.report(BusError::Blocked { topic: M::TOPICS[topic].name, waited, by });
        });
        let parts = Parts {
            engine: Arc::clone(&engine),
            errors: errors.reporter(),
            gauge: Arc::clone(&gauge),
            transport: "worker",
        };
        let driver = driver(parts).map(Arc::new);
        Self { handle: Arc::new(Handle { engine, errors, gauge, driver }), map: PhantomData }
    }

    #[cfg(feature = "worker")]
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Publishes `payload` to `topic` under `id`: complete it with `.await`, or with `.now()` from code that is not
    /// async.
    ///
    /// Every matching subscription gets the event once, the publisher's own included. Two publishes of one task to
    /// one topic and id arrive in the order in which they were first polled.
    ///
    /// In one process it is ready when every matching subscription with [backpressure](crate::Overflow::Backpressure) has
    /// a place for it; without a subscription, at once. Over a transport that leaves the bus it is ready when the other side
    /// accepted the event, and the subscriptions of this bus get it when it comes back; `.now()` is done when the
    /// transport's bounded queue took it, and what fails after that is told by [`errors`](Self::errors).
    ///
    /// # Errors
    /// [`PublishError`](crate::PublishError), with the event in it.
    #[inline]
    pub fn publish<'a, K: TopicKey<M>>(
        &'a self,
        topic: K,
        id: &'a K::Id,
        payload: K::Payload,
    ) -> Publish<'a, K::Payload, K::Id> {
        let topic = topic.__topic();
        Publish::new(&self.handle, Offer::new((topic.index(), topic.name()), id, None, payload))
    }

    /// A publisher to `topic` under `id`, which are looked up once; also a [`Sink`](futures_sink::Sink) of payloads.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # let bus = PubSub::<App>::default();
    /// let desk = bus.publisher(App::NOTE, "desk");
    /// desk.publish("tidy".to_owned()).now()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn publisher<K: TopicKey<M>>(&self, topic: K, id: &K::Id) -> Publisher<K::Payload, K::Id> {
        let topic = topic.__topic();
        Publisher::new(&self.handle, topic.name(), topic.index(), id.__to_owned(None))
    }

    /// Subscribes to what `selector` selects: complete it with `.await`, or with `.now()` from code that is not
    /// async.
    ///
    /// A topic is followed under every id; one id: `App::DOOR.id("x")`.
    ///
    /// # Errors
    /// [`SubscribeError`](crate::SubscribeError).
    pub fn subscribe<S: Selector<M>>(&self, selector: S) -> Subscribe<'_, S::Event> {
        Subscribe::new(&self.handle, &selector)
    }

    /// Subscribes as one of a group, the [pool](crate::WorkerHost::pool) of this name, which selects the same: each event goes to
    /// exactly one of the group. Complete it with `.await`, or with `.now()` from code that is not async.
    ///
    /// For the buses of workers, threads and processes, and of their host. Needs the feature `worker`.
    ///
    /// ```
    /// # use futures::executor::block_on;
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Job(u32), Done(u32) }
    /// # block_on(async {
    /// let host = pubsub::WorkerHost::<App>::new();
    /// let mut done = host.bus().subscribe(App::DONE).await?;
    /// let pool = host.pool("jobs", App::JOB).start(2, |name| {
    ///     host.spawn(name, |bus| {
    ///         let mut jobs = bus.queue_subscribe(App::JOB, "jobs").now().expect("the pool is there");
    ///         while let Some(job) = block_on(jobs.next()) {
    ///             block_on(bus.publish(App::DONE, &job.id, job.payload)).expect("the host listens");
    ///         }
    ///     })
    /// })?;
    /// for number in 0..10 {
    ///     host.bus().publish(App::JOB, "a", number).await?;
    /// }
    /// let mut numbers = Vec::new();
    /// for _ in 0..10 {
    ///     numbers.push(done.next().await.expect("an answer").payload);
    /// }
    /// numbers.sort();
    /// assert_eq!(numbers, (0..10).collect::<Vec<_>>()); // each once, by either of the two
    /// pool.stop();
    /// assert!(pool.finished().await.is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`SubscribeError`](crate::SubscribeError).
    #[cfg(feature = "worker")]
    pub fn queue_subscribe<S: Selector<M>>(
        &self,
        selector: S,
        group: impl Into<String>,
    ) -> crate::QueueSubscribe<'_, S::Event> {
        crate::QueueSubscribe::new(&self.handle, &selector, group.into())
    }

    /// Subscribes at once to what `selector` selects, and handles every event by `handle`: an async function, or an
    /// async closure as in `async |event| { .. }`, that returns nothing or a `Result<(), E>`.
    ///
    /// The [`Handler`] is a future that handles events while it is driven. For a bound or an overflow policy see
    /// [`Subscribe::on`].
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # futures::executor::block_on(async {
    /// let bus = PubSub::<App>::default();
    /// let mut errors = bus.errors();
    /// let mut seen = 0;
    /// let handler = bus.on(App::NOTE, async |event| {
    ///     seen += 1;
    ///     if event.payload.is_empty() { Err("an empty note") } else { Ok(()) }
    /// });
    /// bus.publish(App::NOTE, "desk", String::new()).await?;
    /// bus.publish(App::NOTE, "desk", "tidy".to_owned()).await?;
    /// drop(bus);
    /// handler.await?; // ready once the bus is gone and its last event handled
    /// assert_eq!(seen, 2);
    /// let error = errors.next().await.expect("one note was empty");
    /// assert_eq!(error.to_string(), "a handler of `Note` failed for the id \"desk\"");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The handler is ready with a [`SubscribeError`] if nothing was subscribed, which is told on [`errors`](Self::errors) too.
    /// What the function returns or panics with is told there, and does not end the handler.
    ///
    /// # Cancel safety
    /// Dropping the handler drops the event it is handling, and what it had not handled yet.
    pub fn on<S, F, R>(
        &self,
        selector: S,
        handle: F,
    ) -> Handler<impl Future<Output = Result<(), SubscribeError>> + use<M, S, F, R>>
    where
        S: Selector<M>,
        F: AsyncFnMut(S::Event) -> R,
        R: HandlerResult,
    {
        self.subscribe(selector).on(handle)
    }

    /// What goes wrong where no caller waits for an answer: handlers that fail or panic, what comes over a network and
    /// cannot be read, what was published by `.now()` and could not be sent.
    pub fn errors(&self) -> Errors {
        self.handle.errors.errors()
    }

    /// Tells on [`errors`](Self::errors) when a publish has waited for room for this long; by default
    /// [`defaults::WARN_BLOCKED_AFTER`](crate::defaults::WARN_BLOCKED_AFTER), [`Duration::MAX`] for never.
    ///
    /// A bus has no timer of its own. The wait is noticed by the next publish to the topic that has to wait, and whenever a
    /// publish that waits is polled again: of one that nobody polls, and that no other joins, only [`stats`](Self::stats) tells.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # use std::time::Duration;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # futures::executor::block_on(async {
    /// let bus = PubSub::<App>::default();
    /// bus.warn_blocked_after(Duration::ZERO);
    /// let slow = bus.subscribe(App::NOTE).bound(1).name("archive").await?;
    /// bus.publish(App::NOTE, "desk", "one".to_owned()).await?;
    /// let waits = bus.publish(App::NOTE, "desk", "two".to_owned());
    /// # let waits = futures::future::select(waits, std::future::ready(()));
    /// # drop(waits.await);
    /// let told = bus.errors().next().await.expect("the bus is open");
    /// assert_eq!(told.to_string(), "a publish to `Note` waits for full subscriptions: archive");
    /// # drop(slow);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn warn_blocked_after(&self, time: Duration) {
        self.handle.engine.set_overdue_after(time);
    }

    /// How many errors there were in all, whether somebody read them or not.
    #[must_use]
    pub fn error_count(&self) -> u64 {
        self.handle.errors.total()
    }

    /// How the bus stands with the other side, as a stream. In one process it is connected until it is closed.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # futures::executor::block_on(async {
    /// use pubsub::ConnectionState;
    ///
    /// let bus = PubSub::<App>::default();
    /// let mut connection = bus.connection();
    /// assert!(matches!(connection.next().await, Some(ConnectionState::Connected)));
    /// bus.close().await;
    /// assert!(matches!(connection.next().await, Some(ConnectionState::Closed { error: None })));
    /// assert!(connection.next().await.is_none());
    /// # });
    /// ```
    pub fn connection(&self) -> ConnectionStates {
        self.handle.gauge.watch()
    }

    /// How the bus stands with the other side now.
    #[must_use]
    pub fn connection_state(&self) -> ConnectionState {
        self.handle.gauge.state()
    }

    /// Who the hub says that this bus is, where its spoke has proved it; `None` for the anonymous, and for buses that no hub
    /// knows. It is the id that [`Topic::id_self`](crate::Topic::id_self) follows.
    #[must_use]
    pub fn identity(&self) -> Option<crate::IdString> {
        let driver = self.handle.driver.as_ref()?;
        driver.identity().map(|name| crate::IdString::from(&*name))
    }

    /// What the transport promises. What a bus promises holds within that.
    #[must_use]
    pub fn guarantees(&self) -> Guarantees {
        self.handle.driver.as_ref().map_or(InProcess::GUARANTEES, |driver| *driver.guarantees())
    }

    /// Whether some subscription of this bus follows some of what `selector` selects. In one process that is whether
    /// publishing there may reach somebody; over a network, others may follow it too.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # let bus = PubSub::<App>::default();
    /// let desk = bus.subscribe(App::NOTE.id("desk")).now()?;
    /// assert!(bus.has_subscribers(App::NOTE));
    /// assert!(!bus.has_subscribers(App::NOTE.id("shelf")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn has_subscribers<S: Selector<M>>(&self, selector: S) -> bool {
        self.handle.engine.has_subscribers(&Interest::of(&selector))
    }

    /// Figures of each topic, in the order of [`EventMap::TOPICS`]: who listens, what waits, what was lost, and for
    /// whom publishers wait.
    #[must_use]
    pub fn stats(&self) -> Vec<TopicStats> {
        stats::<M>(&self.handle.engine)
    }

    /// Closes the bus, for all its handles: nothing more is accepted, publishes that wait get their event back, and
    /// subscriptions end once they have been read to the end.
    ///
    /// Complete it with `.await` or `.now()`, which do not wait for readers, or with
    /// [`.until(deadline).await`](Close::until), which does. Closing a closed bus is fine, and reports anew.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # let bus = PubSub::<App>::default();
    /// let mut notes = bus.subscribe(App::NOTE).now()?;
    /// bus.publish(App::NOTE, "desk", "tidy".to_owned()).now()?;
    /// let report = bus.close().now();
    /// assert_eq!(report.unread, 1);
    /// assert_eq!(notes.try_next()?.payload, "tidy"); // still there
    /// assert_eq!(notes.try_next().unwrap_err(), TryNextError::Ended(End::Closed));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) -> Close<'_> {
        Close::new::<M>(&self.handle)
    }

    /// Listens to everything, for the test bus.
    #[cfg(feature = "test-util")]
    pub(crate) fn observer(&self) -> Result<crate::engine::Seat, crate::engine::Refused> {
        let mut everything = Interest::default();
        everything.add_all();
        let terms = crate::engine::Terms {
            bound: usize::MAX,
            overflow: crate::Overflow::Backpressure,
            name: None,
            observes: true,
        };
        self.handle.engine.subscribe(everything, terms)
    }

    /// Whether the bus was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.handle.engine.is_closed() || self.handle.driver.as_ref().is_some_and(|it| it.is_closed())
    }
}

/// A bus in one process.
impl<M: EventMap> Default for PubSub<M> {
    fn default() -> Self {
        Self::new(InProcess)
    }
}

impl<M: EventMap> Clone for PubSub<M> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), map: PhantomData }
    }
}

impl<M: EventMap> fmt::Debug for PubSub<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSub").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
