//! Options of a pool.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use pubsub_transports::__private::Unfinished;
use pubsub_transports::Dispatch;

use super::{Group, Pool, PoolError, count};
use crate::interest::Interest;
use crate::worker::{Worker, WorkerError, WorkerHost};
use crate::{BusError, EventMap, Selector, SubscribeError, defaults};

/// A pool of workers that is about to be started; made by [`WorkerHost::pool`].
#[must_use = "nothing is started until `start` is called"]
pub struct PoolBuilder<'a, M: EventMap> {
    host: &'a WorkerHost<M>,
    name: String,
    interest: Interest,
    dispatch: Dispatch,
    bound: usize,
}

impl<'a, M: EventMap> PoolBuilder<'a, M> {
    pub(in crate::worker) fn new<S: Selector<M>>(
        host: &'a WorkerHost<M>,
        name: String,
        selector: &S,
    ) -> Self {
        let interest = Interest::of(selector);
        Self { host, name, interest, dispatch: Dispatch::default(), bound: defaults::INBOX }
    }

    /// Which worker gets an event: by default [the one that has least to do](Dispatch::LeastLoaded).
    pub fn dispatch(mut self, dispatch: Dispatch) -> Self {
        self.dispatch = dispatch;
        self
    }

    /// How many events wait at most, and one more: at least 1, by default [`defaults::INBOX`]. Beyond it publishers wait, in
    /// order, and `.now()` is refused.
    ///
    /// [By id](Dispatch::ById) it is how many wait for each worker: the others go on until so many wait for one that is stalled.
    pub fn bound(mut self, events: usize) -> Self {
        self.bound = events;
        self
    }

    /// Starts so many workers, each by `start`, which is given the name that it is to have: that of the pool, `-` and a number
    /// from 1 on. They are threads or processes, with whatever options, of this host.
    ///
    /// From now on events wait for them, whether they have subscribed or not: none is lost at the beginning.
    ///
    /// # Errors
    /// [`PoolError`]. Workers that were started before one that was not are told to stop.
    pub fn start<F>(self, workers: usize, mut start: F) -> Result<Pool<M>, PoolError>
    where
        F: FnMut(&str) -> Result<Worker<M>, WorkerError>,
    {
        if workers == 0 {
            return Err(PoolError::NoWorkers);
        }
        // Until all are started the pool counts as one more.
        let group = self.open()?;
        let mut pool = Pool { group, workers: Vec::with_capacity(workers) };
        for number in 1..=workers {
            match start(&format!("{}-{number}", pool.name())) {
                Ok(worker) => {
                    count(&pool.group, worker.slot());
                    pool.workers.push(worker);
                }
                Err(error) => {
                    pool.stop();
                    pool.group.worker_ended();
                    return Err(PoolError::Worker(error));
                }
            }
        }
        pool.group.worker_ended();
        Ok(pool)
    }

    fn open(self) -> Result<Arc<Group>, PoolError> {
        let Self { host, name, interest, dispatch, bound } = self;
        if interest.is_empty() {
            return Err(PoolError::NoTopic);
        }
        let addresses = host.addresses(&interest).map_err(|error| match error {
            SubscribeError::Address(error) => PoolError::Address(error),
            _ => PoolError::Closed,
        })?;
        let (errors, pool) = (host.core.errors.clone(), name.clone());
        let unfinished = move |Unfinished { header, member: worker, undecodable }: Unfinished| {
            let (pool, topic, id) = (pool.clone(), header.topic().to_owned(), header.id().into());
            errors.report(match undecodable {
                Some(reason) => BusError::UndecodableInPool { pool, worker, topic, id, reason },
                None => BusError::Unfinished { pool, worker, topic, id },
            });
        };
        let queue = host.core.exchange.open_queue(&name, addresses, dispatch, bound, unfinished);
        let Some(queue) = queue else { return Err(PoolError::NameTaken { name }) };
        let core = Arc::downgrade(&host.core);
        let group = Arc::new(Group { name, queue, core, running: AtomicUsize::new(1) });
        host.core.open_pool(&group)?;
        Ok(group)
    }
}

impl<M: EventMap> fmt::Debug for PoolBuilder<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuilder")
            .field("name", &self.name)
            .field("dispatch", &self.dispatch)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}
