//! What the hub sends: answers, and events, each held against the position that is known.

use std::time::Duration;

use bytes::Bytes;

use super::interest::{Asked, Flow, Known, Relation};
use super::{Link, SpokeOutput, SpokeProtocol, SpokeState, WRONG_KIND};
use crate::websocket::CloseCode;
use crate::websocket::wire::{Connected, Failure, Gap, Message, Reply, SELF_ID, Unsubscribed};
use crate::{Address, Body, EventId, Frame, Header, Position};

/// What an event is to who follows its address.
enum Verdict {
    Next,
    Seen,
    Hole,
}

impl SpokeProtocol {
    /// A message came.
    pub fn receive(&mut self, now: Duration, message: &Message) {
        if !self.is_open() {
            return;
        }
        self.pong(now);
        if self.codec.is_text() != matches!(message, Message::Text(_)) {
            return self.malformed(WRONG_KIND);
        }
        let (header, payload) = match self.codec.split(message.bytes()) {
            Ok(split) => split,
            Err(error) => return self.malformed(error),
        };
        if !header.is_control() {
            let body = message.bytes().slice_ref(payload);
            return self.event(now, header, body);
        }
        match self.codec.reply(&header, payload) {
            Ok(reply) => self.reply(now, header.id(), reply),
            Err(error) => self.malformed(error),
        }
    }

    fn reply(&mut self, now: Duration, correlation: &str, reply: Reply) {
        match reply {
            Reply::Connected(connected) => self.connected(now, connected),
            Reply::Subscribed(reply) => {
                if let (Ok(address), Ok(correlation)) = (reply.topic.parse(), correlation.parse()) {
                    self.subscribed(&address, correlation, &reply);
                }
            }
            Reply::Unsubscribed(reply) => self.heard_unsubscribed(correlation, reply),
            Reply::Published(reply) => self.published(reply.event_id.0, Ok(reply.offset)),
            Reply::Pong => {}
            Reply::Error(failure) => self.failure(now, correlation, &failure),
            Reply::Gap(gap) => self.heard_gap(&gap),
            Reply::Disconnect(goodbye) => {
                self.goodbye = Some((goodbye.retry, goodbye.retry_after_ms.map(Duration::from_millis)));
            }
        }
    }

    fn connected(&mut self, now: Duration, connected: Connected) {
        let Link::Open { welcomed, .. } = &mut self.link else { return };
        let again = welcomed.replace(welcomed.unwrap_or(now)).is_some();
        self.identity = connected.identity.map(Into::into);
        self.expires(now, connected.expires_ms);
        if again {
            return;
        }
        self.memory = connected.epoch;
        self.max_frame = usize::try_from(connected.max_frame).unwrap_or(usize::MAX);
        self.outputs.push_back(SpokeOutput::State(SpokeState::Connected));
        self.resend();
    }

    fn heard_unsubscribed(&mut self, correlation: &str, reply: Unsubscribed) {
        let Ok(address) = reply.topic.parse::<Address>() else { return };
        let Some(code) = reply.code else {
            if let Ok(correlation) = correlation.parse() {
                self.unsubscribed(&address, correlation);
            }
            return;
        };
        let rejection = crate::Rejection::new(code.0, reply.reason.unwrap_or_default());
        self.refused(&address, rejection);
    }

    fn heard_gap(&mut self, gap: &Gap) {
        let Ok(address) = gap.topic.parse::<Address>() else { return };
        let Some(topic) = self.topics.get_mut(address.topic()) else { return };
        if address.id().is_none() && topic.whole_is_live() {
            topic.absorb_all();
        }
        let Some(flow) = topic.flow(address.id()).filter(|flow| flow.live) else { return };
        // A wider address has told it already.
        let known_epoch = flow.position.as_ref().map(|known| known.epoch.as_str());
        if gap.epoch.is_some() && gap.epoch.as_deref() == known_epoch {
            return;
        }
        match (&mut flow.position, gap.offset) {
            (Some(known), Some(offset)) => {
                let epoch = gap.epoch.as_deref().unwrap_or(&known.epoch);
                if epoch == known.epoch {
                    known.offset = known.offset.max(offset);
                } else {
                    *known = Known { epoch: epoch.into(), offset };
                    flow.acknowledged = Some(offset);
                }
            }
            _ => flow.unsure = true,
        }
        self.gap(&address, &gap.reason, gap.missed);
    }

    fn failure(&mut self, now: Duration, correlation: &str, failure: &Failure) {
        if let Ok(event_id) = correlation.parse::<EventId>() {
            return self.published(event_id, Err(failure.rejection().into()));
        }
        let Ok(number) = correlation.parse::<u64>() else { return };
        if number == 0 {
            return self.not_let_in(now, failure);
        }
        let named = failure.topic.as_deref().and_then(|topic| topic.parse::<Address>().ok());
        for address in named.map_or_else(|| self.asked_with(number), |address| vec![address]) {
            match self.flow(&address).and_then(|flow| flow.asked) {
                Some(Asked::Subscribe(asked)) if asked == number => {
                    let rejection = failure.rejection();
                    if !self.refused_for_now(now, &address, &rejection) {
                        self.refused(&address, rejection);
                    }
                }
                // It had no such subscription: so much the better.
                Some(Asked::Unsubscribe(asked)) if asked == number => self.unsubscribed(&address, number),
                _ => {}
            }
        }
    }

    fn asked_with(&self, number: u64) -> Vec<Address> {
        let of = |flow: &Flow| matches!(flow.asked, Some(Asked::Subscribe(n) | Asked::Unsubscribe(n)) if n == number);
        let mut found = Vec::new();
        for (name, topic) in &self.topics {
            if topic.whole.as_ref().is_some_and(of) {
                found.extend(Address::whole(name));
            }
            let ids = topic.ids.iter().filter(|(_, flow)| of(flow));
            found.extend(ids.filter_map(|(id, _)| Address::new(name, id).ok()));
        }
        found
    }

    fn event(&mut self, now: Duration, header: Header, body: Bytes) {
        let Some(topic) = self.topics.get_mut(header.topic()) else { return };
        // What the hub made of `@self`.
        let own = self.identity.as_deref() == Some(header.id()) && topic.ids.contains_key(SELF_ID);
        let id = if own && !topic.ids.contains_key(header.id()) { SELF_ID } else { header.id() };
        let narrow = topic.ids.get(id);
        let behind = narrow.is_some_and(|narrow| narrow.live && narrow.relation == Relation::Behind);
        let absorbed = narrow.is_some_and(|narrow| narrow.relation == Relation::Absorbed);
        let through_narrow = match &topic.whole {
            // Up to where the wider one began, a narrower one has its own.
            Some(whole) if whole.live => behind && header.position().is_some_and(|it| !is_beyond(whole, it)),
            // What a wider one delivered for the narrower will come with what it recovers.
            Some(whole) if whole.asked.is_some() && whole.position.is_some() && absorbed => return,
            _ => true,
        };
        let address =
            if through_narrow { Address::new(header.topic(), id) } else { Address::whole(header.topic()) };
        let Ok(address) = address else { return };
        let flow = if through_narrow { topic.ids.get_mut(id) } else { topic.whole.as_mut() };
        let Some(flow) = flow.filter(|flow| flow.live) else { return };
        match header.position().map_or(Verdict::Next, |position| verdict(flow, position)) {
            Verdict::Seen => {
                // It takes room all the same.
                let offset = header.position().map_or(0, Position::offset);
                flow.acknowledged = flow.acknowledged.filter(|handled| *handled < offset);
                return self.came(header.topic(), None, false);
            }
            Verdict::Hole => return self.hole(now, &address),
            Verdict::Next => {}
        }
        if let Some(position) = header.position() {
            advance(flow, position);
        }
        flow.unsure = false;
        flow.recovering_from = None;
        if !through_narrow {
            topic.absorb_all();
        }
        let followed = |flow: Option<&Flow>| flow.is_some_and(|flow| flow.announced);
        let is_delivered = followed(topic.ids.get(id)) || !through_narrow && followed(topic.whole.as_ref());
        self.came(header.topic(), header.position(), is_delivered);
        if is_delivered {
            let frame = Frame { header, body: Body::Bytes(body) };
            self.outputs.push_back(SpokeOutput::Deliver { address, frame });
        }
    }

    /// What was missed on a connection that lives is asked for. If that does not help, the connection is at fault.
    fn hole(&mut self, now: Duration, address: &Address) {
        let Some(flow) = self.flow(address) else { return };
        let known = flow.position.as_ref().map(|known| known.offset);
        if flow.recovering_from.is_some() && flow.recovering_from == known {
            return self.give_up(now, CloseCode::InsufficientState);
        }
        self.recover(address);
    }
}

fn is_beyond(flow: &Flow, position: &Position) -> bool {
    flow.position.as_ref().is_none_or(|known| {
        position.epoch().is_some_and(|epoch| epoch != known.epoch) || position.offset() > known.offset
    })
}

/// Nothing is missing exactly if what came before on the address is not beyond what is known.
fn verdict(flow: &Flow, position: &Position) -> Verdict {
    let Some(known) = &flow.position else { return Verdict::Next };
    if position.epoch().is_some_and(|epoch| epoch != known.epoch) {
        return Verdict::Hole;
    }
    if position.offset() <= known.offset {
        return Verdict::Seen;
    }
    match position.after() {
        Some(after) if after > known.offset && !flow.unsure => Verdict::Hole,
        _ => Verdict::Next,
    }
}

fn advance(flow: &mut Flow, position: &Position) {
    let epoch = match (position.epoch(), &flow.position) {
        (Some(epoch), _) => epoch.into(),
        (None, Some(known)) => known.epoch.clone(),
        (None, None) => return,
    };
    flow.position = Some(Known { epoch, offset: position.offset() });
}
