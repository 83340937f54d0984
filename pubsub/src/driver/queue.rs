//! A place in a queue group of the other side: frames that are asked for become events.

use std::sync::Arc;
use std::task::{Poll, Waker, ready};

use pubsub_transports::{JoinError, JoinQueue, QueueSeat};

use super::Driver;
use crate::SubscribeError;
use crate::errors::BusError;
use crate::event::Stored;
use crate::interest::Interest;

/// Dropping it leaves the group.
pub(crate) struct Queued {
    seat: Box<dyn QueueSeat>,
    driver: Arc<Driver>,
}

impl Driver {
    /// Asks for a place in the group of this name.
    ///
    /// # Errors
    /// If there can be none.
    pub(crate) fn join_queue(
        self: &Arc<Self>,
        group: String,
        interest: &Interest,
        prefetch: usize,
    ) -> Result<Queued, SubscribeError> {
        let addresses = self.inbound.addresses(interest)?;
        // While the host closes there is still something to share.
        let join = JoinQueue { group, addresses, prefetch };
        let seat = self.link.join_queue(join).ok_or(SubscribeError::NoQueueGroups)?;
        Ok(Queued { seat, driver: Arc::clone(self) })
    }
}

impl Queued {
    pub(crate) fn poll_joined(&mut self, waker: &Waker) -> Poll<Result<(), SubscribeError>> {
        self.seat.poll_joined(waker).map_err(|error| match error {
            JoinError::Closed => SubscribeError::Closed,
            JoinError::Rejected(rejection) => SubscribeError::Rejected(rejection),
        })
    }

    /// What is no event is told, here and to the host, and passed over.
    pub(crate) fn poll_next(&mut self, waker: &Waker) -> Poll<Option<Stored>> {
        loop {
            let Some(frame) = ready!(self.seat.poll_next(waker)) else { return Poll::Ready(None) };
            let inbound = &self.driver.inbound;
            match inbound.read(frame) {
                Ok(stored) => return Poll::Ready(Some(stored)),
                Err(undecodable) => {
                    self.seat.reject(undecodable.error.to_string());
                    inbound.errors.report(BusError::Undecodable(undecodable));
                }
            }
        }
    }
}
