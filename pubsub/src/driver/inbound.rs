//! What comes from the other side: events for the engine, and notices for the subscriptions that they concern.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Poll, Waker};

use pubsub_transports::__private::Carried;
use pubsub_transports::{
    Address, ConnectError, ConnectionState, DecodeError, Frame, Gap, Header, Inlet, Link, Past, Position,
    Rejection, SendError, Undecodable,
};

use super::Parts;
use super::acknowledge::Acknowledged;
use super::edge::Edge;
use super::interest::Interests;
use super::notices::{Notice, Notices};
use super::replay::Replay;
use crate::connection::Gauge;
use crate::engine::{self, At, Engine, Waiting};
use crate::errors::{BusError, Reporter};
use crate::event::{Arrival, Stored};
use crate::interest::Interest;
use crate::metrics::Meter;
use crate::trace::{self, Receiving};
use crate::{EventMap, SubscribeError, TopicInfo};

pub(super) struct Inbound {
    engine: Arc<Engine>,
    edge: Arc<dyn Edge>,
    /// Whether positions say where a subscription can begin.
    has_history: bool,
    pub(super) errors: Reporter,
    topics: &'static [TopicInfo],
    topic_index: fn(&str) -> Option<usize>,
    transport: &'static str,
    pub(super) meter: Meter,
    pub(super) gauge: Arc<Gauge>,
    pub(super) closed: AtomicBool,
    interests: Mutex<Interests>,
    /// Events that came.
    arrived: AtomicU64,
    /// The last event that came, if subscriptions have no room for it yet.
    waiting: Mutex<Option<Waiting>>,
    /// Whether there is one; also while it is looked after. Most of the time there is none, and nobody takes the lock.
    pub(super) is_full: AtomicBool,
    /// Subscriptions that found nothing when they last looked. What waits behind the last event may be theirs.
    pub(super) idle: AtomicUsize,
    /// The last event that came of each topic, where there is a history.
    positions: Mutex<Vec<Option<Position>>>,
    /// What acknowledging subscriptions have not handled.
    acknowledged: Mutex<Acknowledged>,
    /// Whether any subscription acknowledges: most buses have none, and ask no lock.
    acknowledges: AtomicBool,
    /// Who is told what is handled.
    link: OnceLock<Weak<dyn Link>>,
    /// Subscriptions that read the past, by their keys.
    replays: Mutex<HashMap<u64, Arc<Replay>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inbound {
    pub(super) fn new<M: EventMap>(parts: Parts, edge: Arc<dyn Edge>, has_history: bool) -> Self {
        let Parts { engine, errors, gauge, transport } = parts;
        Self {
            engine,
            edge,
            has_history,
            errors,
            topics: M::TOPICS,
            topic_index: M::topic_index,
            transport,
            meter: Meter::new(M::TOPICS, transport),
            gauge,
            closed: AtomicBool::new(false),
            interests: Mutex::default(),
            arrived: AtomicU64::new(0),
            waiting: Mutex::default(),
            is_full: AtomicBool::new(false),
            idle: AtomicUsize::new(0),
            positions: Mutex::new(vec![None; M::TOPICS.len()]),
            acknowledged: Mutex::default(),
            acknowledges: AtomicBool::new(false),
            link: OnceLock::new(),
            replays: Mutex::default(),
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        lock(&self.waiting).is_some()
    }

    /// How many events came.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Acquire)
    }

    pub(super) fn engine_is_closed(&self) -> bool {
        self.engine.is_closed()
    }

    pub(super) fn acknowledged(&self) -> MutexGuard<'_, Acknowledged> {
        lock(&self.acknowledged)
    }

    pub(super) fn acknowledges(&self, is_any: bool) {
        self.acknowledges.store(is_any, Ordering::Release);
    }

    pub(super) fn set_link(&self, link: &Arc<dyn Link>) {
        let _ = self.link.set(Arc::downgrade(link));
    }

    pub(super) fn link(&self) -> Option<Arc<dyn Link>> {
        self.link.get()?.upgrade()
    }

    pub(super) fn topic_name(&self, topic: usize) -> &'static str {
        self.topics[topic].name
    }

    pub(super) fn topic_count(&self) -> usize {
        self.topics.len()
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(super) fn replays(&self) -> MutexGuard<'_, HashMap<u64, Arc<Replay>>> {
        lock(&self.replays)
    }

    /// How far the topics of these addresses are, as far as they are followed already.
    pub(super) fn positions(&self, addresses: &[Address]) -> Vec<(Box<str>, Position)> {
        let live: Vec<&Address> = {
            let interests = self.interests();
            addresses.iter().filter(|address| interests.is_live(address)).collect()
        };
        let positions = lock(&self.positions);
        let position = |topic: &str| positions.get((self.topic_index)(topic)?)?.clone();
        live.iter().filter_map(|it| Some((it.topic().into(), position(it.topic())?))).collect()
    }

    fn note(&self, topic: usize, position: Position) {
        if let Some(known) = lock(&self.positions).get_mut(topic) {
            *known = Some(position);
        }
    }

    pub(super) fn interests(&self) -> MutexGuard<'_, Interests> {
        lock(&self.interests)
    }

    /// What an interest is called on a wire.
    pub(super) fn addresses(&self, interest: &Interest) -> Result<Vec<Address>, SubscribeError> {
        let names = self.topics.iter().enumerate().map(|(topic, info)| (topic, info.name));
        let whole = names.filter(|(topic, _)| interest.all || interest.topics.binary_search(topic).is_ok());
        let whole = whole.map(|(_, name)| Address::whole(name));
        let single = interest.addresses.iter().map(|(topic, id)| Address::new(self.topics[*topic].name, id));
        whole.chain(single).collect::<Result<_, _>>().map_err(SubscribeError::Address)
    }

    /// What it is called in spans.
    pub(super) fn transport(&self) -> &'static str {
        self.transport
    }

    /// Shows how the connection is, and gives how it was before.
    pub(super) fn show(&self, state: ConnectionState) -> ConnectionState {
        let before = self.gauge.show(state.clone());
        trace::state(self.transport, &before, &state);
        self.meter.state(&state);
        before
    }

    /// That events were lost.
    fn count(&self, gap: Gap) {
        trace::gap(self.transport, gap);
        self.meter.gap(gap);
    }

    fn tell(&self, whom: Vec<Arc<Notices>>, notice: &Notice) {
        let after = self.arrived.load(Ordering::Acquire);
        whom.into_iter().for_each(|notices| notices.tell(after, notice.clone()));
    }

    /// An event of the past. Its number is that of the last that came to all: what is told after that is told after this.
    fn past(&self, frame: Frame) -> Result<Stored, Undecodable> {
        let (header, stored, carried) = self.event_of(frame)?;
        let (sequence, position) = (self.arrived.load(Ordering::Acquire), header.position().cloned());
        Ok(stored.arrived(header.event_id(), Arrival { sequence, position }, carried))
    }

    /// The event that a frame carries, of whatever topic.
    #[cfg(feature = "worker")]
    pub(super) fn read(&self, frame: Frame) -> Result<Stored, Undecodable> {
        let (header, stored, carried) = self.event_of(frame)?;
        let arrival = Arrival { sequence: 0, position: None };
        Ok(if self.edge.is_wire() { stored.arrived(header.event_id(), arrival, carried) } else { stored })
    }

    fn event_of(&self, frame: Frame) -> Result<(Header, Stored, Carried), Undecodable> {
        let Some(topic) = (self.topic_index)(frame.header.topic()) else {
            let error = DecodeError::unknown_type(frame.header.topic());
            return Err(Undecodable::new(frame.header.address().ok(), error));
        };
        let span = self.receive(topic, &frame);
        let (header, stored) = self.decode(topic, frame).inspect_err(|_| span.not_decoded())?;
        Ok((header, stored, span.carried()))
    }

    fn close_replays(&self) {
        let replays: Vec<Arc<Replay>> = self.replays().values().cloned().collect();
        replays.iter().for_each(|replay| replay.close());
    }

    /// An event came. What is done about it belongs to the span.
    #[inline(always)]
    fn receive(&self, topic: usize, frame: &Frame) -> Receiving {
        self.meter.received(topic, &frame.body);
        Receiving::new(self.topics[topic].name, self.transport, &frame.header)
    }

    // Into `deliver`, which otherwise copies what it gives once more.
    #[inline(always)]
    fn decode(&self, topic: usize, frame: Frame) -> Result<(Header, Stored), Undecodable> {
        let Frame { header, body } = frame;
        // A `Deserialize` is code of users, on input of others; the task that calls this serves the whole bus.
        let decoded = catch_unwind(AssertUnwindSafe(|| self.edge.decode(topic, &header, body)));
        let panicked = |_| Err(DecodeError::payload(header.topic(), "its `Deserialize` panicked"));
        match decoded.unwrap_or_else(panicked) {
            Ok(stored) => Ok((header, stored)),
            Err(error) => Err(Undecodable::new(header.address().ok(), error)),
        }
    }
}

/// The bus's ear: what the link holds, and lets go at its end.
pub(super) struct BusInlet(pub(super) Arc<Inbound>);

impl Inlet for BusInlet {
    fn poll_ready(&self, waker: &Waker) -> Poll<()> {
        if !self.0.is_full.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        // Taken out, since polling it runs code of the waker. Only this inlet's one caller puts it back.
        let waiting = lock(&self.0.waiting).take();
        let Some(waiting) = waiting else { return Poll::Ready(()) };
        // Readers need not have told: see `Driver::room_may_wait`.
        waiting.look_again();
        if waiting.poll(waker).is_ready() {
            self.0.is_full.store(false, Ordering::SeqCst);
            return Poll::Ready(());
        }
        *lock(&self.0.waiting) = Some(waiting);
        Poll::Pending
    }

    fn deliver(&self, frame: Frame) {
        let bus = &*self.0;
        let Some(topic) = (bus.topic_index)(frame.header.topic()) else {
            let error = DecodeError::unknown_type(frame.header.topic());
            return self.undecodable(Undecodable::new(frame.header.address().ok(), error));
        };
        let acknowledges = bus.acknowledges.load(Ordering::Acquire);
        // It may come a moment after its last subscription was dropped; then it is not worth reading.
        if bus.engine.is_idle(topic) {
            if acknowledges {
                bus.under_way(topic, None, frame.header.position());
            }
            return;
        }
        let position = if acknowledges { frame.header.position().cloned() } else { None };
        let span = bus.receive(topic, &frame);
        let (header, stored) = match bus.decode(topic, frame) {
            Ok(decoded) => decoded,
            Err(undecodable) => {
                span.not_decoded();
                // It was sent, and nobody will handle it.
                bus.under_way(topic, None, position.as_ref());
                return self.undecodable(undecodable);
            }
        };
        // Before it is delivered: it may be handled at once.
        bus.under_way(topic, Some(header.id()), position.as_ref());
        let sequence = bus.arrived.load(Ordering::Relaxed) + 1;
        let stored = if bus.edge.is_wire() {
            let position = header.position().cloned();
            stored.arrived(header.event_id(), Arrival { sequence, position }, span.carried())
        } else {
            stored
        };
        let mut stored = Some(stored);
        let address = engine::Address { topic, at: At::Id(header.id()) };
        // A bus that is closed has no use for it.
        if let Ok(Some(waiting)) = bus.engine.publish(address, &mut stored, Some(Waker::noop())) {
            let before = lock(&bus.waiting).replace(waiting);
            debug_assert!(before.is_none(), "an event came before there was room for it");
            bus.is_full.store(true, Ordering::SeqCst);
        }
        // Counted when it is there: a notice is told after it.
        bus.arrived.store(sequence, Ordering::Release);
        // And not earlier: whoever subscribes now and does not get it has to begin before it.
        if bus.has_history
            && let Some(position) = header.position()
        {
            bus.note(topic, position.clone());
        }
    }

    fn position(&self, topic: &str, position: Position) {
        let bus = &*self.0;
        let followers = bus.interests().of_topic(topic);
        followers.iter().for_each(|notices| notices.begin(topic, position.clone()));
        if let Some(topic) = (bus.topic_index)(topic) {
            bus.note(topic, position);
        }
    }

    fn replay_begins(&self, replay: u64, topic: &str, position: Position) {
        if let Some(replay) = self.0.replays().get(&replay).cloned() {
            replay.begin_after(topic, position);
        }
    }

    fn replaying(&self, replay: u64) {
        if let Some(replay) = self.0.replays().get(&replay).cloned() {
            replay.settle();
        }
    }

    fn poll_replay(&self, replay: u64, waker: &Waker) -> Poll<bool> {
        let replay = self.0.replays().get(&replay).cloned();
        replay.map_or(Poll::Ready(false), |replay| replay.poll_room(waker))
    }

    fn replay(&self, replay: u64, past: Past) {
        let bus = &*self.0;
        let Some(replay) = bus.replays().get(&replay).cloned() else { return };
        let undecodable = match past {
            Past::Event(frame) => match bus.past(frame) {
                Ok(stored) => return replay.event(stored),
                Err(undecodable) => undecodable,
            },
            Past::Gap(gap) => {
                bus.count(gap);
                return replay.notice(Notice::Gap(gap));
            }
            Past::Undecodable(undecodable) => undecodable,
            _ => return,
        };
        bus.errors.report(BusError::Undecodable(undecodable.clone()));
        replay.notice(Notice::Undecodable(undecodable));
    }

    fn replayed(&self, replay: u64) {
        let bus = &*self.0;
        bus.interests().replayed(replay);
        let Some(replay) = bus.replays().get(&replay).cloned() else { return };
        replay.join(|interest, terms| bus.engine.subscribe(interest, terms).ok());
    }

    #[cfg(all(feature = "worker", feature = "json"))]
    fn hold(&self) {
        engine::wakes::hold();
    }

    #[cfg(all(feature = "worker", feature = "json"))]
    fn flush(&self) {
        engine::wakes::flush();
    }

    fn subscribed(&self, request: u64) {
        let waiting = self.0.interests().subscribed(request);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn refused(&self, request: u64, address: Address, rejection: Rejection) {
        let (followers, waiting) = self.0.interests().refused(request, &address, &rejection);
        if followers.is_empty() {
            return;
        }
        followers.into_iter().for_each(|notices| notices.refuse(rejection.clone()));
        waiting.into_iter().for_each(Waker::wake);
        self.0.errors.report(BusError::SubscriptionRejected { address, rejection });
    }

    fn gap(&self, address: Option<Address>, gap: Gap) {
        let whom = match &address {
            Some(address) => self.0.interests().of_address(address),
            None => self.0.interests().live(),
        };
        self.0.count(gap);
        // How many of all that were lost were whose, nobody said.
        let missed = gap.missed.filter(|_| address.is_some());
        self.0.tell(whom, &Notice::Gap(Gap::new(gap.reason, missed)));
    }

    /// It is one loss, however many addresses somebody follows, and counted once.
    fn gaps(&self, lost: Vec<(Address, Gap)>) {
        let mut told: Vec<(Arc<Notices>, Gap)> = Vec::new();
        {
            let mut places = HashMap::new();
            let interests = self.0.interests();
            for (address, gap) in &lost {
                for notices in interests.of_address(address) {
                    let place = *places.entry(Arc::as_ptr(&notices)).or_insert(told.len());
                    match told.get_mut(place) {
                        // How many were lost of all is known only where it is of each.
                        Some((_, known)) => {
                            known.missed = known.missed.zip(gap.missed).map(|(one, other)| one + other);
                        }
                        None => told.push((notices, *gap)),
                    }
                }
            }
        }
        let counted = lost.iter().find(|(_, gap)| gap.missed.is_some()).or(lost.first());
        counted.into_iter().for_each(|(_, gap)| self.0.count(*gap));
        for (notices, gap) in told {
            self.0.tell(vec![notices], &Notice::Gap(gap));
        }
    }

    fn undecodable(&self, undecodable: Undecodable) {
        if let Some(address) = &undecodable.address {
            let whom = self.0.interests().reached_by(address);
            self.0.tell(whom, &Notice::Undecodable(undecodable.clone()));
        }
        self.0.errors.report(BusError::Undecodable(undecodable));
    }

    fn not_sent(&self, header: Header, error: SendError) {
        let (topic, id) = (header.topic().to_owned(), header.id().into());
        self.0.errors.report(BusError::NotSent { topic, id, error });
    }

    fn state(&self, state: ConnectionState) {
        let bus = &*self.0;
        let is_receiving = matches!(state, ConnectionState::Connected | ConnectionState::ReceiveOnly { .. });
        let is_closed = matches!(state, ConnectionState::Closed { .. });
        let before = bus.show(state);
        if is_receiving && matches!(before, ConnectionState::Reconnecting { .. }) {
            bus.tell(bus.interests().live(), &Notice::Reconnected);
        }
        if is_closed {
            bus.closed.store(true, Ordering::Release);
            bus.engine.close();
            bus.close_replays();
        }
        let waiting = {
            let mut interests = bus.interests();
            if is_closed { interests.take_wakers() } else { interests.set_connected(is_receiving) }
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// A transport that ends without a word, since its task panicked for instance, has ended all the same.
impl Drop for BusInlet {
    fn drop(&mut self) {
        if self.0.engine.is_closed() {
            self.0.close_replays();
            return;
        }
        let error = (!self.0.closed.load(Ordering::Acquire))
            .then(|| ConnectError::Protocol { reason: "the transport ended without a word".to_owned() });
        self.state(ConnectionState::Closed { error });
    }
}
