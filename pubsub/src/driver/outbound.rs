//! One publish on its way to the other side.

use std::pin::Pin;
use std::task::{Context, Poll};

use pubsub_transports::{Frame, Header, Patience, SendError, Sending};

use super::Driver;
use crate::event::{EventData, Stored};
use crate::{EventId, PublishError, TopicId};

/// A publish that was given to the link. The event stays here until it is answered, so that it can be given back.
pub(crate) struct Outgoing {
    stored: Stored,
    sending: Sending,
}

impl Driver {
    /// Gives an event to the link; in the answer it comes back if it was not accepted.
    pub(crate) fn send<P, I>(
        &self,
        data: EventData<P, I>,
        patience: Patience,
    ) -> Result<Outgoing, PublishError<P, I>>
    where
        P: Send + Sync + 'static,
        I: TopicId + ?Sized + 'static,
    {
        self.send_by(data, |frame| self.link.publish(frame, patience))
    }

    /// The same, by another way than the link's own.
    pub(crate) fn send_by<P, I>(
        &self,
        mut data: EventData<P, I>,
        publish: impl FnOnce(Frame) -> Sending,
    ) -> Result<Outgoing, PublishError<P, I>>
    where
        P: Send + Sync + 'static,
        I: TopicId + ?Sized + 'static,
    {
        if self.edge.is_wire() && data.event_id().is_none() {
            data.set_event_id(EventId::now_v7());
        }
        let stored = Stored::new(data);
        let mut header = Header::new(stored.name(), stored.id_text());
        if let Some(event_id) = stored.event_id() {
            header = header.with_event_id(event_id);
        }
        let body = header.address().map_err(Into::into).and_then(|_| self.edge.encode(&stored));
        match body {
            Ok(body) => {
                let sending = publish(Frame { header, body });
                Ok(Outgoing { stored, sending })
            }
            Err(error) => Err(PublishError::Encode(stored.into_event(0), error)),
        }
    }
}

impl Outgoing {
    /// Ready when the other side accepted the event, or with the event.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), (Stored, SendError)>> {
        Pin::new(&mut self.sending).poll(cx).map_err(|error| (self.stored.clone(), error))
    }
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> PublishError<P, I> {
    pub(crate) fn of_link((stored, error): (Stored, SendError)) -> Self {
        let event = stored.into_event(0);
        match error {
            SendError::NotSent => Self::NotSent(event),
            SendError::Rejected(rejection) => Self::Rejected(event, rejection),
            SendError::Full => Self::Full(event),
            SendError::Closed => Self::Closed(event),
            // What a later version says that this one does not know: it may have been accepted.
            _ => Self::Ambiguous(event),
        }
    }
}
