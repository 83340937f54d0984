//! What a client sends, and the answer to each mistake.

use std::time::Duration;

use super::wake;
use super::{ConnectionId, HubProtocol};
use crate::websocket::CloseCode;
use crate::websocket::wire::{
    Command, Connect, Connected, Failure, Message, PROTOCOL, Published, Reply, TextId, millis,
};
use crate::{ErrorCode, Header, Rejection};

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
        let codec = self.codecs.get(connection.codec);
        if message.bytes().len() > self.config.max_frame {
            return self.disconnect(id, CloseCode::TooBig);
        }
        if codec.is_text() != matches!(message, Message::Text(_)) {
            return self.disconnect(id, CloseCode::BadFrame);
        }
        if !self.config.anonymous && connection.identity.is_none() {
            return self.disconnect(id, CloseCode::Unauthenticated);
        }
        let (header, payload) = match codec.split(message.bytes()) {
            Ok(split) => split,
            Err(error) => return self.mistake(id, "", error.to_string()),
        };
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
            Command::Connect(connect) => self.connect(id, correlation, &connect),
            Command::Subscribe(all) => {
                for one in all {
                    if self.connections.get(id).is_none_or(|connection| connection.closing.is_some()) {
                        return;
                    }
                    self.subscribe(now, id, correlation, one);
                }
            }
            Command::Unsubscribe(one) => self.unsubscribe(id, correlation, &one.topic),
            Command::Ping => self.answer(id, correlation, &Reply::Pong),
            // Deliveries are acknowledged where that was asked for, and nothing asks for it yet.
            Command::Ack(_) => {}
        }
    }

    fn connect(&mut self, id: ConnectionId, correlation: &str, connect: &Connect) {
        if connect.protocol != PROTOCOL {
            return self.mistake(
                id,
                correlation,
                format!("this hub speaks version {PROTOCOL} of the protocol"),
            );
        }
        let Some(connection) = self.connections.get(id) else { return };
        let reply = Reply::Connected(Connected {
            session: format!("{}-{}-{}", self.epoch, id.index, id.generation),
            identity: connection.identity.as_deref().map(str::to_owned),
            ping_ms: millis(self.config.ping_every),
            max_frame: self.config.max_frame as u64,
            max_topics: self.config.max_topics as u64,
            epoch: Some(self.epoch.to_string()),
        });
        self.answer(id, correlation, &reply);
    }

    /// An event of a client. Its correlation id is its event id.
    fn event(&mut self, now: Duration, id: ConnectionId, header: &Header, payload: bytes::Bytes) {
        let Some(connection) = self.connections.get(id) else { return };
        let correlation = header.event_id().map(|event_id| event_id.to_string()).unwrap_or_default();
        let codec = connection.codec;
        let identity = connection.identity.clone();
        match self.accept(now, header, payload, codec, identity.as_deref()) {
            Ok(offset) => {
                self.admit(id);
                if let Some(event_id) = header.event_id() {
                    let published = Published { event_id: TextId(event_id), offset };
                    self.answer(id, &correlation, &Reply::Published(published));
                }
            }
            Err(rejection) if *rejection.code() == ErrorCode::BadRequest => {
                self.mistake(id, &correlation, rejection.message().to_owned());
            }
            Err(rejection) => {
                self.admit(id);
                self.refuse(id, &correlation, &rejection, None);
            }
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
