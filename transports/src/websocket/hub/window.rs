//! Acknowledged delivery: a subscription that is sent no more than it can take, and says what it has handled.
//!
//! What it has no room for waits in the history, which all share, so that one who handles nothing costs the hub nothing. What
//! the history has to give up meanwhile is told as a gap.

use std::collections::VecDeque;

use super::connection::State;
use super::outbox::{Slot, Then};
use super::{ConnectionId, HubProtocol, wake};
use crate::websocket::wire::{Ack, Subscribe, resolve};
use crate::{Address, ErrorCode, Rejection};

/// What is under way to one subscription.
pub(super) struct Window {
    max: usize,
    /// The offsets that were sent and not acknowledged, in their order.
    sent: VecDeque<u64>,
}

impl Window {
    /// `unacknowledged` events are under way already, the last of them at the offset `since`.
    pub(super) fn new(max: u32, unacknowledged: u32, since: u64) -> Self {
        let max = max as usize;
        let sent = std::iter::repeat_n(since, max.min(unacknowledged as usize)).collect();
        Self { max, sent }
    }

    pub(super) fn is_open(&self) -> bool {
        self.sent.len() < self.max
    }

    pub(super) fn under_way(&self) -> usize {
        self.sent.len()
    }

    pub(super) fn sent(&mut self, offset: u64) {
        self.sent.push_back(offset);
    }

    /// Everything up to this offset was handled. Whether anything was under way of that.
    fn acknowledge(&mut self, offset: u64) -> bool {
        let handled = self.sent.partition_point(|&sent| sent <= offset);
        self.sent.drain(..handled);
        handled > 0
    }

    /// Another history: what was sent has no offset in it.
    pub(super) fn begin_anew(&mut self) {
        self.sent.clear();
    }
}

impl HubProtocol {
    /// The window that is asked for, if one is.
    pub(super) fn window(&self, one: &Subscribe) -> Result<Option<Window>, Rejection> {
        let since = one.since.as_ref().map_or(0, |since| since.offset);
        match one.window {
            Some(0) => Err(Rejection::new(ErrorCode::BadRequest, "nothing can be sent in a `window` of 0")),
            Some(max) => Ok(Some(self.window_of(max, one.unacknowledged.unwrap_or_default(), since))),
            None => Ok(None),
        }
    }

    fn window_of(&self, max: u32, unacknowledged: u32, since: u64) -> Window {
        Window::new(max.min(self.config.max_unacknowledged.max(1)), unacknowledged, since)
    }

    /// What was handled makes room. It says nothing of what is not followed, or not acknowledged: that may have ended
    /// meanwhile. Whether it made room.
    pub(super) fn acknowledge(&mut self, id: ConnectionId, ack: &Ack) -> bool {
        let Some(connection) = self.connections.get(id) else { return false };
        let asked = ack.topic.parse::<Address>().ok();
        let address = asked.and_then(|address| resolve(address, connection.name()));
        let found = address.and_then(|address| connection.subscriptions.find(&address));
        let Some(slot) = found else { return false };
        let subscription = connection.subscriptions.get_mut(slot);
        let window = subscription.window.as_mut();
        let made_room = window.is_some_and(|window| window.acknowledge(ack.offset));
        if let Some(max) = ack.window {
            self.set_window(id, slot, max, ack.offset);
        }
        self.resume(id, slot);
        made_room
    }

    /// What was sent before there was a window counts for nothing in it.
    fn set_window(&mut self, id: ConnectionId, slot: Slot, max: u32, offset: u64) {
        let window = (max > 0).then(|| self.window_of(max, 0, offset));
        let Some(connection) = self.connections.get(id) else { return };
        let subscription = connection.subscriptions.get_mut(slot);
        match (&mut subscription.window, window) {
            (Some(known), Some(window)) => known.max = window.max,
            (known, window) => *known = window,
        }
        if subscription.state == State::Live {
            let topic = self.topics.get(subscription.address.topic());
            subscription.state = subscription.caught_up(topic.map_or(0, |topic| topic.history.head()));
            // What waits in the queue comes before what is read from the history.
            if connection.outbox.hold(Then::Replay(slot)) {
                subscription.announced = false;
            }
        }
    }

    /// Lets a subscription with room read on.
    fn resume(&mut self, id: ConnectionId, slot: Slot) {
        let Some(connection) = self.connections.get(id) else { return };
        connection.subscriptions.queue_behind(slot);
        if !connection.subscriptions.behind.is_empty() {
            wake(connection, &mut self.outputs);
        }
    }

    /// How many events were sent to a connection that it has not acknowledged, of what it acknowledges.
    #[must_use]
    pub fn unacknowledged(&self, id: ConnectionId) -> usize {
        self.connections.peek(id).map_or(0, |connection| connection.subscriptions.unacknowledged())
    }
}
