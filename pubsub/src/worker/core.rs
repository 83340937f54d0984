//! What the host and its threads share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pubsub_transports::__private::{Exchange, MemberId};
use pubsub_transports::Shared;

use super::WorkerError;
use super::pool::{Group, PoolError};
use super::slot::{Slot, Stop};
use crate::driver::{Carries, Driver};
use crate::errors::ErrorSource;
use crate::{EventMap, PubSub};

pub(super) struct Core {
    pub(super) exchange: Exchange,
    /// The member of the host's bus.
    pub(super) host: MemberId,
    /// Those of the host's bus.
    pub(super) errors: ErrorSource,
    workers: Mutex<Workers>,
}

#[derive(Default)]
struct Workers {
    by_name: BTreeMap<String, Arc<Slot>>,
    pools: BTreeMap<String, Arc<Group>>,
    is_closed: bool,
}

/// A new bus on the exchange, and who it is there.
pub(super) fn connect<M: EventMap>(exchange: &Exchange, name: &str, inbox: usize) -> (PubSub<M>, MemberId) {
    let mut id = None;
    let bus = PubSub::with_driver(|parts| {
        let edge = Carries::<M>::__edge(Shared);
        Some(Driver::new::<M>(parts, edge, Exchange::GUARANTEES, |inlet| {
            let member = exchange.join(inbox, inlet).named(name);
            id = Some(member.id());
            Arc::new(member)
        }))
    });
    (bus, id.unwrap_or_else(|| unreachable!("a driver attaches its link")))
}

impl Core {
    pub(super) fn new(exchange: Exchange, host: MemberId, errors: ErrorSource) -> Self {
        Self { exchange, host, errors, workers: Mutex::default() }
    }

    fn workers(&self) -> MutexGuard<'_, Workers> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn register(&self, slot: &Arc<Slot>) -> Result<(), WorkerError> {
        let name = slot.name.clone();
        if name.is_empty() || name.contains('\0') {
            return Err(WorkerError::InvalidName { name });
        }
        let mut workers = self.workers();
        if workers.is_closed {
            return Err(WorkerError::Closed);
        }
        if workers.by_name.contains_key(&name) {
            return Err(WorkerError::NameTaken { name });
        }
        workers.by_name.insert(name, Arc::clone(slot));
        Ok(())
    }

    /// The name is free again.
    pub(super) fn unregister(&self, slot: &Slot) {
        let _slot = self.workers().by_name.remove(&slot.name);
    }

    /// # Errors
    /// If the host is closed.
    pub(super) fn open_pool(&self, pool: &Arc<Group>) -> Result<(), PoolError> {
        let mut workers = self.workers();
        if workers.is_closed {
            drop(workers);
            pool.abandon();
            return Err(PoolError::Closed);
        }
        workers.pools.insert(pool.name().to_owned(), Arc::clone(pool));
        Ok(())
    }

    pub(super) fn close_pool(&self, name: &str) {
        let _pool = self.workers().pools.remove(name);
    }

    pub(super) fn pools(&self) -> Vec<Arc<Group>> {
        self.workers().pools.values().cloned().collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Slot>> {
        self.workers().by_name.get(name).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Slot>> {
        self.workers().by_name.values().cloned().collect()
    }

    /// No worker is started any more, and those that run get nothing more than what they have.
    pub(super) fn stop(&self) -> Vec<Arc<Slot>> {
        self.workers().is_closed = true;
        self.pools().iter().for_each(|pool| pool.close());
        let all = self.all();
        for slot in &all {
            self.stop_one(slot, Stop::Drains);
        }
        all
    }

    pub(super) fn stop_one(&self, slot: &Slot, stop: Stop) {
        if let Some(member) = slot.stop(stop) {
            self.stop_member(member, stop);
        }
    }

    /// What the member gets is what the worker was told.
    pub(super) fn stop_member(&self, member: MemberId, stop: Stop) {
        if stop >= Stop::Drains {
            self.exchange.end_intake(member);
        }
        if stop >= Stop::Ends {
            self.exchange.retire(member);
        }
    }
}
