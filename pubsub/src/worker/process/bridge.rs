//! What is said to a process: the end of its pipe that is in the exchange.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Waker};

use pubsub_transports::__private::{Control, Exchange, Outbox};
use pubsub_transports::codec::Codec;
use pubsub_transports::{
    Address, Body, ConnectionState, DecodeError, EncodeError, ErrorCode, Frame, Gap, Header, Inlet,
    Rejection, SendError, Undecodable,
};

use crate::BusError;
use crate::driver::Edge;
use crate::errors::ErrorSource;
use crate::event::Arrival;

/// What stays the same in all runs of a process.
pub(super) struct Ends<C> {
    pub(super) exchange: Exchange,
    pub(super) errors: ErrorSource,
    pub(super) codec: C,
    /// Between events and what the exchange carries.
    pub(super) shared: Arc<dyn Edge>,
    /// Between events and bytes.
    pub(super) encoded: Arc<dyn Edge>,
    pub(super) topic_index: fn(&str) -> Option<usize>,
    pub(super) max_message: usize,
    /// How many events of a process may be on their way and not accepted.
    pub(super) max_in_flight: usize,
}

impl<C: Codec> Ends<C> {
    pub(super) fn not_sent(&self, header: &Header, (code, reason): (ErrorCode, String)) {
        let (topic, id) = (header.topic().to_owned(), header.id().into());
        let error = SendError::Rejected(Rejection::new(code, reason));
        self.errors.report(BusError::NotSent { topic, id, error });
    }

    /// The message of a frame of the exchange.
    pub(super) fn message(&self, header: &Header, body: Body) -> Result<bytes::Bytes, (ErrorCode, String)> {
        let topic = (self.topic_index)(header.topic()).unwrap_or_default();
        // A `Serialize` is code of users, and runs on the thread of whoever publishes.
        let encoded = catch_unwind(AssertUnwindSafe(|| {
            let internal = |error: DecodeError| (ErrorCode::Internal, error.to_string());
            let stored = self.shared.decode(topic, header, body).map_err(internal)?;
            let body = self.encoded.encode(&stored).map_err(|error| refusal(&error))?;
            Ok((body, stored.event_id()))
        }));
        let (body, event_id) = encoded
            .unwrap_or_else(|_| Err((ErrorCode::BadRequest, "its `Serialize` panicked".to_owned())))?;
        let mut header = header.clone();
        if let Some(event_id) = event_id {
            header = header.with_event_id(event_id);
        }
        Control::Event(Frame { header, body }).write(&self.codec).map_err(|error| refusal(&error))
    }

    /// The frame of the exchange that is this event.
    pub(super) fn frame(&self, frame: Frame) -> Result<Frame, Undecodable> {
        let Frame { header, body } = frame;
        let address = || header.address().ok();
        let Some(topic) = (self.topic_index)(header.topic()) else {
            return Err(Undecodable::new(address(), DecodeError::unknown_type(header.topic())));
        };
        let decoded = catch_unwind(AssertUnwindSafe(|| self.encoded.decode(topic, &header, body)));
        let panicked = |_| Err(DecodeError::payload(header.topic(), "its `Deserialize` panicked"));
        let stored = decoded.unwrap_or_else(panicked).map_err(|error| Undecodable::new(address(), error))?;
        let stored = stored.arrived(
            header.event_id(),
            Arrival { sequence: 0, position: None },
            header.carried().clone(),
        );
        match self.shared.encode(&stored) {
            Ok(body) => Ok(Frame { header, body }),
            Err(error) => {
                Err(Undecodable::new(address(), DecodeError::payload(header.topic(), error.to_string())))
            }
        }
    }
}

/// What the exchange tells a process.
pub(super) struct PipeInlet<C> {
    pub(super) ends: Arc<Ends<C>>,
    pub(super) outbox: Arc<Outbox>,
}

impl<C: Codec> PipeInlet<C> {
    pub(super) fn say(&self, control: &Control) {
        if let Ok(message) = control.write(&self.ends.codec) {
            self.outbox.push(message);
        }
    }

    /// Events to this address are missing, before those that come next.
    pub(super) fn tell_gap(&self, address: Address, missed: Option<u64>) {
        if let Ok(message) = Control::Gap(address, missed).write(&self.ends.codec) {
            self.outbox.deliver_gap(message);
        }
    }
}

impl<C: Codec> Inlet for PipeInlet<C> {
    fn poll_ready(&self, waker: &Waker) -> Poll<()> {
        self.outbox.poll_room(waker)
    }

    fn deliver(&self, frame: Frame) {
        let Frame { header, body } = frame;
        match self.ends.message(&header, body) {
            Ok(message) => self.outbox.deliver(message),
            Err(reason) => {
                // The process is told too. It may follow the one, the other, or both.
                let addresses = [header.address(), Address::whole(header.topic())];
                for address in addresses.into_iter().flatten() {
                    self.tell_gap(address, Some(1));
                }
                self.ends.not_sent(&header, reason);
            }
        }
    }

    fn subscribed(&self, request: u64) {
        self.say(&Control::Subscribed(request));
    }

    /// An exchange refuses nobody, loses nothing, and sends what it took.
    fn refused(&self, _: u64, _: Address, _: Rejection) {}

    fn gap(&self, _: Option<Address>, _: Gap) {}

    fn undecodable(&self, _: Undecodable) {}

    fn not_sent(&self, _: Header, _: SendError) {}

    fn state(&self, state: ConnectionState) {
        // What it publishes until it ends is answered still.
        if let ConnectionState::Closed { .. } = state
            && let Ok(message) = Control::Disconnect.write(&self.ends.codec)
        {
            self.outbox.deliver_last(message);
        }
    }
}

fn refusal(error: &EncodeError) -> (ErrorCode, String) {
    let is_too_large = matches!(error, EncodeError::TooLarge { .. });
    (if is_too_large { ErrorCode::TooLarge } else { ErrorCode::BadRequest }, error.to_string())
}
