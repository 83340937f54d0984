//! What comes from the other side: events for the engine, and notices for the subscriptions that they concern.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use pubsub_transports::{
    Address, ConnectionState, DecodeError, Frame, Gap, Header, Inlet, Rejection, SendError, Undecodable,
};

use super::Parts;
use super::edge::Edge;
use super::interest::Interests;
use super::story::{Notice, Story};
use crate::connection::Gauge;
use crate::engine::{self, At, Engine, Waiting};
use crate::errors::{BusError, ErrorSource};
use crate::event::{Arrival, Stored};
use crate::interest::Interest;
use crate::{EventMap, SubscribeError, TopicInfo};

pub(super) struct Inbound {
    engine: Arc<Engine>,
    edge: Arc<dyn Edge>,
    errors: ErrorSource,
    topics: &'static [TopicInfo],
    topic_index: fn(&str) -> Option<usize>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) closed: AtomicBool,
    interests: Mutex<Interests>,
    stories: Mutex<Stories>,
    /// Events that came.
    arrived: AtomicU64,
    /// The last event that came, if subscriptions have no room for it yet.
    waiting: Mutex<Option<Waiting>>,
}

/// One who is to be told, and of what.
struct Told {
    interest: Interest,
    addresses: Arc<[Address]>,
    story: Arc<Story>,
}

/// Those who are to be told.
#[derive(Default)]
struct Stories {
    all: HashMap<u64, Told, foldhash::fast::RandomState>,
    last_key: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inbound {
    pub(super) fn new<M: EventMap>(parts: Parts, edge: Arc<dyn Edge>) -> Self {
        let Parts { engine, errors, gauge } = parts;
        Self {
            engine,
            edge,
            errors,
            topics: M::TOPICS,
            topic_index: M::topic_index,
            gauge,
            closed: AtomicBool::new(false),
            interests: Mutex::default(),
            stories: Mutex::default(),
            arrived: AtomicU64::new(0),
            waiting: Mutex::default(),
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        lock(&self.waiting).is_some()
    }

    pub(super) fn engine_is_closed(&self) -> bool {
        self.engine.is_closed()
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

    pub(super) fn begin_story(&self, interest: Interest, addresses: Arc<[Address]>) -> (u64, Arc<Story>) {
        let story = Arc::<Story>::default();
        let mut stories = lock(&self.stories);
        stories.last_key += 1;
        let key = stories.last_key;
        stories.all.insert(key, Told { interest, addresses, story: Arc::clone(&story) });
        (key, story)
    }

    pub(super) fn end_story(&self, key: u64) {
        let _story = lock(&self.stories).all.remove(&key);
    }

    /// The stories of subscriptions that follow some of this.
    fn concerned(&self, address: Option<&Address>) -> Vec<Arc<Story>> {
        let follows = |interest: &Interest| match address {
            None => true,
            Some(address) => {
                let topic = (self.topic_index)(address.topic());
                topic.is_some_and(|topic| match address.id() {
                    Some(id) => interest.contains(topic, id),
                    None => interest.distinct_topics(self.topics.len()).any(|other| other == topic),
                })
            }
        };
        let stories = lock(&self.stories);
        let concerned = stories.all.values().filter(|told| follows(&told.interest));
        concerned.map(|told| Arc::clone(&told.story)).collect()
    }

    /// The stories of subscriptions that were live, in part at least: those that are not yet have nothing to lose.
    fn live(&self) -> Vec<Arc<Story>> {
        let stories = lock(&self.stories);
        let interests = self.interests();
        let live = stories.all.values().filter(|told| interests.is_any_live(&told.addresses));
        live.map(|told| Arc::clone(&told.story)).collect()
    }

    fn tell(&self, address: Option<&Address>, notice: &Notice) {
        let after = self.arrived.load(Ordering::Acquire);
        let stories = if address.is_some() { self.concerned(address) } else { self.live() };
        for story in stories {
            story.tell(after, notice.clone());
        }
    }

    fn decode(&self, frame: Frame) -> Result<(usize, Header, Stored), Undecodable> {
        let Frame { header, body } = frame;
        let Some(topic) = (self.topic_index)(header.topic()) else {
            let error = DecodeError::UnknownType { topic: header.topic().to_owned() };
            return Err(Undecodable::new(header.address().ok(), error));
        };
        match self.edge.decode(topic, &header, body) {
            Ok(stored) => Ok((topic, header, stored)),
            Err(error) => Err(Undecodable::new(header.address().ok(), error)),
        }
    }
}

impl Inlet for Inbound {
    fn poll_ready(&self, waker: &Waker) -> Poll<()> {
        // Taken out, since polling it runs code of the waker. Only this inlet's one caller puts it back.
        let waiting = lock(&self.waiting).take();
        let Some(waiting) = waiting else { return Poll::Ready(()) };
        if waiting.poll(waker).is_ready() {
            return Poll::Ready(());
        }
        *lock(&self.waiting) = Some(waiting);
        Poll::Pending
    }

    fn deliver(&self, frame: Frame) {
        let (topic, header, stored) = match self.decode(frame) {
            Ok(decoded) => decoded,
            Err(undecodable) => return self.undecodable(undecodable),
        };
        let sequence = self.arrived.load(Ordering::Relaxed) + 1;
        let stored = if self.edge.is_wire() {
            let position = header.position().cloned();
            stored.arrived(header.event_id(), Arrival { sequence, position })
        } else {
            stored
        };
        let mut stored = Some(stored);
        let mut store = || stored.take().unwrap_or_else(|| unreachable!("an event is stored once"));
        let address = engine::Address { topic, at: At::Id(header.id()) };
        // A bus that is closed has no use for it.
        if let Ok(waiting) = self.engine.publish(address, &mut store, Waker::noop()) {
            *lock(&self.waiting) = waiting;
        }
        // Counted when it is there: a notice is told after it.
        self.arrived.store(sequence, Ordering::Release);
    }

    fn subscribed(&self, request: u64) {
        let waiting = self.interests().subscribed(request);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn refused(&self, address: Address, rejection: Rejection) {
        for story in self.concerned(Some(&address)) {
            story.refuse(rejection.clone());
        }
        let waiting = self.interests().refused(&address);
        waiting.into_iter().for_each(Waker::wake);
        self.errors.report(BusError::SubscriptionRejected { address, rejection });
    }

    fn gap(&self, address: Option<Address>, gap: Gap) {
        self.tell(address.as_ref(), &Notice::Gap(gap));
    }

    fn undecodable(&self, undecodable: Undecodable) {
        if let Some(address) = &undecodable.address {
            self.tell(Some(address), &Notice::Undecodable(undecodable.clone()));
        }
        self.errors.report(BusError::Undecodable(undecodable));
    }

    fn not_sent(&self, header: Header, error: SendError) {
        let (topic, id) = (header.topic().to_owned(), header.id().into());
        self.errors.report(BusError::NotSent { topic, id, error });
    }

    fn state(&self, state: ConnectionState) {
        let is_closed = matches!(state, ConnectionState::Closed { .. });
        let is_connected = matches!(state, ConnectionState::Connected);
        let before = self.gauge.show(state);
        if is_connected && matches!(before, ConnectionState::Reconnecting { .. }) {
            self.tell(None, &Notice::Reconnected);
        }
        if is_closed {
            self.closed.store(true, Ordering::Release);
            let waiting = self.interests().close();
            waiting.into_iter().for_each(Waker::wake);
            self.engine.close();
        }
    }
}
