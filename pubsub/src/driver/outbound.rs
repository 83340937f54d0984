//! One publish on its way to the other side.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pubsub_transports::{Address, Body, Frame, Header, Patience, SendError, Sending};

use super::Driver;
use crate::event::{EventData, Stored};
use crate::metrics::Sent;
use crate::trace::Publishing;
use crate::{EventId, PublishError, TopicId};

/// A publish that was given to the link. The event stays here until it is answered, so that it can be given back.
pub(crate) struct Outgoing {
    stored: Stored,
    sending: Sending,
    span: Publishing,
    sent: Sent,
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
        let (span, carried) = Publishing::new(data.topic, self.inbound.transport(), &data.carried());
        let mut sent = self.inbound.meter.send(data.index);
        data.set_carried(carried.clone());
        let stored = Stored::new(data);
        let mut header = Header::new(stored.name(), stored.id_text()).with_carried(carried);
        if let Some(event_id) = stored.event_id() {
            header = header.with_event_id(event_id);
        }
        // The derive checked the topic's grammar; only the length depends on the id.
        let fits = header.topic().len() + 1 + header.id().len() <= Address::MAX_LEN;
        let address = if fits { Ok(()) } else { header.address().map(drop) };
        let body = address.map_err(Into::into).and_then(|()| self.edge.encode(&stored));
        match body {
            Ok(body) => {
                if let Body::Bytes(bytes) = &body {
                    span.encoded(bytes.len());
                    sent.encoded(bytes.len());
                }
                let sending = publish(Frame { header, body });
                Ok(Outgoing { stored, sending, span, sent })
            }
            Err(error) => {
                span.not_encoded();
                sent.not_encoded();
                Err(PublishError::Encode(stored.into_event(0), error))
            }
        }
    }
}

impl Outgoing {
    /// The answer to a publish that does not wait, which is given at once.
    pub(crate) fn answer(mut self) -> Result<(), (Stored, SendError)> {
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => unreachable!("a link answers at once where nobody waits"),
        }
    }

    /// Ready when the other side accepted the event, or with the event.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), (Stored, SendError)>> {
        let answer = Pin::new(&mut self.sending).poll(cx);
        if let Poll::Ready(answer) = &answer {
            self.sent.answered(answer);
        }
        answer.map_err(|error| {
            self.span.failed(&error);
            (self.stored.clone(), error)
        })
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
