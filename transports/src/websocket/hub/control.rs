//! What a client sends, and the answer to each mistake.

use std::time::Duration;

use super::rate::Metered;
use super::wake;
use super::{ConnectionId, HubProtocol};
use crate::websocket::CloseCode;
use crate::websocket::wire::{Command, Failure, Message, Published, Reply, TextId, resolve};
use crate::{ErrorCode, EventId, Header, Rejection};

impl HubProtocol {
    /// A message came.
    ///
    /// What is no message of the connection's codec, and no command, is answered with `__error`, so many times in a
    /// row; a message that is too large, or of the other kind (text, binary), ends the connection.
    pub fn receive(&mut self, now: Duration, id: ConnectionId, message: &Message) {
        let Some(connection) = self.connections.get(id).filter(|connection| connection.closing.is_none())
        else {
            return;
        };
        connection.heard(now);
        if connection.asked.is_some() {
            return self.too_early(id);
        }
        let codec = self.codecs.get(connection.codec);
        if message.bytes().len() > self.config.max_frame {
            return self.disconnect(id, CloseCode::TooBig);
        }
        if codec.is_text() != matches!(message, Message::Text(_)) {
            return self.disconnect(id, CloseCode::BadFrame);
        }
        let metered = self.config.rate.as_ref().map(|rate| connection.meter.take(rate, now));
        if let Some(Metered::Abused) = metered {
            return self.disconnect(id, CloseCode::RateLimited);
        }
        let (header, payload) = match codec.split(message.bytes()) {
            Ok(split) => split,
            Err(error) => return self.mistake(id, "", error.to_string()),
        };
        // Giving up is never refused: the client could not know what it still has. Nor is what has no answer.
        if let Some(Metered::Beyond(wait)) = metered
            && !matches!(header.topic(), "__unsubscribe" | "__ack")
        {
            let rejection =
                Rejection::new(ErrorCode::RateLimited, "more than the hub takes from one connection");
            return self.refuse_message(id, &header, &rejection.with_retry_after(wait));
        }
        if self.is_stranger(id) && header.topic() != "__connect" {
            return self.disconnect(id, CloseCode::Unauthenticated);
        }
        if !header.is_control() {
            let payload = message.bytes().slice_ref(payload);
            return self.event(now, id, &header, payload);
        }
        match codec.command(&header, payload) {
            Ok(command) => {
                self.admit(id);
                self.command(now, id, header.id(), command);
            }
            Err(error) => self.mistake(id, header.id(), error.to_string()),
        }
    }

    fn command(&mut self, now: Duration, id: ConnectionId, correlation: &str, command: Command) {
        match command {
            Command::Connect(connect) => self.connect(id, correlation, connect),
            Command::Subscribe(all) => {
                if let (Some(rate), Some(connection)) = (&self.config.rate, self.connections.get(id)) {
                    connection.meter.charge(rate, now, all.len() - 1);
                }
                self.subscribe_all(now, id, correlation, all);
            }
            Command::Unsubscribe(one) => self.unsubscribe(id, correlation, &one.topic),
            Command::Ping => self.answer(id, correlation, &Reply::Pong),
            Command::Ack(ack) => {
                // The hub asked for it with each event that it sent.
                if self.acknowledge(id, &ack)
                    && let (Some(rate), Some(connection)) = (&self.config.rate, self.connections.get(id))
                {
                    connection.meter.give_back(rate);
                }
            }
        }
    }

    /// An event of a client. Its correlation id is its event id.
    pub(super) fn event(&mut self, now: Duration, id: ConnectionId, header: &Header, payload: bytes::Bytes) {
        let name = self.connections.peek(id).and_then(|connection| connection.name());
        // One without an address is refused where it would be accepted.
        let address = header.address().ok().and_then(|address| resolve(address, name));
        let may = address.map_or(Ok(true), |address| self.may_publish(id, header, &payload, address));
        match may {
            Ok(true) => self.publish_allowed(now, id, header, payload),
            Ok(false) => self.admit(id),
            Err(rejection) => self.refuse_event(id, header, &rejection),
        }
    }

    pub(super) fn publish_allowed(
        &mut self,
        now: Duration,
        id: ConnectionId,
        header: &Header,
        payload: bytes::Bytes,
    ) {
        let Some(connection) = self.connections.get(id) else { return };
        let (codec, name) = (connection.codec, connection.name().map(compact_str::CompactString::from));
        let accepted = match self.config.behind {
            true => self.place(now, id, header, payload, codec, name.as_deref()),
            false => self.accept(now, header, payload, codec, name.as_deref()).map(Some),
        };
        match accepted {
            Ok(None) => self.admit(id),
            Ok(Some(offset)) => {
                self.admit(id);
                self.published(id, header.event_id(), offset);
            }
            Err(rejection) if *rejection.code() == ErrorCode::BadRequest => {
                self.mistake(id, &correlation(header), rejection.message().to_owned());
            }
            Err(rejection) => self.refuse_event(id, header, &rejection),
        }
    }

    /// An event was accepted, and has this offset.
    pub(super) fn published(&mut self, id: ConnectionId, event_id: Option<EventId>, offset: u64) {
        if let Some(event_id) = event_id {
            let published = Published { event_id: TextId(event_id), offset };
            self.answer(id, &event_id.to_string(), &Reply::Published(published));
        }
    }

    /// An event that was understood, and is not taken.
    pub(super) fn refuse_event(&mut self, id: ConnectionId, header: &Header, rejection: &Rejection) {
        self.admit(id);
        self.refuse(id, &correlation(header), rejection, None);
    }

    fn refuse_message(&mut self, id: ConnectionId, header: &Header, rejection: &Rejection) {
        match header.is_control() {
            true => self.refuse(id, header.id(), rejection, None),
            false => self.refuse(id, &correlation(header), rejection, None),
        }
    }

    /// What was understood: the client is no stranger, and its mistakes are forgotten.
    fn admit(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get(id) {
            connection.admitted = true;
            connection.errors = 0;
        }
    }

    pub(super) fn refuse(
        &mut self,
        id: ConnectionId,
        correlation: &str,
        rejection: &Rejection,
        topic: Option<&str>,
    ) {
        self.answer(id, correlation, &Reply::Error(Failure::new(rejection, topic)));
    }

    /// What was not understood.
    pub(super) fn mistake(&mut self, id: ConnectionId, correlation: &str, message: String) {
        self.refuse(id, correlation, &Rejection::new(ErrorCode::BadRequest, message), None);
        let Some(connection) = self.connections.get(id) else { return };
        connection.errors += 1;
        wake(connection, &mut self.outputs);
        if connection.errors > self.config.max_errors {
            self.disconnect(id, CloseCode::TooManyErrors);
        }
    }
}

/// The correlation id of an event: the text of its event id.
fn correlation(header: &Header) -> String {
    header.event_id().map(|event_id| event_id.to_string()).unwrap_or_default()
}
