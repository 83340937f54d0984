//! Pools: workers that share the events of what a pool selects, each event to exactly one of them.

mod builder;
mod error;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use pubsub_transports::__private::Queue;
use pubsub_transports::QueueStats;

pub use self::builder::PoolBuilder;
pub use self::error::PoolError;
use super::core::Core;
use super::slot::Slot;
use super::{Worker, WorkerError, WorkerReport};
use crate::{BusError, EventMap};

/// What the host knows of a pool.
pub(super) struct Group {
    name: String,
    queue: Queue,
    /// It does not keep the workers.
    core: Weak<Core>,
    /// Workers that have not ended.
    running: AtomicUsize,
}

impl Group {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn stats(&self) -> QueueStats {
        self.queue.stats()
    }

    /// Nothing more comes than what came.
    pub(super) fn close(&self) {
        self.queue.close();
    }

    /// What nobody has begun is lost, and told.
    pub(super) fn abandon(&self) {
        let events = self.queue.abandon();
        if let (Some(core), 1..) = (self.core.upgrade(), events) {
            core.errors.report(BusError::PoolLost { pool: self.name.clone(), events });
        }
    }

    /// One of its workers has ended. After the last there is nobody who could do what is left.
    fn worker_ended(&self) {
        if self.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.abandon();
            if let Some(core) = self.core.upgrade() {
                core.close_pool(&self.name);
            }
        }
    }
}

/// A pool of workers: what [`PoolBuilder::start`] gives. Dropping it leaves the pool alone.
///
/// Each event of what it selects goes to exactly one of its workers, which
/// [subscribe to it](crate::PubSub::queue_subscribe) by its name. It waits in the pool, and not in a worker, so a worker
/// that is stalled or dies takes nothing with it but the event that it is at. Events wait for workers that are being restarted too; when
/// the last has ended for good, those that are left are lost, which the errors of the host's bus tell as
/// [`PoolLost`](BusError::PoolLost), and what is published afterwards reaches nobody, as on every bus.
pub struct Pool<M: EventMap> {
    group: Arc<Group>,
    workers: Vec<Worker<M>>,
}

impl<M: EventMap> Pool<M> {
    /// Its name, which is that of the queue group.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.group.name
    }

    /// Its workers, those that have ended too.
    #[must_use]
    pub fn workers(&self) -> &[Worker<M>] {
        &self.workers
    }

    /// What became of its events.
    #[must_use]
    pub fn stats(&self) -> QueueStats {
        self.group.stats()
    }

    /// The pool takes nothing more, and its workers get nothing more than what it has: they share that, then their
    /// subscriptions end. One that fails is restarted only as long as there is something left to do.
    pub fn stop(&self) {
        self.group.close();
        self.workers.iter().for_each(Worker::drain);
    }

    /// Ready when all its workers have ended: how each did, in their order, and what became of the events.
    ///
    /// # Cancel safety
    /// It only waits.
    pub async fn finished(&self) -> PoolReport {
        let mut workers = Vec::new();
        for worker in &self.workers {
            workers.push(worker.finished().await);
        }
        PoolReport { workers, stats: self.stats() }
    }
}

impl<M: EventMap> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self { group: Arc::clone(&self.group), workers: self.workers.clone() }
    }
}

impl<M: EventMap> fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.name())
            .field("workers", &self.workers)
            .field("stats", &self.stats())
            .finish()
    }
}

/// How a pool ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PoolReport {
    /// How each of its workers ended, in their order.
    pub workers: Vec<Result<WorkerReport, WorkerError>>,
    /// What became of the events.
    pub stats: QueueStats,
}

impl PoolReport {
    /// Whether every event that the pool had accepted is done.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.stats.done == self.stats.accepted
    }
}

/// Counts the worker until it has ended.
fn count(group: &Arc<Group>, slot: &Slot) {
    group.running.fetch_add(1, Ordering::Relaxed);
    let queue = group.queue.clone();
    slot.set_pool(Arc::new(move |waker| queue.poll_over(waker)));
    let group = Arc::clone(group);
    slot.when_finished(Box::new(move || group.worker_ended()));
}
