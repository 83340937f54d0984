//! The link: what the bus holds of a spoke.

use std::sync::Arc;

use futures_channel::oneshot;

use super::shared::Shared;
use crate::{
    Address, Body, Closing, ErrorCode, Frame, Link, Patience, Position, Rejection, SendError, Sending,
};

pub(super) struct SpokeLink {
    pub(super) shared: Arc<Shared>,
}

impl Link for SpokeLink {
    fn publish(&self, frame: Frame, patience: Patience) -> Sending {
        let Body::Bytes(body) = frame.body.clone() else {
            let rejection = Rejection::new(ErrorCode::BadRequest, "a body that is not encoded");
            return Sending::Done(Err(SendError::Rejected(rejection)));
        };
        self.shared.publish(frame, body, patience)
    }

    fn in_flight(&self) -> u64 {
        self.shared.lock().in_flight() as u64
    }

    fn identity(&self) -> Option<String> {
        self.shared.lock().protocol.identity().map(str::to_owned)
    }

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        self.shared.act(|state, _| {
            state.requests.ask(request, &addresses);
            addresses.iter().for_each(|address| state.protocol.subscribe(address, request));
        });
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        self.shared.act(|state, _| {
            for address in &addresses {
                state.requests.forget(address);
                state.protocol.unsubscribe(address);
            }
        });
    }

    fn set_window(&self, topic: &str, window: Option<u32>) {
        self.shared.act(|state, _| state.protocol.set_window(topic, window));
    }

    fn acknowledge(&self, topic: &str, position: &Position) {
        self.shared.act(|state, _| state.protocol.acknowledge(topic, position));
    }

    fn close(&self) -> Closing {
        self.shared.act(|state, _| {
            state.closed = true;
            if state.ended || state.closing.is_some() {
                return Closing::Done(0);
            }
            let (told, closing) = oneshot::channel();
            state.closing = Some(told);
            Closing::Pending(closing)
        })
    }
}

impl Drop for SpokeLink {
    fn drop(&mut self) {
        drop(self.close());
    }
}
