//! A handle on one worker.

use std::fmt;
use std::sync::Arc;

use super::core::Core;
use super::publish::PublishTo;
use super::slot::{Slot, Stop};
use super::{WorkerError, WorkerHost};
use crate::interest::Interest;
use crate::offer::Offer;
use crate::{Address, CloseReport, EventMap, PubSub, Selector, TopicKey};

/// A handle on a worker thread: what [`WorkerHost::spawn`] and [`WorkerHost::worker`] give.
///
/// It is a handle of the host's bus too, and keeps that open. Dropping it leaves the worker alone.
pub struct Worker<M: EventMap> {
    core: Arc<Core>,
    slot: Arc<Slot>,
    bus: PubSub<M>,
}

impl<M: EventMap> Worker<M> {
    pub(super) fn new(host: &WorkerHost<M>, slot: Arc<Slot>) -> Self {
        Self { core: Arc::clone(&host.core), slot, bus: host.bus.clone() }
    }

    pub(super) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// It gets nothing more than what it was sent, and what its pool has.
    pub(super) fn drain(&self) {
        self.core.stop_one(&self.slot, Stop::Drains);
    }

    /// Its name, which is that of its thread.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.slot.name
    }

    /// Publishes `payload` to this worker alone; complete it with `.await`, or with `.now()` from code that is not async.
    ///
    /// It reaches the subscriptions of the worker that follow the address, in the order of all other events, and nobody if
    /// there is none, as every publish does. It comes from the host's bus.
    ///
    /// ```
    /// # use futures::executor::block_on;
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Job(u32), Done(u32) }
    /// # block_on(async {
    /// let host = pubsub::WorkerHost::<App>::new();
    /// let mut done = host.bus().subscribe(App::DONE).await?;
    /// for name in ["one", "two"] {
    ///     host.spawn(name, move |bus| {
    ///         let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
    ///         while let Some(job) = block_on(jobs.next()) {
    ///             block_on(bus.publish(App::DONE, name, job.payload)).expect("the host listens");
    ///         }
    ///     })?;
    /// }
    /// let two = host.worker("two").expect("it runs");
    /// two.follows(App::JOB).await?;
    /// two.publish(App::JOB, "", 7).await?;
    /// assert_eq!(done.next().await.expect("an answer").id, "two");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`PublishError`](crate::PublishError), with the event in it: [`Closed`](crate::PublishError::Closed) if the worker has
    /// ended, is between two runs, or gets nothing more; [`Full`](crate::PublishError::Full) from `.now()` if its inbox has no
    /// room.
    pub fn publish<K: TopicKey<M>>(
        &self,
        topic: K,
        id: &K::Id,
        payload: K::Payload,
    ) -> PublishTo<'_, K::Payload, K::Id> {
        let topic = topic.__topic();
        let data = Offer::new((topic.index(), topic.name()), id, None, payload).make();
        PublishTo::new(&self.core, &self.slot, self.bus.handle(), data)
    }

    /// Ready when the worker follows all that `selector` selects: what is published from then on reaches it.
    ///
    /// # Errors
    /// [`Ended`](WorkerError::Ended) if it has ended, or does so before.
    ///
    /// # Cancel safety
    /// It only waits.
    pub async fn follows<S: Selector<M>>(&self, selector: S) -> Result<(), WorkerError> {
        let ended = || WorkerError::Ended { name: self.slot.name.clone() };
        let driver = self.bus.handle().driver.as_ref().ok_or_else(ended)?;
        let addresses = driver.addresses(&Interest::of(&selector)).map_err(|_| ended())?;
        let mut seen = 0;
        while let Some((run, member)) = self.slot.run_after(seen).await {
            if self.core.exchange.until_follows(member, addresses.clone()).await.is_ok() {
                return Ok(());
            }
            seen = run;
        }
        Err(ended())
    }

    /// What its subscriptions follow now: each address once, in order.
    #[must_use]
    pub fn followed(&self) -> Vec<Address> {
        self.slot.member().map_or_else(Vec::new, |member| self.core.exchange.followed(member))
    }

    /// How many events wait in its inbox, for room in its subscriptions.
    #[must_use]
    pub fn inbox(&self) -> usize {
        self.slot.member().map_or(0, |member| self.core.exchange.depth(member))
    }

    /// How often it was restarted.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.slot.restarts()
    }

    /// Whether it has not ended. Between two runs it has not.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.slot.is_running()
    }

    /// The worker gets nothing more than what it was sent, so that its subscriptions end once they have read it, and is not
    /// restarted. What it publishes until it ends is taken.
    ///
    /// One of a pool leaves that too: it finishes what it was given, and the others do the rest.
    pub fn stop(&self) {
        self.core.stop_one(&self.slot, Stop::Ends);
    }

    /// Ready when the worker has ended, with what was left on its bus. Everybody who waits is told.
    ///
    /// # Errors
    /// [`Panicked`](WorkerError::Panicked).
    ///
    /// # Cancel safety
    /// It only waits.
    pub async fn finished(&self) -> Result<WorkerReport, WorkerError> {
        self.slot.finished().await
    }
}

impl<M: EventMap> Clone for Worker<M> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), slot: Arc::clone(&self.slot), bus: self.bus.clone() }
    }
}

impl<M: EventMap> fmt::Debug for Worker<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("name", &self.slot.name)
            .field("running", &self.is_running())
            .field("restarts", &self.restarts())
            .finish_non_exhaustive()
    }
}

/// How a worker ended that did not panic in the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WorkerReport {
    /// How often it was restarted.
    pub restarts: u32,
    /// What was left on its bus: unread by subscriptions that outlive the worker's function, and `unsent` in its inbox.
    pub left: CloseReport,
}
