//! A hub, some spokes, and between them connections that carry messages as a schedule says.

use std::collections::VecDeque;
use std::time::Duration;

use pubsub_transports::codec::Json;
use pubsub_transports::websocket::wire::Message;
use pubsub_transports::websocket::{
    CloseCode, Codecs, ConnectionId, HubConfig, HubOutput, HubProtocol, Outgoing, SpokeConfig, SpokeOutput,
    SpokeProtocol, SpokeState,
};
use pubsub_transports::{Address, EventId, Header};

use super::model::{Expected, Log};

pub(crate) const TOPICS: [&str; 3] = ["a", "b", "c"];

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) hub: HubProtocol,
    config: HubConfig,
    pub(crate) log: Log,
    pub(crate) peers: Vec<Peer>,
    /// Connections that only the hub still believes in.
    half_open: Vec<ConnectionId>,
    restarts: u64,
    numbers: u64,
    event_ids: u128,
}

pub(crate) struct Peer {
    pub(crate) spoke: SpokeProtocol,
    pub(crate) expected: Expected,
    pub(crate) socket: Option<Socket>,
    pub(crate) states: Vec<SpokeState>,
    /// Delivered, and not handled yet.
    unhandled: VecDeque<Header>,
    numbers: u64,
}

pub(crate) struct Socket {
    /// `None` when the hub has forgotten it.
    pub(crate) connection: Option<ConnectionId>,
    up: VecDeque<Message>,
    down: VecDeque<Outgoing>,
}

impl World {
    pub(crate) fn new(config: HubConfig, peers: usize, spoke: &SpokeConfig) -> Self {
        let peer = |place: usize| Peer {
            spoke: SpokeProtocol::new(spoke.clone(), Json::default(), place as u64),
            expected: Expected::default(),
            socket: None,
            states: Vec::new(),
            unhandled: VecDeque::new(),
            numbers: 1000 * (place as u64 + 1),
        };
        let mut world = Self {
            now: Duration::ZERO,
            hub: HubProtocol::new(config.clone(), Codecs::one(Json::default()), 0),
            config,
            log: Log::default(),
            peers: (0..peers).map(peer).collect(),
            half_open: Vec::new(),
            restarts: 0,
            numbers: 0,
            event_ids: 0,
        };
        world.watch();
        for place in 0..peers {
            world.peers[place].spoke.start(world.now);
            world.work(place);
        }
        world
    }

    /// The log hears of everything that the hub accepts.
    fn watch(&mut self) {
        for topic in TOPICS {
            let (epoch, _) = self.hub.subscribe_local(&Address::whole(topic).unwrap()).unwrap();
            self.log.begin(topic, &epoch);
        }
    }

    pub(crate) fn publish(&mut self, topic: &str, id: &str) {
        self.numbers += 1;
        let body = self.numbers.to_string();
        self.hub.publish(self.now, &Header::new(topic, id), body.into()).unwrap();
        self.hear();
    }

    pub(crate) fn publish_from(&mut self, peer: usize, topic: &str, id: &str) -> EventId {
        self.event_ids += 1;
        let event_id = EventId::from_u128(self.event_ids);
        let from = &mut self.peers[peer];
        from.numbers += 1;
        from.expected.publish(event_id);
        let body = from.numbers.to_string();
        if let Err(error) = from.spoke.publish(self.now, &Header::new(topic, id), event_id, body.as_bytes()) {
            from.expected.published(event_id, Err(error));
        }
        self.work(peer);
        event_id
    }

    pub(crate) fn follow(&mut self, peer: usize, address: &Address) {
        self.peers[peer].expected.want(address);
        self.peers[peer].spoke.subscribe(address, 1);
        self.work(peer);
    }

    pub(crate) fn unfollow(&mut self, peer: usize, address: &Address) {
        self.peers[peer].expected.unwant(address);
        self.peers[peer].spoke.unsubscribe(address);
        self.work(peer);
    }

    pub(crate) fn set_window(&mut self, peer: usize, topic: &str, window: Option<u32>) {
        self.peers[peer].spoke.set_window(topic, window);
        self.work(peer);
    }

    /// So many of the events that were delivered are handled, in their order.
    pub(crate) fn handle(&mut self, peer: usize, count: usize) {
        for _ in 0..count {
            let of = &mut self.peers[peer];
            let Some(header) = of.unhandled.pop_front() else { return };
            of.spoke.acknowledge(header.topic(), header.position().expect("the hub knows its positions"));
            self.work(peer);
        }
    }

    /// The hub gets so many of the messages that are on their way to it.
    pub(crate) fn up(&mut self, peer: usize, count: usize) {
        for _ in 0..count {
            let Some(socket) = &mut self.peers[peer].socket else { return };
            let Some(message) = socket.up.pop_front() else { return };
            trace(peer, "->", message.bytes());
            if let Some(connection) = socket.connection {
                self.hub.receive(self.now, connection, &message);
                self.hear();
            }
        }
    }

    /// The writer takes about so many bytes. Whether there is more.
    pub(crate) fn pull(&mut self, peer: usize, bytes: usize) -> bool {
        let Some(socket) = &mut self.peers[peer].socket else { return false };
        let Some(connection) = socket.connection else { return false };
        let mut out = Vec::new();
        let more = self.hub.pull(self.now, connection, bytes, &mut out);
        if matches!(out.last(), Some(Outgoing::Close(_))) {
            socket.connection = None;
        }
        socket.down.extend(out);
        more
    }

    /// The spoke gets so many of the messages that are on their way to it.
    pub(crate) fn down(&mut self, peer: usize, count: usize) {
        for _ in 0..count {
            let to = &mut self.peers[peer];
            let Some(socket) = &mut to.socket else { return };
            match socket.down.pop_front() {
                Some(Outgoing::Message(message)) => {
                    trace(peer, "<-", message.bytes());
                    to.spoke.receive(self.now, &message);
                }
                Some(Outgoing::Ping) => {
                    if let Some(connection) = socket.connection {
                        self.hub.pong(self.now, connection);
                    }
                }
                Some(Outgoing::Close(code)) => {
                    to.socket = None;
                    to.spoke.lost(self.now, code);
                }
                None => {
                    // The hub is gone, and the system says so.
                    if socket.connection.is_none() {
                        to.socket = None;
                        to.spoke.lost(self.now, CloseCode::Abnormal);
                    }
                }
            }
            self.work(peer);
        }
    }

    /// One event on its way to the spoke disappears, and the connection lives on: what no connection does, and a hub
    /// with a mistake in it might.
    pub(crate) fn lose(&mut self, peer: usize) {
        let Some(socket) = &mut self.peers[peer].socket else { return };
        let is_event = |out: &Outgoing| match out {
            Outgoing::Message(message) => !message.bytes().starts_with(br#"{"type":"__"#),
            _ => false,
        };
        if let Some(at) = socket.down.iter().position(is_event) {
            socket.down.remove(at);
            self.peers[peer].expected.lossy = true;
        }
    }

    /// The spoke's side notices at once that the connection is cut, the hub's side at once or later.
    pub(crate) fn cut(&mut self, peer: usize, hub_notices: bool) {
        let Some(socket) = self.peers[peer].socket.take() else { return };
        if let Some(connection) = socket.connection {
            if hub_notices {
                self.hub.closed(connection);
            } else {
                self.half_open.push(connection);
            }
        }
        self.peers[peer].spoke.lost(self.now, CloseCode::Abnormal);
        self.work(peer);
    }

    /// The hub's side notices that the connection is cut, and the spoke's side has yet to. What is on its way to the
    /// spoke still arrives.
    pub(crate) fn cut_at_hub(&mut self, peer: usize) {
        let Some(socket) = &mut self.peers[peer].socket else { return };
        if let Some(connection) = socket.connection.take() {
            self.hub.closed(connection);
        }
    }

    pub(crate) fn notice_half_open(&mut self) {
        for connection in self.half_open.drain(..) {
            self.hub.closed(connection);
        }
    }

    /// Another hub takes the place of this one, with nothing of what it knew.
    pub(crate) fn restart(&mut self) {
        self.restarts += 1;
        self.hub = HubProtocol::new(self.config.clone(), Codecs::one(Json::default()), self.restarts);
        self.half_open.clear();
        for peer in &mut self.peers {
            if let Some(socket) = &mut peer.socket {
                socket.connection = None;
            }
        }
        self.watch();
    }

    pub(crate) fn forget(&mut self, topic: &str) {
        self.hub.forget_history(topic);
        let whole = Address::whole(topic).unwrap();
        let (epoch, _) = self.hub.subscribe_local(&whole).unwrap();
        self.log.begin(topic, &epoch);
        self.hear();
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        self.now += time;
        self.hub.tick(self.now);
        self.hear();
        for peer in 0..self.peers.len() {
            self.peers[peer].spoke.tick(self.now);
            self.work(peer);
        }
    }

    fn hear(&mut self) {
        while let Some(output) = self.hub.poll_output() {
            if let HubOutput::Deliver(frame) = output {
                self.log.accept(&frame);
            }
        }
    }

    /// Does what a spoke asks for.
    fn work(&mut self, place: usize) {
        let peer = &mut self.peers[place];
        while let Some(output) = peer.spoke.poll_output() {
            match output {
                SpokeOutput::Connect => match self.hub.open(self.now, 0, None) {
                    Ok(connection) => {
                        let connection = Some(connection);
                        peer.socket = Some(Socket { connection, up: VecDeque::new(), down: VecDeque::new() });
                        peer.spoke.opened(self.now);
                    }
                    Err(code) => peer.spoke.lost(self.now, code),
                },
                SpokeOutput::Send(message) => {
                    if let Some(socket) = &mut peer.socket {
                        socket.up.push_back(message);
                    }
                }
                SpokeOutput::Ping => {
                    if peer.socket.as_ref().is_some_and(|socket| socket.connection.is_some()) {
                        peer.spoke.pong(self.now);
                    }
                }
                SpokeOutput::Close(_) => {
                    let socket = peer.socket.take();
                    self.half_open.extend(socket.and_then(|socket| socket.connection));
                }
                SpokeOutput::Deliver { address, frame } => {
                    peer.expected.deliver(&address, &frame, &self.log);
                    peer.unhandled.push_back(frame.header);
                }
                SpokeOutput::Subscribed { address, epoch, offset, .. } => {
                    peer.expected.subscribed(&address, &epoch, offset);
                }
                SpokeOutput::Gap { address, reason, missed, epoch, offset } => {
                    peer.expected.gap(&address, &reason, missed, &epoch, offset, &self.log);
                }
                SpokeOutput::Published { event_id, result } => peer.expected.published(event_id, result),
                SpokeOutput::State(state) => peer.states.push(state),
                SpokeOutput::Refused { address, rejection, .. } => panic!("{address}: {rejection}"),
                SpokeOutput::Malformed(error) => panic!("{error}"),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Everything that is on its way arrives, for all; nothing is asked of the time.
    pub(crate) fn flow(&mut self) {
        for _ in 0..10_000 {
            let mut moved = false;
            for peer in 0..self.peers.len() {
                moved |= !self.peers[peer].unhandled.is_empty();
                self.handle(peer, usize::MAX);
                self.up(peer, usize::MAX);
                while self.pull(peer, 1 << 16) {}
                let waiting = |world: &Self| {
                    let socket = world.peers[peer].socket.as_ref();
                    socket
                        .is_some_and(|it| !it.down.is_empty() || !it.up.is_empty() || it.connection.is_none())
                };
                while waiting(self) && self.peers[peer].socket.as_ref().is_some_and(|it| it.up.is_empty()) {
                    self.down(peer, 1);
                    moved = true;
                }
                moved |= waiting(self);
            }
            if !moved {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Lets everything come to rest, and holds it against the model.
    pub(crate) fn settle(&mut self) {
        self.come_to_rest();
        for peer in &self.peers {
            peer.expected.settled(&self.log);
        }
    }

    pub(crate) fn come_to_rest(&mut self) {
        for _ in 0..40 {
            self.notice_half_open();
            self.flow();
            if self.peers.iter().all(Peer::is_connected) && self.peers.iter().all(|it| it.expected.is_done())
            {
                break;
            }
            self.advance(Duration::from_secs(5));
        }
    }
}

/// With `TRACE=1` a schedule shows what is said.
fn trace(peer: usize, direction: &str, message: &[u8]) {
    static TRACE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    if *TRACE.get_or_init(|| std::env::var_os("TRACE").is_some()) {
        println!("{peer} {direction} {}", String::from_utf8_lossy(message));
    }
}

impl Peer {
    pub(crate) fn is_connected(&self) -> bool {
        self.states.last() == Some(&SpokeState::Connected)
    }
}
