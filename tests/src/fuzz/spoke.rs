//! The state machine of a spoke: any messages of its hub, and anything that its caller does.

use std::collections::BTreeMap;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use pubsub_transports::codec::{Codec, Json, MessagePack};
use pubsub_transports::websocket::wire::{
    Code, Connected, Disconnect, Failure, Gap, GapReason, Message, Published, Reply, Subscribed, TextId,
    Token, Unsubscribed,
};
use pubsub_transports::websocket::{CloseCode, SpokeConfig, SpokeOutput, SpokeProtocol, SpokeState};
use pubsub_transports::{Address, Body, ErrorCode, EventId, Header, Position, Rejection};

use crate::memory;

const PENDING: usize = 4;
const PENDING_BYTES: usize = 1000;

/// The input is what happens to a spoke, of either codec that a client may ask for.
pub fn spoke(input: &[u8]) {
    run(Json::default(), input);
    run(MessagePack::default(), input);
}

fn run<C: Codec + Clone>(codec: C, input: &[u8]) {
    let (length, mut input) = (input.len(), Unstructured::new(input));
    let ((), peak) = memory::peak(|| {
        let mut world = World::new(codec);
        while !input.is_empty() {
            let Ok(step) = Step::arbitrary(&mut input) else { break };
            world.step(step);
            world.look();
        }
        world.end();
    });
    // What it follows is what its caller asked for.
    let most = (128 << 10) + 512 * length;
    assert!(peak < most, "{peak} bytes for an input of {length}");
}

#[derive(Debug, Arbitrary)]
enum Step<'a> {
    Start,
    Opened,
    Lost(u16),
    Hear(bool, &'a [u8]),
    Reply(u8, Said<'a>),
    Event(Place, Option<(u8, u64, Option<u64>)>, &'a [u8]),
    Subscribe(Place, u8),
    Unsubscribe(Place),
    Publish(Place, u8, u8),
    Withdraw(u8),
    Window(Place, Option<u8>),
    Acknowledge(Place, u8, u64),
    Wait(u16),
    Pong,
    Prove(Option<u8>),
}

/// What a well-made hub says.
#[derive(Debug, Arbitrary)]
enum Said<'a> {
    Connected(Option<bool>, u64, u8, Option<u64>),
    Subscribed(Place, u8, u64, bool, u64, Option<u8>),
    Unsubscribed(Place, Option<bool>),
    Published(u8, u64),
    Pong,
    Error(Option<Place>, bool, Option<u64>, Option<u8>),
    Gap(Place, u8, Option<u64>, Option<u64>, Option<u8>),
    Disconnect(u16, bool, Option<u64>, &'a str),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
struct Place(u8);

const TOPICS: [&str; 3] = ["a", "b", "c"];
const IDS: [Option<&str>; 5] = [None, Some("1"), Some("2"), Some("@self"), Some("ada")];

impl Place {
    fn topic(self) -> &'static str {
        TOPICS[usize::from(self.0) % TOPICS.len()]
    }

    fn address(self) -> Address {
        let address = match IDS[usize::from(self.0 / 3) % IDS.len()] {
            Some(id) => Address::new(self.topic(), id),
            None => Address::whole(self.topic()),
        };
        address.expect("both are ones of an address")
    }

    fn header(self) -> Header {
        let address = self.address();
        Header::new(address.topic(), address.id().unwrap_or_default())
    }
}

struct World<C> {
    spoke: SpokeProtocol,
    codec: C,
    now: Duration,
    config: SpokeConfig,
    /// What is followed, and whether it was said to live.
    followed: BTreeMap<Address, bool>,
    /// What was published, and has no outcome yet.
    published: Vec<EventId>,
    is_open: bool,
    is_stopped: bool,
}

impl<C: Codec + Clone> World<C> {
    fn new(codec: C) -> Self {
        let config =
            SpokeConfig { pending_events: PENDING, pending_bytes: PENDING_BYTES, ..SpokeConfig::default() };
        Self {
            spoke: SpokeProtocol::new(config.clone(), codec.clone(), 7),
            codec,
            now: Duration::ZERO,
            config,
            followed: BTreeMap::new(),
            published: Vec::new(),
            is_open: false,
            is_stopped: false,
        }
    }

    fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Start => self.spoke.start(self.now),
            Step::Opened => self.spoke.opened(self.now),
            Step::Lost(code) => self.spoke.lost(self.now, CloseCode::from(code)),
            Step::Hear(is_text, bytes) => {
                self.hear(is_text, Bytes::copy_from_slice(bytes));
            }
            Step::Reply(correlation, said) => {
                let correlation = match (&said, correlation) {
                    (Said::Error(..), 128..) => event_id(correlation % 8).to_string(),
                    _ => correlation.to_string(),
                };
                if let Ok(message) = reply(said).encode(&self.codec, &correlation) {
                    self.hear(self.codec.is_text(), message);
                }
            }
            Step::Event(place, position, body) => {
                let mut header = place.header();
                if let Some((epoch, offset, after)) = position {
                    let mut position = Position::new(offset).with_epoch(&self::epoch(epoch));
                    if let Some(after) = after {
                        position = position.with_after(after);
                    }
                    header = header.with_position(position);
                }
                let (mut message, mut number) = (Vec::new(), Vec::new());
                self.codec.encode_payload(place.topic(), &body.len(), &mut number).expect("it fits");
                self.codec.join(&header, &number, &mut message).expect("it fits");
                self.hear(self.codec.is_text(), message.into());
            }
            Step::Subscribe(place, request) => {
                let address = place.address();
                self.spoke.subscribe(&address, request.into());
                self.followed.entry(address).or_insert(false);
            }
            Step::Unsubscribe(place) => {
                self.spoke.unsubscribe(&place.address());
                self.followed.remove(&place.address());
            }
            Step::Publish(place, number, size) => self.publish(place, number, size),
            Step::Withdraw(number) => {
                if self.spoke.withdraw(event_id(number % 8)) {
                    self.outcome(event_id(number % 8));
                }
            }
            Step::Window(place, window) => self.spoke.set_window(place.topic(), window.map(u32::from)),
            Step::Acknowledge(place, epoch, offset) => {
                let position = Position::new(offset).with_epoch(&self::epoch(epoch));
                self.spoke.acknowledge(place.topic(), &position);
            }
            Step::Wait(millis) => {
                self.now += Duration::from_millis(millis.into());
                self.spoke.tick(self.now);
                // What is due now may come of what was done; then nothing is.
                self.spoke.tick(self.now);
                let next = self.spoke.next_timer();
                assert!(next.is_none_or(|at| at > self.now), "there is something to do for ever");
            }
            Step::Pong => self.spoke.pong(self.now),
            Step::Prove(token) => self.spoke.prove(token.map(|token| Token(token.to_string()))),
        }
    }

    fn hear(&mut self, is_text: bool, bytes: Bytes) {
        let message = if is_text { Message::Text(bytes) } else { Message::Binary(bytes) };
        self.spoke.receive(self.now, &message);
    }

    fn publish(&mut self, place: Place, number: u8, size: u8) {
        let event_id = event_id(number % 8);
        // A publisher does not give an id to two events at once.
        if self.published.contains(&event_id) {
            return;
        }
        let body = vec![b'1'; usize::from(size) * 4 + 1];
        if self.spoke.publish(self.now, &place.header(), event_id, &body).is_ok() {
            assert!(!self.is_stopped);
            self.published.push(event_id);
        }
    }

    /// An event has one.
    fn outcome(&mut self, event_id: EventId) {
        let place = self.published.iter().position(|known| *known == event_id);
        self.published.swap_remove(place.expect("it waits for its outcome"));
    }

    fn look(&mut self) {
        while let Some(output) = self.spoke.poll_output() {
            match output {
                SpokeOutput::Connect => {
                    assert!(!self.is_stopped && !self.is_open);
                }
                SpokeOutput::State(SpokeState::Connected) => assert!(!self.is_stopped),
                SpokeOutput::State(SpokeState::Waiting { delay, .. }) => {
                    let most = self.config.backoff_max.max(self.config.retry_after_max);
                    assert!(delay <= most, "it waits for {delay:?}");
                }
                SpokeOutput::State(SpokeState::Stopped(_)) => self.is_stopped = true,
                SpokeOutput::Deliver { address, frame } => {
                    let header = &frame.header;
                    let own = |id: &str| id == "@self" && self.spoke.identity() == Some(header.id());
                    let is_for = |followed: &Address| {
                        followed.matches(header.topic(), header.id())
                            || followed.topic() == header.topic() && followed.id().is_some_and(own)
                    };
                    let live = self.followed.iter().filter(|(_, is_live)| **is_live);
                    assert!(live.map(|(followed, _)| followed).any(is_for), "{address} is not followed");
                    assert!(matches!(frame.body, Body::Bytes(_)));
                }
                SpokeOutput::Subscribed { address, .. } => {
                    let is_live = self.followed.insert(address, true);
                    assert_eq!(is_live, Some(false), "it is said once, of what is followed");
                }
                SpokeOutput::Refused { address, .. } => {
                    assert!(self.followed.remove(&address).is_some(), "{address} is not followed");
                }
                SpokeOutput::Gap { address, .. } => {
                    assert_eq!(self.followed.get(&address), Some(&true), "{address} is not followed");
                }
                SpokeOutput::Published { event_id, .. } => self.outcome(event_id),
                SpokeOutput::Send(message) => assert!(message.bytes().len() <= 64 * 1024),
                _ => {}
            }
        }
        assert_eq!(self.spoke.in_flight(), self.published.len(), "an event waits for an outcome, or has one");
        assert!(self.published.len() <= PENDING);
    }

    /// Nothing is left open.
    fn end(mut self) {
        self.spoke.close();
        self.look();
        assert!(self.published.is_empty() && self.spoke.next_timer().is_none());
        self.spoke.close();
        assert!(self.spoke.poll_output().is_none());
    }
}

fn event_id(number: u8) -> EventId {
    EventId::from_u128(number.into())
}

fn epoch(number: u8) -> String {
    (number % 3).to_string()
}

fn reply(said: Said<'_>) -> Reply {
    match said {
        Said::Connected(identity, max_frame, memory, expires_ms) => Reply::Connected(Connected {
            session: "s".to_owned(),
            identity: identity.map(|is_ada| if is_ada { "ada" } else { "bob" }.to_owned()),
            ping_ms: 1,
            max_frame,
            max_topics: 8,
            epoch: Some(epoch(memory)),
            expires_ms,
        }),
        Said::Subscribed(place, epoch, offset, recovered, replay, gap) => Reply::Subscribed(Subscribed {
            topic: place.address().to_string(),
            epoch: self::epoch(epoch),
            offset,
            recovered,
            replay,
            gap: gap.map(reason),
            missed: gap.map(u64::from),
        }),
        Said::Unsubscribed(place, code) => Reply::Unsubscribed(Unsubscribed {
            topic: place.address().to_string(),
            code: code.map(|_| Code(ErrorCode::Denied)),
            reason: code.filter(|has_reason| *has_reason).map(|_| "no".to_owned()),
        }),
        Said::Published(number, offset) => {
            Reply::Published(Published { event_id: TextId(event_id(number % 8)), offset })
        }
        Said::Pong => Reply::Pong,
        Said::Error(place, is_retryable, delay, code) => {
            let code = match code {
                None => ErrorCode::Denied,
                Some(code) if code % 2 == 0 => ErrorCode::RateLimited,
                Some(_) => ErrorCode::AlreadySubscribed,
            };
            let rejection = Rejection::new(code, "no").with_retryable(is_retryable);
            let rejection = match delay {
                Some(delay) => rejection.with_retry_after(Duration::from_millis(delay)),
                None => rejection,
            };
            Reply::Error(Failure::new(&rejection, place.map(|place| place.address().to_string()).as_deref()))
        }
        Said::Gap(place, reason, missed, offset, epoch) => Reply::Gap(Gap {
            topic: place.address().to_string(),
            missed,
            reason: self::reason(reason),
            offset,
            epoch: epoch.map(self::epoch),
        }),
        Said::Disconnect(code, retry, retry_after_ms, reason) => {
            Reply::Disconnect(Disconnect { code, reason: reason.to_owned(), retry, retry_after_ms })
        }
    }
}

fn reason(number: u8) -> GapReason {
    [GapReason::Overflow, GapReason::Epoch, GapReason::Evicted, GapReason::TooMany][usize::from(number % 4)]
        .clone()
}
