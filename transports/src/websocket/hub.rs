//! The hub: what it does with what its clients send, and what it sends to whom.

mod authenticate;
mod behind;
mod config;
mod connection;
mod control;
mod direct;
mod forget;
mod identities;
mod outbox;
mod overflow;
mod permission;
mod publish;
mod pull;
mod rate;
mod routes;
mod slab;
mod stats;
mod subscribe;
mod window;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use compact_str::CompactString;
use fastrand::Rng;

pub(crate) use self::behind::not_placed;
pub use self::config::HubConfig;
use self::connection::Connection;
pub use self::connection::ConnectionId;
use self::identities::Identities;
pub use self::identities::IdentityLimit;
use self::outbox::{Full, Outbox};
pub use self::overflow::{OutboxConfig, Overflow};
pub use self::rate::Rate;
use self::routes::Topic;
use self::slab::Connections;
use self::stats::Counters;
pub use self::stats::{HubStats, QueueStats, TopicStats};
use super::codecs::{self, Codecs};
use super::wire::{Disconnect, Message, Reply, millis};
use super::{CloseCode, Identity, Question};
use crate::{Address, Frame, Gap, Position};

/// What happened at a hub that its caller has to do something about.
#[derive(Debug)]
#[non_exhaustive]
pub enum HubOutput {
    /// [`pull`](HubProtocol::pull) has something for this connection. Said once, until a pull found nothing more.
    Wake(ConnectionId),
    /// The hub ends this connection: what is still to be pulled ends with the close frame. A writer that cannot write
    /// should give up soon.
    Closing(ConnectionId, CloseCode),
    /// An event for the hub's own process. Its body is in the first codec.
    Deliver(Frame),
    /// An event that carries a trace context was accepted, or [arrived](HubProtocol::arrived), for its span.
    #[cfg(feature = "tracing")]
    Relayed(crate::trace::Relayed),
    /// An event of this connection to be published where the hub is [behind](HubConfig::behind), in the first codec, in the order
    /// in which these are said: answered with [`placed`](HubProtocol::placed).
    Place(ConnectionId, Frame),
    /// The events of this type are followed where the hub is behind: answered with [`followed`](HubProtocol::followed), and from
    /// then on each is said with [`arrived`](HubProtocol::arrived).
    Follow(CompactString),
    /// They are followed no more.
    Unfollow(CompactString),
    /// What there is of this type after this position is wanted too: answered with [`recalled`](HubProtocol::recalled).
    Recall(CompactString, Position),
    /// The hub's own process has missed events of this type, before the next that is delivered.
    Lost(CompactString, Gap),
    /// The hub cannot answer this by itself. Until the answer is there, it is given nothing more of what this client sends:
    /// see [`is_asking`](HubProtocol::is_asking). A connection has one question at a time, and none once it is closed.
    Ask(ConnectionId, Question),
}

/// What goes out on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A message.
    Message(Message),
    /// A WebSocket ping.
    Ping,
    /// The close frame. The connection is no longer the hub's.
    Close(CloseCode),
}

/// A hub as protocol: connections, subscriptions, histories, and no socket.
///
/// What comes in is said with a method; what has to be done is then in [`poll_output`](Self::poll_output), and what has
/// to be written in [`pull`](Self::pull). Everything that a client can make larger has a bound: see [`HubConfig`].
///
/// ```
/// use std::time::Duration;
/// use pubsub_transports::codec::Json;
/// use pubsub_transports::websocket::{Codecs, HubConfig, HubProtocol, Outgoing, wire::Message};
///
/// let mut hub = HubProtocol::new(HubConfig::default(), Codecs::one(Json::default()), 42);
/// let now = Duration::ZERO;
/// let client = hub.open(now, 0, None).unwrap();
/// let subscribe = r#"{"type":"__subscribe","id":"1","payload":{"topic":"chat:lobby"}}"#;
/// hub.receive(now, client, &Message::Text(subscribe.into()));
/// let event = r#"{"type":"chat","id":"lobby","payload":"hello"}"#;
/// hub.receive(now, client, &Message::Text(event.into()));
///
/// let mut out = Vec::new();
/// hub.pull(now, client, 1 << 16, &mut out);
/// let Some(Outgoing::Message(Message::Text(last))) = out.last() else { unreachable!() };
/// assert!(String::from_utf8_lossy(last).ends_with(r#""payload":"hello"}"#));
/// ```
pub struct HubProtocol {
    config: HubConfig,
    codecs: Codecs,
    random: Rng,
    /// What `__connected` says of the memory of event ids.
    epoch: CompactString,
    topics: HashMap<CompactString, Topic>,
    connections: Connections,
    identities: Identities,
    timers: BinaryHeap<Reverse<(Duration, ConnectionId)>>,
    outputs: VecDeque<HubOutput>,
    counters: Counters,
    shutting_down: bool,
}

impl HubProtocol {
    /// A hub without connections. The seed is for the names of epochs: take a random one.
    #[must_use]
    pub fn new(mut config: HubConfig, codecs: Codecs, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        config.max_frame = codecs.max_message(config.max_frame);
        Self {
            epoch: if config.behind { SHARED_MEMORY.into() } else { codecs::epoch(&mut random) },
            config,
            codecs,
            random,
            topics: HashMap::new(),
            connections: Connections::default(),
            identities: Identities::default(),
            timers: BinaryHeap::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            shutting_down: false,
        }
    }

    /// A client has come, speaking the codec in this place among the [`Codecs`]. `identity` is who it is, where
    /// that is known already.
    ///
    /// # Errors
    /// The code to close it with, if it cannot stay.
    pub fn open(
        &mut self,
        now: Duration,
        codec: usize,
        identity: Option<Identity>,
    ) -> Result<ConnectionId, CloseCode> {
        if self.shutting_down {
            return Err(CloseCode::Shutdown);
        }
        if codec >= self.codecs.len() {
            return Err(CloseCode::Codec);
        }
        if self.connections.len() >= self.config.max_connections {
            return Err(CloseCode::ConnectionLimit);
        }
        let expires = identity.as_ref().and_then(Identity::lifetime);
        let id = self.connections.open(codec, &self.config, now);
        if let Some(identity) = identity
            && let Err(code) = self.identify(id, identity)
        {
            self.connections.remove(id);
            return Err(code);
        }
        if let Some(connection) = self.connections.get(id) {
            connection.times.expires = expires.map(|lifetime| now.saturating_add(lifetime));
        }
        self.set_timer(id);
        Ok(id)
    }

    /// The connection is gone: there is nobody to write to.
    pub fn closed(&mut self, id: ConnectionId) {
        self.leave_routes(id);
        self.forget_identity(id);
        let asked = self.connections.get(id).and_then(|connection| connection.asked.take());
        self.connections.remove(id);
        self.ask_no_more(asked.as_deref());
    }

    /// A pong came, or another sign of life that is no message.
    pub fn pong(&mut self, now: Duration, id: ConnectionId) {
        if let Some(connection) = self.connections.get(id) {
            connection.heard(now);
        }
    }

    /// Ends a connection with this code.
    pub fn disconnect(&mut self, id: ConnectionId, code: CloseCode) {
        self.disconnect_after(id, code, None, None);
    }

    /// `last` is an answer, with its correlation id, that is said before.
    fn disconnect_after(
        &mut self,
        id: ConnectionId,
        code: CloseCode,
        retry_after: Option<Duration>,
        last: Option<(&str, Reply)>,
    ) {
        self.leave_routes(id);
        let Some(connection) = self.connections.get(id) else { return };
        if connection.closing.is_some() {
            return;
        }
        self.forget_identity(id);
        let Some(connection) = self.connections.get(id) else { return };
        if code == CloseCode::SlowConsumer {
            self.counters.slow_consumers += 1;
        }
        // Nothing that was queued is sent: who is ended for not reading would not read it.
        connection.outbox = Outbox::new(self.config.outbox);
        connection.closing = Some(code);
        let asked = connection.asked.take();
        connection.granted.clear();
        let goodbye = ("", Reply::Disconnect(Disconnect::new(code, retry_after)));
        for (correlation, reply) in last.into_iter().chain([goodbye]) {
            if let Ok(message) = self.codecs.get(connection.codec).encode_reply(correlation, &reply) {
                let _ = connection.outbox.answer(message);
            }
        }
        self.outputs.push_back(HubOutput::Closing(id, code));
        wake(connection, &mut self.outputs);
        self.ask_no_more(asked.as_deref());
    }

    /// Ends every connection, and takes no new one. Each is told to come back at another time within the window.
    pub fn shut_down(&mut self, window: Duration) {
        self.shutting_down = true;
        let mut ids = self.connections.ids();
        self.random.shuffle(&mut ids);
        let count = u32::try_from(ids.len()).unwrap_or(u32::MAX).max(1);
        let share = window / count;
        for (place, id) in ids.into_iter().enumerate() {
            let within = Duration::from_millis(self.random.u64(..=millis(share)));
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            self.disconnect_after(id, CloseCode::Shutdown, Some(share * place + within), None);
        }
    }

    /// When [`tick`](Self::tick) has something to do, if nothing happens before.
    #[must_use]
    pub fn next_timer(&self) -> Option<Duration> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// So late it is: does what is due.
    pub fn tick(&mut self, now: Duration) {
        while let Some(&Reverse((at, id))) = self.timers.peek() {
            if at > now {
                return;
            }
            self.timers.pop();
            let Some(connection) = self.connections.get(id) else { continue };
            if connection.times.timer != Some(at) || connection.closing.is_some() {
                continue;
            }
            connection.times.timer = None;
            if let Some(code) = connection.due(now, &self.config) {
                self.disconnect(id, code);
                continue;
            }
            if connection.ping {
                wake(connection, &mut self.outputs);
            }
            self.set_timer(id);
        }
    }

    fn set_timer(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(id) else { return };
        let due = connection.next_due(&self.config);
        if connection.times.timer.is_none_or(|set| due < set) {
            connection.times.timer = Some(due);
            self.timers.push(Reverse((due, id)));
        }
    }

    /// What is to be done next, if anything.
    pub fn poll_output(&mut self) -> Option<HubOutput> {
        self.outputs.pop_front()
    }

    /// How many connections there are, those that are being closed included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// How many bytes wait for a connection.
    #[must_use]
    pub fn queued_bytes(&self, id: ConnectionId) -> usize {
        self.connections.peek(id).map_or(0, |connection| connection.outbox.bytes())
    }

    /// What a connection follows.
    #[must_use]
    pub fn subscriptions(&self, id: ConnectionId) -> Vec<Address> {
        let followed = |connection: &Connection| connection.subscriptions.addresses().cloned().collect();
        // One that is being closed has left its routes.
        let open = self.connections.peek(id).filter(|connection| connection.closing.is_none());
        open.map_or_else(Vec::new, followed)
    }

    /// How many routes there are: places in the lists of types and ids.
    #[must_use]
    pub fn routes(&self) -> usize {
        let of = |topic: &Topic| {
            topic.whole.len() + topic.ids.values().map(|route| route.members.len()).sum::<usize>()
        };
        self.topics.values().map(of).sum()
    }

    /// Says something to a client; one that left too much unread is closed.
    fn answer(&mut self, id: ConnectionId, correlation: &str, reply: &Reply) {
        let Some(connection) = self.connections.get(id).filter(|it| it.closing.is_none()) else { return };
        let Ok(message) = self.codecs.get(connection.codec).encode_reply(correlation, reply) else { return };
        let result = connection.outbox.answer(message);
        wake(connection, &mut self.outputs);
        if result == Err(Full) {
            self.disconnect(id, CloseCode::SlowConsumer);
        }
    }
}

/// What hubs that are one bus say of the memory of event ids: it is the same at each.
const SHARED_MEMORY: &str = "shared";

/// Once per burst: who was woken writes all there is.
fn wake(connection: &mut Connection, outputs: &mut VecDeque<HubOutput>) {
    if !connection.awake {
        connection.awake = true;
        outputs.push_back(HubOutput::Wake(connection.id));
    }
}

impl std::fmt::Debug for HubProtocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubProtocol")
            .field("connections", &self.connections.len())
            .field("topics", &self.topics.len())
            .finish_non_exhaustive()
    }
}
