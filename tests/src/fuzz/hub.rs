//! The state machine of a hub: any messages of its clients, and anything that its caller does.

mod steps;

use std::collections::BTreeSet;
use std::time::Duration;

use arbitrary::{Arbitrary as _, Unstructured};
use bytes::Bytes;
use pubsub_transports::codec::{Codec, Json, MessagePack};
use pubsub_transports::websocket::wire::{
    Ack, Command, Connect, Message, OnGap, Reply, Since, Subscribe, Token, Unsubscribe,
};
use pubsub_transports::websocket::{
    CloseCode, Codecs, ConnectionId, HistoryConfig, HubConfig, HubOutput, HubProtocol, Identity,
    OutboxConfig, Outgoing, Overflow, Question, Rate,
};
use pubsub_transports::{
    Body, DecodeError, ErrorCode, EventId, Frame, GapReason, Header, Position, Rejection,
};

use self::steps::{NAMES, Setup, Spoken, Step, Wanted, body, topic};
use crate::memory;

const CLIENTS: usize = 5;
const MAX_TYPES: usize = 4;
const MAX_TOPICS: usize = 4;
const HISTORY: usize = 4;
const PER_IDENTITY: usize = 2;
const OUTBOX: OutboxConfig = OutboxConfig { bytes: 1000, hard_bytes: 4000, answer_bytes: 4000 };
/// The longest message.
const MAX_FRAME: usize = 2048;

/// The input is what a hub is like, and then what happens to it.
pub fn hub(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(setup) = Setup::arbitrary(&mut input) else { return };
    let (world, peak) = memory::peak(|| {
        let mut world = World::new(&setup);
        while !input.is_empty() {
            let Ok(step) = Step::arbitrary(&mut input) else { break };
            world.step(step);
            world.look();
        }
        world
    });
    // Queues of so many clients, histories of so many types, and what is remembered of both.
    assert!(peak < 1 << 20, "{peak} bytes");
    world.end();
}

struct World {
    hub: HubProtocol,
    now: Duration,
    /// Those that are there, and some that were.
    clients: Vec<ConnectionId>,
    codecs: [u8; CLIENTS],
    /// An epoch of the hub's, as it was said last.
    epoch: String,
    correlation: u64,
    is_shut: bool,
}

impl World {
    fn new(setup: &Setup) -> Self {
        let config = HubConfig {
            anonymous: setup.anonymous,
            authenticates: setup.authenticates,
            authorizes: setup.authorizes,
            behind: setup.behind,
            direct: ["d".into()].into(),
            max_frame: MAX_FRAME,
            max_connections: CLIENTS,
            max_connections_per_identity: PER_IDENTITY,
            rate: setup.is_slow.then(|| Rate::new(10, 20)),
            max_topics: MAX_TOPICS,
            max_unacknowledged: 4,
            max_types: MAX_TYPES,
            outbox: OUTBOX,
            overflow: match setup.overflow {
                None => Overflow::Disconnect,
                Some(false) => Overflow::DropOldest,
                Some(true) => Overflow::LatestPerId,
            },
            history: HistoryConfig {
                events: HISTORY,
                bytes: 16 * 1024,
                replay: 3,
                quiet_ids: 2,
                ids: 4,
                ids_for: Duration::from_secs(10),
            },
            ..HubConfig::default()
        };
        let codecs = Codecs::one(Json::default()).and(MessagePack::default(), recode);
        Self {
            hub: HubProtocol::new(config, codecs, 7),
            now: Duration::ZERO,
            clients: Vec::new(),
            codecs: [0; CLIENTS],
            epoch: "e".to_owned(),
            correlation: 0,
            is_shut: false,
        }
    }

    fn client(&self, number: u8) -> Option<(usize, ConnectionId)> {
        let place = usize::from(number).checked_rem(self.clients.len())?;
        Some((place, self.clients[place]))
    }

    fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Open(codec, who) => self.open(codec, who),
            Step::ShutDown(seconds) => {
                self.hub.shut_down(Duration::from_secs(seconds.into()));
                self.is_shut = true;
            }
            Step::Wait(millis) => {
                self.now += Duration::from_millis(millis.into());
                self.hub.tick(self.now);
                assert!(
                    self.hub.next_timer().is_none_or(|at| at > self.now),
                    "there is something to do for ever"
                );
            }
            Step::Publish(place, event_id, size) => {
                let header = place.header(event_id);
                if let Ok(offset) = self.hub.publish(self.now, &header, body(size)) {
                    assert!(offset > 0);
                }
                if let Ok(Some(frame)) = self.hub.prepare(self.now, &header, body(size)) {
                    assert_eq!(frame.header.topic(), header.topic());
                }
            }
            Step::Forget(number) => self.hub.forget_history(topic(number)),
            Step::Follow(place) => drop(self.hub.subscribe_local(&place.address())),
            Step::Unfollow(place) => self.hub.unsubscribe_local(&place.address()),
            Step::Followed(number, epoch, offset) => {
                self.hub.followed(topic(number), &position(epoch, offset));
            }
            Step::Unfollowed(number) => self.hub.unfollowed(topic(number), &refused()),
            Step::Interrupted(number, is_epoch) => {
                let reason = if is_epoch { GapReason::Epoch } else { GapReason::Evicted };
                self.hub.interrupted(topic(number), reason);
            }
            Step::Arrived(place, epoch, offset, body) => {
                let header = place.header(None).with_position(position(epoch, offset));
                let body = Body::Bytes(Bytes::copy_from_slice(body));
                self.hub.arrived(self.now, Frame { header, body });
            }
            Step::Recalled(number, epoch, offset, count) => {
                let frame = |offset| Frame {
                    header: Header::new(topic(number), "1").with_position(position(epoch, offset)),
                    body: Body::Bytes(body(1)),
                };
                let frames =
                    (0..u64::from(count % 16)).filter_map(|more| offset.checked_add(more)).map(frame);
                self.hub.recalled(topic(number), frames.collect());
            }
            other => self.step_of_client(other),
        }
    }

    fn open(&mut self, codec: u8, who: Option<bool>) {
        let identity = who.map(|who| Identity::new(NAMES[usize::from(who)]).expect("a name"));
        match self.hub.open(self.now, usize::from(codec % 3), identity) {
            Ok(id) => {
                assert!(codec % 3 < 2 && !self.is_shut);
                let mut places = 0..self.clients.len();
                let free = places.find(|&place| !self.hub.is_open(self.clients[place]));
                let place = free.unwrap_or(self.clients.len());
                match self.clients.get_mut(place) {
                    Some(gone) => self.hub.closed(std::mem::replace(gone, id)),
                    None => self.clients.push(id),
                }
                self.codecs[place] = codec % 3;
            }
            Err(code) => assert_ne!(code, CloseCode::Normal),
        }
    }

    fn step_of_client(&mut self, step: Step<'_>) {
        let (Step::Closed(number)
        | Step::Present(number)
        | Step::Say(number, ..)
        | Step::Command(number, ..)
        | Step::Pull(number, ..)
        | Step::Pong(number)
        | Step::Send(number, ..)
        | Step::Withdraw(number, ..)
        | Step::Disconnect(number, ..)
        | Step::Authenticated(number, ..)
        | Step::Authorized(number, ..)
        | Step::Placed(number, ..)
        | Step::Fetched(number, ..)) = step
        else {
            return;
        };
        let Some((place, id)) = self.client(number) else { return };
        match step {
            Step::Closed(_) => self.hub.closed(id),
            Step::Present(_) if !self.hub.is_asking(id) => self.hub.present(id, Token("t".into())),
            Step::Say(_, is_text, bytes) => {
                let bytes = Bytes::copy_from_slice(bytes);
                let message = if is_text { Message::Text(bytes) } else { Message::Binary(bytes) };
                self.receive(id, &message);
            }
            Step::Command(_, spoken) => {
                let message = self.message(self.codecs[place], spoken);
                self.receive(id, &message);
            }
            Step::Pull(_, bytes) => self.pull(place, id, bytes.into()),
            Step::Pong(_) => self.hub.pong(self.now, id),
            Step::Send(_, place) => drop(self.hub.send(id, &place.header(None), body(1))),
            Step::Withdraw(_, place) => {
                self.hub.withdraw(id, &place.address(), &refused());
                assert!(!self.hub.subscriptions(id).contains(&place.address()));
            }
            Step::Disconnect(_, code) => {
                self.hub.disconnect(id, CloseCode::from(code));
                assert!(!self.hub.is_open(id));
            }
            Step::Authenticated(_, who, millis) => {
                let who = who.map(|who| Identity::new(NAMES[usize::from(who)]).expect("a name"));
                let lifetime = |who: Identity| match millis {
                    Some(millis) => who.valid_for(Duration::from_millis(millis.into())),
                    None => who,
                };
                self.hub.authenticated(self.now, id, who.map(lifetime).ok_or_else(refused));
            }
            Step::Authorized(_, which, count) => {
                let results =
                    (0..count % 8).map(|bit| if which >> bit & 1 == 1 { Ok(()) } else { Err(refused()) });
                self.hub.authorized(self.now, id, results.collect());
            }
            Step::Placed(_, event_id, offset) => {
                let event_id = event_id.map(|event_id| EventId::from_u128(event_id.into()));
                self.hub.placed(id, event_id, offset.ok_or_else(refused));
            }
            Step::Fetched(_, all) => {
                let refused = if all { Vec::new() } else { vec![("a".into(), refused())] };
                self.hub.fetched(self.now, id, refused);
            }
            _ => {}
        }
    }

    /// A caller gives a hub nothing of a client about whom it is asking.
    fn receive(&mut self, id: ConnectionId, message: &Message) {
        if !self.hub.is_asking(id) {
            self.hub.receive(self.now, id, message);
        }
    }

    fn message(&mut self, codec: u8, spoken: Spoken) -> Message {
        self.correlation += 1;
        let command = match spoken {
            Spoken::Event(place, event_id, size) => {
                let mut out = Vec::new();
                let (header, body) = (place.header(event_id), body(size));
                match codec {
                    0 => Json::default().join(&header, &body, &mut out),
                    // A text of so many bytes.
                    _ => MessagePack::default().encode(&header, &String::from_utf8_lossy(&body), &mut out),
                }
                .expect("it fits");
                return message(codec, out.into());
            }
            Spoken::Connect(is_old, token) => {
                let token = token.map(|token| Token(token.to_string()));
                let protocol = if is_old { 0 } else { 1 };
                Command::Connect(Connect { protocol, token, features: None, map_hash: None })
            }
            Spoken::Subscribe(all) => {
                Command::Subscribe(all.iter().map(|wanted| self.wanted(wanted)).collect())
            }
            Spoken::Unsubscribe(place) => {
                Command::Unsubscribe(Unsubscribe { topic: place.address().to_string() })
            }
            Spoken::Ack(place, offset, window) => Command::Ack(Ack {
                topic: place.address().to_string(),
                offset: offset.into(),
                window: window.map(u32::from),
            }),
            Spoken::Ping => Command::Ping,
        };
        let correlation = self.correlation.to_string();
        let bytes = match codec {
            0 => command.encode(&Json::default(), &correlation),
            _ => command.encode(&MessagePack::default(), &correlation),
        };
        message(codec, bytes.unwrap_or_default())
    }

    fn wanted(&self, wanted: &Wanted) -> Subscribe {
        let epoch = |is_known: bool| if is_known { self.epoch.clone() } else { "other".to_owned() };
        Subscribe {
            topic: wanted.place.address().to_string(),
            since: wanted.since.map(|(is_known, offset)| Since { epoch: epoch(is_known), offset }),
            on_gap: wanted.rejects.then_some(OnGap::Reject),
            window: wanted.window.map(u32::from),
            unacknowledged: wanted.unacknowledged.map(u32::from),
        }
    }

    /// What goes out is understood at the other end, and is no longer than was said.
    fn pull(&mut self, place: usize, id: ConnectionId, bytes: usize) {
        let mut out = Vec::new();
        self.hub.pull(self.now, id, bytes, &mut out);
        let closes = out.iter().filter(|out| matches!(out, Outgoing::Close(_))).count();
        assert!(closes == 0 || closes == 1 && matches!(out.last(), Some(Outgoing::Close(_))));
        for out in out {
            let Outgoing::Message(message) = out else { continue };
            let length = message.bytes().len();
            let reply = match self.codecs[place] {
                0 => read(&Json::default(), message.bytes()),
                _ => read(&MessagePack::default(), message.bytes()),
            };
            // An answer has the correlation id of its question, and tells what was wrong with it.
            let most = if reply.is_some() { 2 * MAX_FRAME } else { MAX_FRAME };
            assert!(length <= most, "{length} bytes go out");
            if let Some(Reply::Subscribed(subscribed)) = reply {
                self.epoch = subscribed.epoch;
            }
        }
    }

    /// No bound is passed.
    fn look(&mut self) {
        let mut asking = BTreeSet::new();
        while let Some(output) = self.hub.poll_output() {
            if let HubOutput::Ask(id, question) = output {
                assert!(asking.insert(id) || !self.hub.is_asking(id), "one question at a time");
                if let Question::Authorize(_, wanted) = question {
                    assert!((1..=MAX_TOPICS).contains(&wanted.len()), "{} are asked about", wanted.len());
                }
            }
        }
        assert!(self.hub.connections() <= CLIENTS);
        assert!(self.hub.routes() <= CLIENTS * MAX_TOPICS);
        for name in NAMES {
            assert!(self.hub.connections_of(name) <= PER_IDENTITY);
        }
        for &id in &self.clients {
            assert!(self.hub.subscriptions(id).len() <= MAX_TOPICS);
            let queued = self.hub.queued_bytes(id);
            // The last that is added is beyond it, and ends the connection.
            assert!(queued <= OUTBOX.hard_bytes + OUTBOX.answer_bytes + MAX_FRAME, "{queued} bytes wait");
            assert!(self.hub.unacknowledged(id) <= MAX_TOPICS * 4, "{}", self.hub.unacknowledged(id));
        }
        let stats = self.hub.stats();
        assert!(stats.topics.len() <= MAX_TYPES);
        assert!(stats.topics.iter().all(|topic| topic.history <= HISTORY));
    }

    /// Who has left leaves nothing.
    fn end(mut self) {
        for id in std::mem::take(&mut self.clients) {
            self.hub.closed(id);
        }
        assert_eq!((self.hub.connections(), self.hub.routes()), (0, 0));
        assert!(NAMES.iter().all(|name| self.hub.connections_of(name) == 0));
    }
}

fn position(epoch: u8, offset: u64) -> Position {
    Position::new(offset).with_epoch(&(epoch % 4).to_string())
}

fn refused() -> Rejection {
    Rejection::new(ErrorCode::Denied, "no")
}

fn message(codec: u8, bytes: Bytes) -> Message {
    if codec == 0 { Message::Text(bytes) } else { Message::Binary(bytes) }
}

/// From one codec to the other, whatever the payload is.
fn recode(topic: &str, payload: &[u8], from: &str, _: &str) -> Result<Vec<u8>, DecodeError> {
    let value = std::marker::PhantomData::<serde_json::Value>;
    let (json, messagepack) = (Json::default(), MessagePack::default());
    let mut out = Vec::new();
    let encoded = match from {
        "json" => messagepack.encode_payload(topic, &json.decode(topic, payload, value)?, &mut out),
        _ => json.encode_payload(topic, &messagepack.decode(topic, payload, value)?, &mut out),
    };
    encoded.map_err(|error| DecodeError::payload(topic, error))?;
    Ok(out)
}

/// What a spoke makes of it; `None` for an event.
fn read(codec: &impl Codec, message: &[u8]) -> Option<Reply> {
    let (header, payload) = codec.split(message).expect("an envelope");
    if !header.is_control() {
        assert!(header.address().is_ok());
        return None;
    }
    Some(Reply::decode(codec, &header, payload).expect("a reply"))
}
