//! A hub that is one of several: what is published is given its place elsewhere, and comes from there to all of them.
//!
//! A type is followed there while somebody follows it here, and its history is the end of the one that is there. What a client
//! asks for waits, and the client with it, until the type is followed and what it has missed was brought.

use std::time::Duration;

use bytes::Bytes;
use compact_str::CompactString;

use super::permission::{Asked, Checks};
use super::publish::{Checked, Event};
use super::routes::{Feed, Recall, Source, Topic};
use super::{ConnectionId, HubOutput, HubProtocol};
use crate::websocket::history::Entry;
use crate::websocket::wire::{Subscribe, resolve};
use crate::websocket::{CloseCode, Fetch, Question};
use crate::{
    Address, Body, ErrorCode, EventId, Frame, Gap, GapReason, Header, Position, Rejection, SendError,
};

impl HubProtocol {
    /// Looks at an event of the hub's own process, encoded in the first codec. Gives what is to be published where the hub is
    /// [behind](super::HubConfig::behind); nothing, if it is known to have been.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn prepare(
        &mut self,
        now: Duration,
        header: &Header,
        body: Bytes,
    ) -> Result<Option<Frame>, Rejection> {
        match self.check(now, header, body, 0, None)? {
            Checked::Known(_) => Ok(None),
            Checked::New(event) => Ok(Some(self.leaving(event))),
        }
    }

    /// The same for one of a client. Gives its offset, if that is known.
    pub(super) fn place(
        &mut self,
        now: Duration,
        id: ConnectionId,
        header: &Header,
        payload: Bytes,
        codec: usize,
        name: Option<&str>,
    ) -> Result<Option<u64>, Rejection> {
        match self.check(now, header, payload, codec, name)? {
            Checked::Known(offset) => Ok(Some(offset)),
            Checked::New(event) => {
                let frame = self.leaving(event);
                self.outputs.push_back(HubOutput::Place(id, frame));
                Ok(None)
            }
        }
    }

    fn leaving(&mut self, event: Event) -> Frame {
        let Event { address, event_id, carried, bodies } = event;
        if let Some(topic) = self.topics.get_mut(address.topic()) {
            topic.feed.is_published = true;
        }
        let header = Header::new(address.topic(), address.id().unwrap_or_default()).with_carried(carried);
        let header = match event_id {
            Some(event_id) => header.with_event_id(event_id),
            None => header,
        };
        Frame { header, body: Body::Bytes(bodies.get(0).clone()) }
    }

    /// The answer to [`Place`](HubOutput::Place): the offset that the event has, or why it has none.
    pub fn placed(&mut self, id: ConnectionId, event_id: Option<EventId>, result: Result<u64, Rejection>) {
        match result {
            Ok(offset) => self.published(id, event_id, offset),
            Err(rejection) => {
                let text = event_id.map(|event_id| event_id.to_string()).unwrap_or_default();
                self.refuse(id, &text, &rejection, None);
            }
        }
    }

    /// The answer to [`Follow`](HubOutput::Follow), and whatever is said of the kind later: what comes of this type comes after
    /// this position.
    pub fn followed(&mut self, topic: &str, position: &Position) {
        let Some(found) = self.topics.get_mut(topic) else { return };
        let epoch = position.epoch().unwrap_or_default();
        match found.feed.source {
            Source::Asked => {
                found.feed.source = Source::Here;
                self.begin_anew(topic, epoch, position.offset(), Gap::new(GapReason::Epoch, None));
            }
            Source::Here => self.goes_on(topic, epoch, position.offset()),
            Source::Hub | Source::Away => {}
        }
    }

    /// What is followed is not, after all: those who do are told why.
    pub fn unfollowed(&mut self, topic: &str, rejection: &Rejection) {
        let Some(found) = self.topics.get_mut(topic) else { return };
        found.feed.source = Source::Away;
        found.history.begin_anew(CompactString::default(), 0);
        let mut connections: Vec<u32> = found.members().iter().map(|member| member.connection).collect();
        connections.dedup();
        for connection in connections {
            let Some(connection) = self.connections.at(connection) else { continue };
            let (id, all) = (connection.id, &connection.subscriptions);
            // Those of single ids come first: they would go on alone where that of their type has ended.
            let narrow = all.narrow(topic).into_iter().map(|slot| all.get(slot));
            let addresses: Vec<Address> =
                narrow.chain(all.whole(topic)).map(|subscription| subscription.address.clone()).collect();
            for address in addresses {
                self.withdraw(id, &address, rejection);
            }
        }
    }

    /// Something of this type was lost, before the next that comes.
    pub fn interrupted(&mut self, topic: &str, reason: GapReason) {
        if let Some(found) = self.topics.get_mut(topic).filter(|it| it.feed.source == Source::Here) {
            found.feed.lost = Some(reason);
        }
    }

    /// An event came, with its position and with a body in the first codec. What was missed before it is told.
    pub fn arrived(&mut self, now: Duration, frame: Frame) {
        let Frame { header, body } = frame;
        let (Some(position), Body::Bytes(body)) = (header.position(), body) else { return };
        let (epoch, offset) = (position.epoch().unwrap_or_default(), position.offset());
        let Some(topic) = self.topics.get(header.topic()) else { return };
        let history = &topic.history;
        let is_old = topic.feed.lost.is_none() && epoch == history.epoch() && offset <= history.head();
        if topic.feed.source != Source::Here || offset == 0 || is_old {
            return;
        }
        self.goes_on(header.topic(), epoch, offset - 1);
        match self.arriving(&header, body) {
            Some(event) => {
                self.deliver(now, event, offset);
                #[cfg(feature = "tracing")]
                self.outputs.extend(crate::trace::Relayed::arrived(&header).map(HubOutput::Relayed));
            }
            // It is missing, but it was there.
            None => {
                self.undecodable();
                let (topic, epoch) = (header.topic(), epoch.to_owned());
                self.goes_on(topic, &epoch, offset);
            }
        }
    }

    /// Something came that nobody can read, or that no client can be given. What is said of its place tells who missed it.
    pub fn undecodable(&mut self) {
        self.counters.undecodable += 1;
    }

    fn arriving(&self, header: &Header, body: Bytes) -> Option<Event> {
        let address = header.address().ok()?;
        let bodies = self.codecs.encode_all(address.topic(), body, 0).ok()?;
        let (id, max) = (address.id().unwrap_or_default(), self.config.max_frame);
        let carried = self.codecs.fitting(address.topic(), id, &bodies, max, header.carried())?;
        Some(Event { event_id: header.event_id(), address, carried, bodies })
    }

    /// What comes next comes after this offset: what is between is missing.
    fn goes_on(&mut self, topic: &str, epoch: &str, offset: u64) {
        let Some(found) = self.topics.get_mut(topic) else { return };
        let lost = found.feed.lost.take();
        let (head, is_same) = (found.history.head(), found.history.epoch() == epoch);
        if is_same && offset == head && lost != Some(GapReason::Epoch) {
            return;
        }
        let gap = match lost {
            None | Some(GapReason::Evicted) if is_same && offset > head => {
                Gap::new(GapReason::Evicted, Some(offset - head))
            }
            Some(reason) => Gap::new(reason, None),
            None => Gap::new(GapReason::Epoch, None),
        };
        found.feed.recall = Recall::No;
        if found.local.whole || !found.local.ids.is_empty() {
            self.outputs.push_back(HubOutput::Lost(topic.into(), gap));
        }
        if is_same && offset < head {
            // No gap takes a client back within an epoch. When it comes again, it is told that it knows more than there is.
            let members = found.members();
            found.history.begin_anew(epoch.into(), offset);
            for member in members {
                let Some(id) = self.connections.at(member.connection).map(|connection| connection.id) else {
                    continue;
                };
                self.disconnect(id, CloseCode::InsufficientState);
            }
            return;
        }
        self.begin_anew(topic, epoch, offset, gap);
    }

    /// The answer to [`Recall`](HubOutput::Recall): these events, each with its position, in their order. More than the history
    /// has room for are passed over.
    pub fn recalled(&mut self, topic: &str, frames: Vec<Frame>) {
        let Some(found) = self.topics.get(topic) else { return };
        let (epoch, floor) = (found.history.epoch().to_owned(), found.history.floor(None));
        let mut older: Vec<Entry> = Vec::with_capacity(frames.len());
        for Frame { header, body } in frames {
            let (Some(position), Body::Bytes(body)) = (header.position(), body) else { continue };
            let offset = position.offset();
            if position.epoch() != Some(&epoch) || offset == 0 || offset > floor {
                continue;
            }
            // Before a hole nothing can be replayed.
            if older.last().is_some_and(|last| last.offset() + 1 != offset) {
                older.clear();
            }
            let Some(Event { address, event_id, carried, bodies }) = self.arriving(&header, body) else {
                continue;
            };
            let id = address.id().unwrap_or_default();
            older.push(Entry::new(id, event_id, carried, offset, 0, bodies));
        }
        let Some(found) = self.topics.get_mut(topic) else { return };
        found.feed.recall = Recall::Done;
        found.history.prepend(older);
        for (id, route) in &mut found.ids {
            route.last = found.history.last(id);
        }
    }

    /// What is asked for by [`Recall`](HubOutput::Recall) ends with this offset.
    pub(crate) fn kept_after(&self, topic: &str) -> u64 {
        self.topics.get(topic).map_or(0, |topic| topic.history.floor(None))
    }

    /// The answer did not come in time: what is not kept here cannot be had until it comes.
    pub fn not_recalled(&mut self, topic: &str) {
        if let Some(found) = self.topics.get_mut(topic).filter(|it| it.feed.recall == Recall::Asked) {
            found.feed.recall = Recall::Late;
        }
    }

    /// Whether what was asked for of this type is there, or nothing was.
    #[must_use]
    pub fn is_here(&self, topic: &str) -> bool {
        self.topics.get(topic).is_none_or(|topic| topic.feed.source != Source::Asked)
    }

    /// Whether this is there.
    #[must_use]
    pub fn is_fetched(&self, one: &Fetch) -> bool {
        let is_recalling = |topic: &Topic| topic.feed.recall == Recall::Asked;
        let has_past = !one.past || !self.topics.get(&one.topic).is_some_and(is_recalling);
        let has_reached = one.reach.as_ref().is_none_or(|reach| self.has_reached(&one.topic, reach));
        self.is_here(&one.topic) && has_past && has_reached
    }

    /// Whether the hub has heard of everything of this type up to this position. Of what it does not hear at all, it has.
    #[must_use]
    pub fn has_reached(&self, topic: &str, position: &Position) -> bool {
        let Some(found) = self.topics.get(topic).filter(|it| it.feed.source == Source::Here) else {
            return true;
        };
        // Epochs are numbers that rise; another is none of what the hub is behind.
        let number = |epoch: Option<&str>| epoch.and_then(|epoch| epoch.parse::<u64>().ok());
        let own = number(Some(found.history.epoch())).map(|epoch| (epoch, found.history.head()));
        let asked = number(position.epoch()).map(|epoch| (epoch, position.offset()));
        asked.is_none() || own >= asked
    }

    pub(super) fn follow_there(&mut self, topic: &str) {
        if let Some(found) = self.topics.get_mut(topic).filter(|it| it.feed.source == Source::Away) {
            let Feed { is_published, asking, .. } = found.feed;
            found.feed = Feed { is_published, asking, ..Feed::new(Source::Asked) };
            self.outputs.push_back(HubOutput::Follow(topic.into()));
        }
    }

    /// Follows it no more, if nobody does here, and nobody waits for it.
    pub(super) fn unfollow_if_left(&mut self, topic: &str) {
        let Some(found) = self.topics.get_mut(topic) else { return };
        let is_followed = matches!(found.feed.source, Source::Asked | Source::Here);
        if is_followed && found.is_left() && found.feed.asking == 0 {
            found.feed.source = Source::Away;
            found.history.begin_anew(CompactString::default(), 0);
            self.outputs.push_back(HubOutput::Unfollow(topic.into()));
        }
    }

    /// A client waits for these no more.
    fn release(&mut self, topics: &[CompactString]) {
        for topic in topics {
            if let Some(found) = self.topics.get_mut(topic) {
                found.feed.asking -= 1;
            }
        }
    }

    /// A client asks for nothing any more: what was followed for it alone is left.
    pub(super) fn ask_no_more(&mut self, asked: Option<&Asked>) {
        let Some(Asked::Fetch { topics, .. }) = asked else { return };
        self.release(topics);
        topics.iter().for_each(|topic| self.unfollow_if_left(topic));
    }

    /// What is asked for, if all of it can be answered now; otherwise it is, when what it needs is there. A client that
    /// `has_waited` does not wait again for the hub to come as far as it is.
    pub(super) fn fetch_first(
        &mut self,
        id: ConnectionId,
        correlation: &str,
        all: Checks,
        has_waited: bool,
    ) -> Option<Checks> {
        if !self.config.behind {
            return Some(all);
        }
        let (mut awaited, mut topics) = (Vec::new(), Vec::new());
        for (one, _) in all.iter().filter(|(_, found)| found.is_ok()) {
            let Some(address) = self.address_of(id, one) else { continue };
            let topic = address.topic();
            // One too many is refused where it would be added.
            if self.add_topic(topic).is_err() {
                continue;
            }
            topics.push(CompactString::from(topic));
            self.follow_there(topic);
            let past = self.recall_for(&address, one);
            let since = one.since.as_ref().filter(|_| !has_waited);
            let reach = since.map(|since| Position::new(since.offset).with_epoch(&since.epoch));
            let fetch = Fetch::new(topic, reach, past);
            if !self.is_fetched(&fetch) {
                awaited.push(fetch);
            }
        }
        if awaited.is_empty() {
            return Some(all);
        }
        let asked = Asked::Fetch { correlation: correlation.into(), all, topics: topics.clone() };
        self.ask(id, asked, Question::Fetch(awaited));
        if self.is_asking(id) {
            for topic in &topics {
                if let Some(found) = self.topics.get_mut(topic) {
                    found.feed.asking += 1;
                }
            }
        } else {
            topics.iter().for_each(|topic| self.unfollow_if_left(topic));
        }
        None
    }

    fn address_of(&self, id: ConnectionId, one: &Subscribe) -> Option<Address> {
        resolve(one.topic.parse().ok()?, self.connections.peek(id)?.name())
    }

    /// Asks for what was before the history, if somebody has missed it and there is room. Whether that is waited for.
    fn recall_for(&mut self, address: &Address, one: &Subscribe) -> bool {
        let Some(since) = &one.since else { return false };
        let Some(found) = self.topics.get_mut(address.topic()) else { return false };
        let (history, feed) = (&found.history, &mut found.feed);
        let is_known = since.epoch == history.epoch() && since.offset <= history.head();
        let is_missed = is_known && since.offset < history.floor(address.id());
        if feed.source != Source::Here || !is_missed {
            return false;
        }
        if feed.recall == Recall::No && history.room() > 0 {
            feed.recall = Recall::Asked;
            let after = Position::new(history.floor(None) - history.room()).with_epoch(history.epoch());
            self.outputs.push_back(HubOutput::Recall(address.topic().into(), after));
        }
        feed.recall == Recall::Asked
    }

    /// The answer to [`Fetch`](Question::Fetch): the types that are not there, and why not. Of the others it is answered as it
    /// is now what the client asked. Where nobody was asked about, nothing.
    pub fn fetched(&mut self, now: Duration, id: ConnectionId, results: Vec<(CompactString, Rejection)>) {
        let Some(connection) = self.connections.get(id) else { return };
        let Some(asked) = connection.asked.take() else { return };
        let outdated = std::mem::take(&mut connection.outdated);
        let Asked::Fetch { correlation, mut all, topics } = *asked else {
            connection.asked = Some(asked);
            return;
        };
        self.release(&topics);
        if outdated {
            topics.iter().for_each(|topic| self.unfollow_if_left(topic));
            let all = all.into_iter().map(|(one, _)| one).collect();
            return self.subscribe_all(now, id, &correlation, all);
        }
        for (one, found) in &mut all {
            let topic = one.topic.split(':').next().unwrap_or_default();
            if let Some((_, rejection)) = results.iter().find(|(refused, _)| refused == topic) {
                *found = found.clone().and(Err(rejection.clone()));
            }
        }
        self.subscribe_checked(now, id, &correlation, all, true);
        // Of what it has not got, or asks for again.
        topics.iter().for_each(|topic| self.unfollow_if_left(topic));
    }
}

/// What a client is told where an event could not be placed.
pub(crate) fn not_placed(error: &SendError) -> Rejection {
    match error {
        SendError::Full => {
            Rejection::new(ErrorCode::Backpressure, "too many events wait for what the hub is behind")
        }
        SendError::Rejected(rejection) => {
            // What the server says is for those who run it: it is not the client that it refuses.
            let code = match rejection.code() {
                ErrorCode::TooLarge => ErrorCode::TooLarge,
                _ => ErrorCode::Internal,
            };
            let message = "what the hub is behind has refused it";
            Rejection::new(code, message).with_retryable(rejection.is_retryable())
        }
        SendError::NotSent | SendError::Ambiguous | SendError::Closed => {
            Rejection::new(ErrorCode::Internal, "what the hub is behind did not answer in time")
        }
    }
}
