//! What a worker's thread does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pubsub_transports::__private::{Leave, MemberId};
use pubsub_transports::Backoff;

use super::core::{Core, connect};
use super::slot::Slot;
use super::{WorkerError, WorkerReport};
use crate::{BusError, CloseReport, EventMap, PubSub};

/// The worker's function, called once for each run.
pub(super) type Body<M> = Box<dyn FnMut(PubSub<M>) + Send>;

/// Whether a worker that panics is run again.
pub(super) struct Restart {
    pub(super) max: u32,
    pub(super) backoff: Backoff,
}

pub(super) struct Thread {
    pub(super) core: Arc<Core>,
    pub(super) slot: Arc<Slot>,
    pub(super) inbox: usize,
    pub(super) restart: Option<Restart>,
}

impl Thread {
    /// Runs the worker to its end, on a bus that is there already.
    pub(super) fn run<M: EventMap>(mut self, mut bus: PubSub<M>, mut member: MemberId, mut body: Body<M>) {
        let outcome = loop {
            let result = catch_unwind(AssertUnwindSafe(|| body(bus.clone())));
            let left = self.leave(bus, member);
            let Err(panic) = result else {
                break Ok(WorkerReport { restarts: self.slot.restarts(), left });
            };
            let message = crate::handler::message(&*panic);
            // Its destructor is code of users.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
            let is_restarted = self.wait_to_restart(&message);
            if !is_restarted {
                let (name, restarts) = (self.slot.name.clone(), self.slot.restarts());
                break Err(WorkerError::Panicked { name, message, restarts });
            }
            (bus, member) = connect(&self.core.exchange, &self.slot.name, self.inbox);
            self.core.stop_member(member, self.slot.begin(member));
        };
        // What the function owns goes before the worker is said to have ended.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(body)));
        self.core.unregister(&self.slot);
        self.slot.finish(outcome);
    }

    /// Nobody waits for its inbox any more.
    fn leave<M: EventMap>(&self, bus: PubSub<M>, member: MemberId) -> CloseReport {
        self.slot.end_run();
        // A place that outlives the function is nobody's any more.
        self.core.exchange.leave_queues(member, Leave::Unfinished);
        let left = bus.close().now();
        self.core.exchange.expel(member);
        left
    }

    /// Reports the panic. Says whether the worker is to run again, when it is time to.
    fn wait_to_restart(&mut self, message: &str) -> bool {
        let may_restart = self.slot.may_restart();
        let restarts = self.slot.restarts();
        let restart = self.restart.as_mut().filter(|restart| restarts < restart.max && may_restart);
        self.core.errors.report(BusError::WorkerPanicked {
            worker: self.slot.name.clone(),
            message: message.to_owned(),
            restarts: restart.is_some(),
        });
        restart.is_some_and(|restart| self.slot.wait_to_restart(restart.backoff.next_delay()))
    }
}
