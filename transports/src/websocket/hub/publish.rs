//! Accepting an event, and handing it to everyone who follows its address.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use compact_str::CompactString;

use super::connection::State;
use super::outbox::{Full, NO_SLOT};
use super::overflow::Overflow;
use super::routes::{Member, Source, Topic};
use super::slab::Connections;
use super::{ConnectionId, HubOutput, HubProtocol, wake};
use crate::carried::Carried;
use crate::websocket::CloseCode;
use crate::websocket::codecs::{self, Codecs, Encoded};
use crate::websocket::history::{Entry, History, Through};
use crate::websocket::wire::{SELF_ID, resolve};
use crate::{Address, Body, ErrorCode, EventId, Frame, Header, Rejection};

impl HubProtocol {
    /// Publishes an event of the hub's own process, encoded in the first codec. Gives its offset; that of before, if
    /// it has an event id that is remembered, and then nothing else happens.
    ///
    /// # Errors
    /// `bad_request` if type and id are no address, `denied` if the id is `@self`, `too_large` if its message would
    /// be, `limit` if there are too many event types, `bad_request` if another codec cannot carry it.
    pub fn publish(&mut self, now: Duration, header: &Header, body: Bytes) -> Result<u64, Rejection> {
        self.accept(now, header, body, 0, None)
    }

    pub(super) fn accept(
        &mut self,
        now: Duration,
        header: &Header,
        body: Bytes,
        codec: usize,
        identity: Option<&str>,
    ) -> Result<u64, Rejection> {
        if self.config.behind {
            return Err(Rejection::new(
                ErrorCode::Internal,
                "this hub is behind what gives events their place",
            ));
        }
        let event = match self.check(now, header, body, codec, identity)? {
            Checked::Known(offset) => return Ok(offset),
            Checked::New(event) => event,
        };
        let offset = self.topics.get(event.address.topic()).map_or(0, |topic| topic.history.head()) + 1;
        self.deliver(now, event, offset);
        #[cfg(feature = "tracing")]
        self.outputs.extend(crate::trace::Relayed::accepted(header).map(HubOutput::Relayed));
        Ok(offset)
    }

    /// Whether an event can be accepted, and what of it is kept then.
    pub(super) fn check(
        &mut self,
        now: Duration,
        header: &Header,
        body: Bytes,
        codec: usize,
        identity: Option<&str>,
    ) -> Result<Checked, Rejection> {
        let bad = |error: &dyn std::fmt::Display| Rejection::new(ErrorCode::BadRequest, error.to_string());
        let address = header.address().map_err(|error| bad(&error))?;
        let address = resolve(address, identity).ok_or_else(denied)?;
        let (name, id) = (address.topic(), address.id().unwrap_or_default());
        self.add_topic(name)?;
        let Some(topic) = self.topics.get_mut(name) else { return Err(too_many_types()) };
        if let Some(offset) = header.event_id().and_then(|known| topic.history.published.get(known, id, now))
        {
            return Ok(Checked::Known(offset));
        }
        let bodies = self.codecs.encode_all(name, body, codec).map_err(|error| bad(&error))?;
        let max = self.config.max_frame;
        let Some(carried) = self.codecs.fitting(name, id, &bodies, max, header.carried()) else {
            return Err(self.too_large());
        };
        Ok(Checked::New(Event { address, event_id: header.event_id(), carried, bodies }))
    }

    /// Gives an event, which is the next of its type, to all who follow it, and keeps it.
    pub(super) fn deliver(&mut self, now: Duration, event: Event, offset: u64) {
        let Event { address, event_id, carried, bodies } = event;
        let (name, id) = (address.topic(), address.id().unwrap_or_default());
        let Some(topic) = self.topics.get_mut(name) else { return };
        let route = topic.ids.get_mut(id);
        let after = match &route {
            Some(route) => route.last,
            None => topic.history.last(id),
        };
        let mut entry = Entry::new(id, event_id, carried, offset, after, bodies);
        let mut delivery = Delivery {
            topic: name,
            epoch: topic.history.epoch(),
            codecs: &self.codecs,
            connections: &mut self.connections,
            outputs: &mut self.outputs,
            now,
            concerned: Vec::new(),
        };
        if let Some(route) = route {
            route.last = offset;
            delivery.give(&mut entry, Through::Id, &route.members);
        }
        delivery.give(&mut entry, Through::Type, &topic.whole);
        let concerned = delivery.concerned;
        deliver_locally(topic, &entry, &mut self.outputs);
        if let Some(event_id) = event_id {
            topic.history.published.insert(event_id, id, offset, now);
        }
        topic.history.push(entry);
        for (connection, result) in concerned {
            match result {
                Err(Full) => self.disconnect(connection, CloseCode::SlowConsumer),
                Ok(()) => self.set_timer(connection),
            }
        }
    }

    /// Sends an event of the hub's own process, encoded in the first codec, to this connection alone. It has no offset
    /// and is kept nowhere: if the connection is lost before it was read, so is the event.
    ///
    /// # Errors
    /// Those of [`publish`](Self::publish), and `not_found` if the connection is gone.
    pub fn send_to(&mut self, id: ConnectionId, header: &Header, body: Bytes) -> Result<(), Rejection> {
        let bad = |error: &dyn std::fmt::Display| Rejection::new(ErrorCode::BadRequest, error.to_string());
        let address = header.address().map_err(|error| bad(&error))?;
        let name = address.topic();
        let bodies = self.codecs.encode_all(name, body, 0).map_err(|error| bad(&error))?;
        let max = self.config.max_frame;
        let Some(carried) = self.codecs.fitting(name, header.id(), &bodies, max, header.carried()) else {
            return Err(self.too_large());
        };
        let gone = || Rejection::new(ErrorCode::NotFound, "there is no such connection");
        let connection = self.connections.get(id).filter(|it| it.closing.is_none()).ok_or_else(gone)?;
        let mut plain = Header::new(name, header.id()).with_carried(carried);
        if let Some(event_id) = header.event_id() {
            plain = plain.with_event_id(event_id);
        }
        let message = self.codecs.join(connection.codec, &plain, bodies.get(connection.codec));
        let result =
            connection.outbox.event(NO_SLOT, &CompactString::default(), 0, Overflow::Disconnect, message);
        wake(connection, &mut self.outputs);
        if result.is_err() {
            self.disconnect(id, CloseCode::SlowConsumer);
        }
        Ok(())
    }

    fn too_large(&self) -> Rejection {
        let message = format!("a message has at most {} bytes", self.config.max_frame);
        Rejection::new(ErrorCode::TooLarge, message)
    }

    /// Lets there be a history of this type.
    pub(super) fn add_topic(&mut self, name: &str) -> Result<(), Rejection> {
        if self.topics.contains_key(name) {
            return Ok(());
        }
        if self.topics.len() >= self.config.max_types {
            self.topics.retain(|_, topic| !topic.is_unused());
        }
        if self.topics.len() >= self.config.max_types {
            return Err(too_many_types());
        }
        let (source, epoch) = match self.config.behind {
            true => (Source::Away, CompactString::default()),
            false => (Source::Hub, codecs::epoch(&mut self.random)),
        };
        let history = History::new(name, epoch, self.config.history);
        self.topics.insert(name.into(), Topic::new(history, source));
        Ok(())
    }

    /// From now on the hub's own process gets the events of this address. Gives the epoch, and the offset after which
    /// they come.
    ///
    /// # Errors
    /// `limit` if there are too many event types, `denied` if the id is `@self`.
    pub fn subscribe_local(&mut self, address: &Address) -> Result<(String, u64), Rejection> {
        if address.id() == Some(SELF_ID) {
            return Err(denied());
        }
        self.add_topic(address.topic())?;
        let Some(topic) = self.topics.get_mut(address.topic()) else { return Err(too_many_types()) };
        let head = topic.history.head();
        match address.id() {
            None => topic.local.whole = true,
            Some(id) => drop(topic.local.ids.insert(id.into(), head)),
        }
        let epoch = topic.history.epoch().to_owned();
        self.follow_there(address.topic());
        Ok((epoch, head))
    }

    /// No longer does it.
    pub fn unsubscribe_local(&mut self, address: &Address) {
        let Some(topic) = self.topics.get_mut(address.topic()) else { return };
        match address.id() {
            None => topic.local.whole = false,
            Some(id) => drop(topic.local.ids.remove(id)),
        }
        self.unfollow_if_left(address.topic());
    }
}

/// An event that can be accepted, or was before.
pub(super) enum Checked {
    /// It has this offset.
    Known(u64),
    New(Event),
}

/// What there is of an event, but for its place.
pub(super) struct Event {
    pub(super) address: Address,
    pub(super) event_id: Option<EventId>,
    pub(super) carried: Carried,
    pub(super) bodies: Encoded,
}

pub(super) fn denied() -> Rejection {
    Rejection::new(ErrorCode::Denied, "`@self` needs an identity")
}

fn too_many_types() -> Rejection {
    Rejection::new(ErrorCode::Limit, "there are as many event types as the hub may have")
}

/// A wider address absorbs a narrower one here too.
fn deliver_locally(topic: &mut Topic, entry: &Entry, outputs: &mut VecDeque<HubOutput>) {
    let before = topic.local.ids.get_mut(&entry.id).map(|last| std::mem::replace(last, entry.offset()));
    let after = match before {
        _ if topic.local.whole => entry.offset() - 1,
        Some(before) => before,
        None => return,
    };
    let header = entry.header(topic.history.topic(), topic.history.epoch(), after);
    outputs.push_back(HubOutput::Deliver(Frame { header, body: Body::Bytes(entry.body(0)) }));
}

/// One event on its way to many.
struct Delivery<'a> {
    topic: &'a str,
    epoch: &'a str,
    codecs: &'a Codecs,
    connections: &'a mut Connections,
    outputs: &'a mut VecDeque<HubOutput>,
    now: Duration,
    /// Whose queue is longer than it should be.
    concerned: Vec<(ConnectionId, Result<(), Full>)>,
}

impl Delivery<'_> {
    fn give(&mut self, entry: &mut Entry, through: Through, members: &[Member]) {
        for member in members {
            let Some(connection) = self.connections.at(member.connection) else { continue };
            let subscription = connection.subscriptions.get(member.slot);
            // One that is behind reads the event from the history; one that was not, since it had read all of it, does now.
            if subscription.state != State::Live {
                if subscription.window.is_some() {
                    connection.subscriptions.queue_behind(member.slot);
                    if !connection.subscriptions.behind.is_empty() {
                        wake(connection, self.outputs);
                    }
                }
                continue;
            }
            let overflow = subscription.overflow;
            let message = entry.message(self.topic, self.epoch, through, connection.codec, self.codecs);
            let result = connection.outbox.event(member.slot, &entry.id, entry.offset(), overflow, message);
            wake(connection, self.outputs);
            if connection.outbox.is_over() {
                let watched = connection.times.stalled.is_some();
                connection.watch_progress(self.now);
                if !watched || result.is_err() {
                    self.concerned.push((connection.id, result));
                }
            } else if result.is_err() {
                self.concerned.push((connection.id, result));
            }
        }
    }
}
