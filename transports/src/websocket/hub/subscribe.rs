//! Subscribing and unsubscribing. On one connection the address of a whole type delivers for those of its ids.

use std::time::Duration;

use super::connection::{State, Subscription};
use super::outbox::{Full, Slot, Then};
use super::publish::denied;
use super::routes::Member;
use super::window::Window;
use super::{ConnectionId, HubProtocol, wake};
use crate::websocket::CloseCode;
use crate::websocket::history::{History, Missing};
use crate::websocket::wire::{GapReason, OnGap, Reply, Subscribe, Subscribed, Unsubscribed, resolve};
use crate::{Address, ErrorCode, Rejection};

impl HubProtocol {
    /// `found` is whether it is allowed.
    pub(super) fn subscribe(
        &mut self,
        now: Duration,
        id: ConnectionId,
        correlation: &str,
        one: Subscribe,
        found: Result<(), Rejection>,
    ) {
        let reply = match found.and_then(|()| self.try_subscribe(id, &one)) {
            Ok((reply, slot)) => (Reply::Subscribed(reply), Then::Replay(slot)),
            Err(rejection) if *rejection.code() == ErrorCode::BadRequest => {
                return self.mistake(id, correlation, rejection.message().to_owned());
            }
            Err(rejection) => return self.refuse(id, correlation, &rejection, Some(&one.topic)),
        };
        self.answer_in_order(id, correlation, &reply.0, reply.1);
        if let Some(connection) = self.connections.get(id) {
            connection.watch_progress(now);
        }
    }

    /// The address that is asked for, where the connection could have it besides so many others that it may get.
    pub(super) fn check_subscribe(
        &self,
        id: ConnectionId,
        asked: &str,
        others: usize,
    ) -> Result<Address, Rejection> {
        let address: Address = asked
            .parse()
            .map_err(|error: crate::AddressError| Rejection::new(ErrorCode::BadRequest, error.to_string()))?;
        let connection = self.connections.peek(id).ok_or_else(gone)?;
        let address = resolve(address, connection.name()).ok_or_else(denied)?;
        if connection.subscriptions.find(&address).is_some() {
            return Err(Rejection::new(ErrorCode::AlreadySubscribed, "the connection has this subscription"));
        }
        if connection.subscriptions.len() + others >= self.config.max_topics {
            let message = format!("a connection has at most {} subscriptions", self.config.max_topics);
            return Err(Rejection::new(ErrorCode::Limit, message));
        }
        Ok(address)
    }

    fn try_subscribe(&mut self, id: ConnectionId, one: &Subscribe) -> Result<(Subscribed, Slot), Rejection> {
        let address = self.check_subscribe(id, &one.topic, 0)?;
        self.add_topic(address.topic())?;
        let mut window = self.window(one)?;
        let Some(connection) = self.connections.get(id) else { return Err(gone()) };
        let Some(topic) = self.topics.get_mut(address.topic()) else { return Err(gone()) };
        let history = &topic.history;

        let wider = address.id().and_then(|_| connection.subscriptions.whole(address.topic()));
        let found = one.since.as_ref().map(|since| match wider {
            // What the wider one delivered cannot be delivered again, nor what came before it be put before it.
            Some(wider) => covered(history, wider.start, &since.epoch, since.offset),
            None => {
                let replay = history.after(address.id(), &since.epoch, since.offset, window.is_some());
                replay.map(|replay| (since.offset, replay))
            }
        });
        if let (Some(Err(missing)), Some(OnGap::Reject)) = (&found, one.on_gap) {
            let message = format!("not everything after the position is there: {}", missing.reason);
            return Err(Rejection::new(ErrorCode::UnrecoverablePosition, message));
        }
        let head = history.head();
        let (start, replay, gap) = match found {
            None => (head, 0, None),
            Some(Ok((start, replay))) => (start, replay, None),
            Some(Err(missing)) => (head, 0, Some(missing)),
        };
        // What is under way of another history has no offset in this one, and what a wider one delivers is not counted here.
        let is_another = matches!(gap, Some(Missing { reason: GapReason::Epoch, .. }));
        if let Some(window) = window.as_mut().filter(|_| is_another || wider.is_some()) {
            window.begin_anew();
        }
        let recovered = one.since.is_some() && gap.is_none();
        let (gap, missed) = match gap {
            Some(Missing { reason, missed }) => (Some(reason), missed),
            None => (None, None),
        };
        let reply = Subscribed {
            topic: one.topic.clone(),
            epoch: history.epoch().to_owned(),
            offset: head,
            recovered,
            replay,
            gap,
            missed,
        };
        let mut state = match replay {
            _ if wider.is_some() => State::Absorbed,
            0 if window.is_none() => State::Live,
            _ => State::Behind { after: start, until: None },
        };
        let is_whole = address.id().is_none();
        if is_whole && self.absorb_narrow(id, &address, start) {
            state = State::Behind { after: start, until: None };
        }
        Ok((reply, self.add_subscription(id, one, address, (start, state, window))))
    }

    fn add_subscription(
        &mut self,
        id: ConnectionId,
        one: &Subscribe,
        address: Address,
        (start, state, window): (u64, State, Option<Window>),
    ) -> Slot {
        let overflow = self.config.overflow_of.get(address.topic()).copied().unwrap_or(self.config.overflow);
        let connection = self.connections.get(id).expect("who subscribes is there");
        let slot = connection.subscriptions.insert(Subscription {
            asked: one.topic.as_str().into(),
            address,
            overflow,
            start,
            state,
            window,
            announced: false,
            queued: false,
            place: None,
        });
        if state != State::Absorbed {
            self.join_route(id, slot);
        }
        slot
    }

    /// The subscriptions of single ids give way to that of their type, which delivers from `start`. Whether it has to
    /// wait for one that is not so far yet.
    fn absorb_narrow(&mut self, id: ConnectionId, whole: &Address, start: u64) -> bool {
        let Some(connection) = self.connections.get(id) else { return false };
        let mut wait = false;
        let mut absorbed = Vec::new();
        for slot in connection.subscriptions.narrow(whole.topic()) {
            let narrow = connection.subscriptions.get_mut(slot);
            match &mut narrow.state {
                State::Behind { after, until } if *after < start => {
                    *until = Some(start);
                    wait = true;
                    // It may have had no room before; what gives way needs none.
                    connection.subscriptions.queue_behind(slot);
                }
                _ => absorbed.push(slot),
            }
        }
        for slot in absorbed {
            self.absorb(id, slot);
        }
        wait
    }

    pub(super) fn absorb(&mut self, id: ConnectionId, slot: Slot) {
        self.leave_route(id, slot);
        if let Some(connection) = self.connections.get(id) {
            let subscription = connection.subscriptions.get_mut(slot);
            subscription.state = State::Absorbed;
            if let Some(window) = &mut subscription.window {
                window.begin_anew();
            }
        }
    }

    pub(super) fn unsubscribe(&mut self, id: ConnectionId, correlation: &str, asked: &str) {
        let Some(connection) = self.connections.get(id) else { return };
        let address = match asked.parse::<Address>() {
            Ok(address) => resolve(address, connection.name()),
            Err(error) => return self.mistake(id, correlation, error.to_string()),
        };
        let found = address.and_then(|address| Some((connection.subscriptions.find(&address)?, address)));
        let Some((slot, address)) = found else {
            let rejection = Rejection::new(ErrorCode::NotFound, "there is no such subscription");
            return self.refuse(id, correlation, &rejection, Some(asked));
        };
        self.end_subscription(id, slot, &address);
        let reply = Reply::Unsubscribed(Unsubscribed { topic: asked.to_owned(), code: None, reason: None });
        self.answer_in_order(id, correlation, &reply, Then::Release(slot));
    }

    /// Nothing new goes to it; its slot is released by who says so to the client.
    pub(super) fn end_subscription(&mut self, id: ConnectionId, slot: Slot, address: &Address) {
        let Some(connection) = self.connections.get(id) else { return };
        let state = connection.subscriptions.get(slot).state;
        self.leave_route(id, slot);
        if let Some(connection) = self.connections.get(id) {
            connection.subscriptions.end(address);
        }
        if address.id().is_none() {
            self.stand_alone(id, address.topic(), state);
        }
        self.unfollow_if_left(address.topic());
    }

    /// The subscriptions of single ids go on where that of their type has ended.
    fn stand_alone(&mut self, id: ConnectionId, topic: &str, whole: State) {
        let head = self.topics.get(topic).map_or(0, |it| it.history.head());
        let Some(connection) = self.connections.get(id) else { return };
        for slot in connection.subscriptions.narrow(topic) {
            let Some(connection) = self.connections.get(id) else { return };
            let narrow = connection.subscriptions.get_mut(slot);
            let caught_up = narrow.caught_up(head);
            match &mut narrow.state {
                State::Behind { until, .. } => *until = None,
                state => {
                    *state = match whole {
                        State::Behind { after, .. } => State::Behind { after, until: None },
                        _ => caught_up,
                    };
                    self.join_route(id, slot);
                }
            }
        }
    }

    /// Says something that neither overtakes an event nor is overtaken.
    pub(super) fn answer_in_order(&mut self, id: ConnectionId, correlation: &str, reply: &Reply, then: Then) {
        let Some(connection) = self.connections.get(id).filter(|it| it.closing.is_none()) else { return };
        let Ok(message) = self.codecs.get(connection.codec).encode_reply(correlation, reply) else { return };
        let result = connection.outbox.answer_in_order(message, then);
        wake(connection, &mut self.outputs);
        if result == Err(Full) {
            self.disconnect(id, CloseCode::SlowConsumer);
        }
    }

    fn join_route(&mut self, id: ConnectionId, slot: Slot) {
        let Some(connection) = self.connections.get(id) else { return };
        let subscription = connection.subscriptions.get_mut(slot);
        if let Some(topic) = self.topics.get_mut(subscription.address.topic()) {
            let place = topic.join(&subscription.address, Member { connection: id.index, slot });
            subscription.place = Some(place);
        }
    }

    fn leave_route(&mut self, id: ConnectionId, slot: Slot) {
        let Some(connection) = self.connections.get(id) else { return };
        let subscription = connection.subscriptions.get_mut(slot);
        let Some(place) = subscription.place.take() else { return };
        let address = subscription.address.clone();
        let Some(topic) = self.topics.get_mut(address.topic()) else { return };
        let moved = topic.leave(&address, place);
        if let Some(moved) = moved
            && let Some(connection) = self.connections.at(moved.connection)
        {
            connection.subscriptions.get_mut(moved.slot).place = Some(place);
        }
    }

    pub(super) fn leave_routes(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(id) else { return };
        for (slot, address) in connection.subscriptions.routed() {
            self.leave_route(id, slot);
            if let Some(connection) = self.connections.get(id) {
                connection.subscriptions.end(&address);
            }
            self.unfollow_if_left(address.topic());
        }
    }
}

fn gone() -> Rejection {
    Rejection::new(ErrorCode::Internal, "the connection is gone")
}

/// A position under a wider subscription of the connection, which began at `start`: nothing is left to be replayed.
fn covered(history: &History, start: u64, epoch: &str, offset: u64) -> Result<(u64, u64), Missing> {
    if epoch != history.epoch() || offset > history.head() {
        return Err(Missing { reason: GapReason::Epoch, missed: None });
    }
    if offset < start {
        return Err(Missing { reason: GapReason::Evicted, missed: None });
    }
    Ok((start, 0))
}
