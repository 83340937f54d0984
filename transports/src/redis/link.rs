//! The link: what the bus holds of the two tasks.

use std::cell::Cell;
use std::sync::Arc;

use futures_channel::oneshot;
use tokio::sync::mpsc::UnboundedSender;

use super::durable::Adding;
use super::limits::WRITE_KEPT;
use super::names::Names;
use super::outbox::Outbox;
use super::resp;
use super::task::News;
use crate::codec::Codec;
use crate::{
    Address, Body, Closing, EncodeError, ErrorCode, Frame, Header, Link, Memory, Patience, Placed, Rejection,
    SendError, Sending, Start,
};

pub(super) struct RedisLink {
    pub(super) outbox: Arc<Outbox>,
    pub(super) codec: Arc<dyn Codec>,
    pub(super) names: Arc<Names>,
    /// How events are added to streams, where they are kept.
    pub(super) adding: Option<Adding>,
    /// To the task that speaks to the bus.
    pub(super) news: UnboundedSender<News>,
}

thread_local! {
    /// Room for a message and for its command. Taken while it is in use: a codec is anybody's code.
    static ROOM: Cell<(Vec<u8>, Vec<u8>)> = const { Cell::new((Vec::new(), Vec::new())) };
}

/// Writes a frame as a command, and sends that.
pub(super) fn encoded(
    codec: &dyn Codec,
    frame: Frame,
    write: impl FnOnce(&Header, &[u8], &mut Vec<u8>),
    send: impl FnOnce(&[u8], Header) -> Sending,
) -> Sending {
    let Frame { header, body } = frame;
    let Body::Bytes(payload) = body else {
        let rejection = Rejection::new(ErrorCode::BadRequest, "a body that is not encoded");
        return Sending::Done(Err(SendError::Rejected(rejection)));
    };
    let (mut message, mut command) = ROOM.take();
    message.clear();
    command.clear();
    let sending = match codec.join(&header, &payload, &mut message) {
        Ok(()) => {
            write(&header, &message, &mut command);
            send(&command, header)
        }
        Err(error) => Sending::Done(Err(refused(error))),
    };
    message.shrink_to(WRITE_KEPT);
    command.shrink_to(WRITE_KEPT);
    ROOM.set((message, command));
    sending
}

impl Link for RedisLink {
    fn publish(&self, frame: Frame, patience: Patience) -> Sending {
        let write = |header: &Header, message: &[u8], command: &mut Vec<u8>| {
            if let Some(adding) = &self.adding {
                adding.write(command, header.topic(), header.id(), message);
                return;
            }
            resp::header(command, b'*', 3);
            resp::bulk(command, &[b"PUBLISH"]);
            resp::bulk(command, &self.names.channel(header.topic(), header.id()));
            resp::bulk(command, &[message]);
        };
        encoded(&*self.codec, frame, write, |command, header| self.outbox.offer(command, header, patience))
    }

    fn place(
        &self,
        frame: Frame,
        memory: Memory,
        patience: Patience,
        placed: Placed,
    ) -> Result<(), SendError> {
        let Frame { header, body } = frame;
        let (Body::Bytes(payload), Some(adding)) = (body, &self.adding) else {
            return Err(Rejection::new(ErrorCode::BadRequest, "what is not kept has no place").into());
        };
        let (mut message, mut command) = (Vec::new(), Vec::new());
        self.codec.join(&header, &payload, &mut message).map_err(refused)?;
        let (topic, id) = (header.topic(), header.id());
        match header.event_id() {
            Some(event_id) => adding.write_once(&mut command, (topic, id, event_id), &message, memory),
            None => adding.write(&mut command, topic, id, &message),
        }
        self.outbox.place(&command, topic, placed, (header.event_id().is_some(), patience))
    }

    fn in_flight(&self) -> u64 {
        self.outbox.in_flight()
    }

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        self.tell(News::Subscribe(request, addresses));
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        self.tell(News::Unsubscribe(addresses));
    }

    fn replay(&self, replay: u64, addresses: Vec<(Address, Start)>) {
        self.tell(News::Replay(replay, addresses));
    }

    fn close(&self) -> Closing {
        self.outbox.close();
        let (asked, closing) = oneshot::channel();
        match self.news.send(News::Close(Some(asked))) {
            Ok(()) => Closing::Pending(closing),
            Err(_) => Closing::Done(0),
        }
    }
}

impl RedisLink {
    /// A link that is closed has nobody to tell.
    fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }
}

fn refused(error: EncodeError) -> SendError {
    let code = match error {
        EncodeError::TooLarge { .. } => ErrorCode::TooLarge,
        _ => ErrorCode::BadRequest,
    };
    Rejection::new(code, error.to_string()).into()
}

impl Drop for RedisLink {
    fn drop(&mut self) {
        if self.outbox.close() {
            self.tell(News::Close(None));
        }
    }
}
