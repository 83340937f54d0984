//! What goes out: what waits in the queue, and what is replayed from the history, side by side.

use std::time::Duration;

use super::connection::State;
use super::outbox::{Next, Slot, Then};
use super::{ConnectionId, HubProtocol, Outgoing};
use crate::websocket::history::Through;
use crate::websocket::wire::{Gap, GapReason, Message, Reply};

/// What one step of a replay came to.
enum Replay {
    /// So many bytes went out.
    Sent(usize),
    /// It has to wait for another subscription.
    Waits,
    /// Nothing is left of it.
    Done,
}

impl HubProtocol {
    /// Takes what can be written now, up to about so many bytes, and appends it to `out`. Whether there is more; if
    /// not, a [`Wake`](super::HubOutput::Wake) says when there is.
    ///
    /// A writer asks when it can write, and writes all that it got at once. What is not asked for waits here, within
    /// the bounds of [`HubConfig`](super::HubConfig).
    pub fn pull(
        &mut self,
        now: Duration,
        id: ConnectionId,
        max_bytes: usize,
        out: &mut Vec<Outgoing>,
    ) -> bool {
        let Some(connection) = self.connections.get(id) else { return false };
        if std::mem::take(&mut connection.ping) {
            out.push(Outgoing::Ping);
        }
        // Neither queue nor replay keeps the other from going on.
        let replays = !connection.subscriptions.behind.is_empty();
        let mut sent = self.pull_queue(id, if replays { (max_bytes / 2).max(1) } else { max_bytes }, out);
        sent += self.pull_replays(id, max_bytes.saturating_sub(sent), out);
        if replays {
            self.pull_queue(id, max_bytes.saturating_sub(sent), out);
        }
        let Some(connection) = self.connections.get(id) else { return false };
        connection.watch_progress(now);
        let more = !connection.outbox.is_empty() || !connection.subscriptions.behind.is_empty();
        connection.awake = more;
        if let (false, Some(code)) = (more, connection.closing) {
            out.push(Outgoing::Close(code));
            self.connections.remove(id);
        }
        more
    }

    fn pull_queue(&mut self, id: ConnectionId, max_bytes: usize, out: &mut Vec<Outgoing>) -> usize {
        let mut sent = 0;
        let Some(connection) = self.connections.get(id) else { return sent };
        let is_text = self.codecs.get(connection.codec).is_text();
        while sent < max_bytes {
            let Some(connection) = self.connections.get(id) else { break };
            let message = match connection.outbox.next() {
                None => break,
                Some(Next::Message(message)) => message,
                Some(Next::Answer(message, then)) => {
                    self.follow(id, then);
                    message
                }
                Some(Next::Mark(then)) => {
                    self.follow(id, then);
                    continue;
                }
                Some(Next::Gap { slot, missed, through }) => {
                    match self.gap(id, slot, Some(missed), GapReason::Overflow, through) {
                        Some(message) => message,
                        None => continue,
                    }
                }
            };
            sent += message.len();
            out.push(Outgoing::Message(Message::new(message, is_text)));
        }
        sent
    }

    fn follow(&mut self, id: ConnectionId, then: Then) {
        let Some(connection) = self.connections.get(id) else { return };
        let subscriptions = &mut connection.subscriptions;
        match then {
            Then::Anew(_) => {}
            Then::Replay(slot) => {
                subscriptions.get_mut(slot).announced = true;
                subscriptions.queue_behind(slot);
            }
            Then::Release(slot) => {
                let address = subscriptions.get(slot).address.clone();
                subscriptions.behind.retain(|behind| *behind != slot);
                subscriptions.release(slot);
                // Those that go on where this one has ended.
                if address.id().is_none() {
                    for narrow in subscriptions.narrow(address.topic()) {
                        subscriptions.queue_behind(narrow);
                    }
                }
            }
        }
    }

    /// In turns, so that a long replay does not hold up a short one.
    fn pull_replays(&mut self, id: ConnectionId, max_bytes: usize, out: &mut Vec<Outgoing>) -> usize {
        let (mut sent, mut waiting) = (0, 0);
        while sent < max_bytes {
            let Some(connection) = self.connections.get(id) else { break };
            // All that a command asked for is answered before any of it is replayed: what one of its addresses replays
            // may be for another too.
            if connection.outbox.has_answer_in_order() {
                break;
            }
            let subscriptions = &mut connection.subscriptions;
            if waiting >= subscriptions.behind.len() {
                break;
            }
            let Some(slot) = subscriptions.behind.pop_front() else { break };
            match self.replay(id, slot, out) {
                Replay::Sent(bytes) => {
                    sent += bytes;
                    waiting = 0;
                    if let Some(connection) = self.connections.get(id) {
                        connection.subscriptions.behind.push_back(slot);
                    }
                }
                Replay::Waits => {
                    waiting += 1;
                    if let Some(connection) = self.connections.get(id) {
                        connection.subscriptions.behind.push_back(slot);
                    }
                }
                Replay::Done => {
                    waiting = 0;
                    if let Some(connection) = self.connections.get(id) {
                        connection.subscriptions.get_mut(slot).queued = false;
                    }
                }
            }
        }
        sent
    }

    fn replay(&mut self, id: ConnectionId, slot: Slot, out: &mut Vec<Outgoing>) -> Replay {
        let Some(connection) = self.connections.get(id) else { return Replay::Done };
        let is_text = self.codecs.get(connection.codec).is_text();
        let subscription = connection.subscriptions.get(slot);
        let State::Behind { after, until } = subscription.state else { return Replay::Done };
        if !subscription.has_room() {
            return Replay::Done;
        }
        let address = subscription.address.clone();
        let Some(topic) = self.topics.get_mut(address.topic()) else { return Replay::Done };

        // The narrower ones come first: what they still replay is before what this one does.
        let is_whole = address.id().is_none();
        let narrow = if is_whole { connection.subscriptions.narrow(address.topic()) } else { Vec::new() };
        let first = |slot: &Slot| {
            matches!(connection.subscriptions.get(*slot).state, State::Behind { until: Some(_), .. })
        };
        if narrow.iter().any(first) {
            return Replay::Waits;
        }

        let end = until.unwrap_or(topic.history.head());
        let floor = topic.history.floor(address.id()).min(end);
        if after < floor {
            let missed = is_whole.then(|| floor - after);
            connection.subscriptions.get_mut(slot).state = State::Behind { after: floor, until };
            let gap = self.gap(id, slot, missed, GapReason::Evicted, floor);
            let bytes = gap.as_ref().map_or(0, bytes::Bytes::len);
            out.extend(gap.map(|message| Outgoing::Message(Message::new(message, is_text))));
            return Replay::Sent(bytes);
        }
        let through = if is_whole { Through::Type } else { Through::Id };
        let (name, epoch) =
            (topic.history.topic().clone(), compact_str::CompactString::from(topic.history.epoch()));
        let entry = topic.history.next(address.id(), after).filter(|entry| entry.offset() <= end);
        if let Some(entry) = entry {
            let message = entry.message(&name, &epoch, through, connection.codec, &self.codecs);
            let subscription = connection.subscriptions.get_mut(slot);
            subscription.state = State::Behind { after: entry.offset(), until };
            if let Some(window) = &mut subscription.window {
                window.sent(entry.offset());
            }
            let bytes = message.len();
            out.push(Outgoing::Message(Message::new(message, is_text)));
            return Replay::Sent(bytes);
        }
        match until {
            Some(_) => self.absorb(id, slot),
            None => {
                let subscription = connection.subscriptions.get_mut(slot);
                subscription.state = subscription.caught_up(end);
            }
        }
        Replay::Done
    }

    fn gap(
        &mut self,
        id: ConnectionId,
        slot: Slot,
        missed: Option<u64>,
        reason: GapReason,
        offset: u64,
    ) -> Option<bytes::Bytes> {
        self.counters.gaps += 1;
        self.counters.missed += missed.unwrap_or_default();
        let connection = self.connections.get(id)?;
        let subscription = connection.subscriptions.get(slot);
        let gap = Gap {
            topic: subscription.asked.to_string(),
            missed,
            reason,
            offset: Some(offset),
            // That of the last event or answer before it.
            epoch: None,
        };
        self.codecs.get(connection.codec).encode_reply("", &Reply::Gap(gap)).ok()
    }
}
