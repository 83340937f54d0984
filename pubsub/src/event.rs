//! What a subscriber receives, and how it is stored: once, however many subscribers there are.

use std::any::{Any, type_name};
use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use pubsub_transports::__private::Carried;

use crate::{EventId, Position, TopicId};

/// One event: a handle on what was published, shared by all its subscribers.
///
/// The fields of [`EventData`] (`topic`, `id`, `payload`) are reached through it, as in `event.payload`, without a
/// copy. To own the payload take it with [`into_payload`](Self::into_payload). Cloning an event clones the handle.
///
/// `P` is the payload and `I` the type of the topic's id. A subscription to [`All`](crate::All) or to a
/// [subset](crate::EventSubset) gives an `Event` whose payload is the enum.
///
/// ```
/// # use pubsub::prelude::*;
/// # #[derive(EventMap)] enum App { Note(String) }
/// # let bus = PubSub::<App>::default();
/// let mut notes = bus.subscribe(App::NOTE).now()?;
/// bus.publish(App::NOTE, "desk", "call home".to_owned()).now()?;
/// let event = notes.try_next()?;
/// assert_eq!((event.topic, &*event.id, &*event.payload, event.missed), ("Note", "desk", "call home", 0));
/// let text: String = event.into_payload(); // the last holder moves it out
/// # assert_eq!(text, "call home");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Event<P, I: TopicId + ?Sized = str> {
    /// How many events this subscription lost just before this one: 0 unless its bound was reached and its
    /// [`Overflow`](crate::Overflow) policy drops, or a network lost events and knows how many. What is lost after the last event is told by
    /// [`Subscription::missed`](crate::Subscription::missed) alone.
    pub missed: u64,
    data: Arc<EventData<P, I>>,
}

/// What all holders of an [`Event`] share.
#[non_exhaustive]
pub struct EventData<P, I: TopicId + ?Sized = str> {
    /// The name of the topic, as in [`Topic::name`](crate::Topic::name).
    pub topic: &'static str,
    /// The id that scopes the topic.
    pub id: I::Owned,
    /// What was published. Shared by all holders of the event, so it can be borrowed and not moved; by value it is had
    /// with [`Event::into_payload`].
    pub payload: P,
    /// The topic's place in [`EventMap::TOPICS`](crate::EventMap::TOPICS).
    pub(crate) index: usize,
    /// What most events of a bus in one process have nothing of: apart, since they are many.
    rare: Option<Box<Rare>>,
    written_id: I::__Text,
}

#[derive(Clone, Default)]
struct Rare {
    event_id: Option<EventId>,
    arrival: Option<Arrival>,
    carried: Carried,
}

impl Rare {
    #[cold]
    fn of_event_id(event_id: EventId) -> Box<Self> {
        Box::new(Self { event_id: Some(event_id), ..Self::default() })
    }
}

/// What is known of an event that came over a wire.
#[derive(Clone)]
pub(crate) struct Arrival {
    /// Its number among the events that came to this bus: what tells apart whether it came before a gap or after it.
    pub(crate) sequence: u64,
    pub(crate) position: Option<Position>,
}

impl<P, I: TopicId + ?Sized> EventData<P, I> {
    #[inline(always)]
    pub(crate) fn new(
        (index, topic): (usize, &'static str),
        id: I::Owned,
        written_id: I::__Text,
        payload: P,
        event_id: Option<EventId>,
    ) -> Self {
        let rare = event_id.map(Rare::of_event_id);
        Self { topic, id, payload, index, rare, written_id }
    }

    /// The id as text.
    #[inline]
    pub(crate) fn id_text(&self) -> &str {
        self.id.borrow().__text(&self.written_id)
    }

    /// What makes the event recognisable when it arrives twice, if its publisher
    /// [gave it](crate::Publish::event_id) an id. In one process nothing arrives twice by itself, and none is made; an
    /// event that leaves the process without one is given one then.
    #[must_use]
    pub fn event_id(&self) -> Option<EventId> {
        self.rare.as_ref()?.event_id
    }

    pub(crate) fn set_event_id(&mut self, event_id: EventId) {
        self.rare.get_or_insert_default().event_id = Some(event_id);
    }

    #[inline(always)]
    pub(crate) fn carried(&self) -> Carried {
        self.rare.as_ref().map(|rare| rare.carried.clone()).unwrap_or_default()
    }

    #[inline(always)]
    pub(crate) fn set_carried(&mut self, carried: Carried) {
        if carried.is_some() {
            self.rare.get_or_insert_default().carried = carried;
        }
    }

    /// Where in which trace it was received, if it came over a wire, or else what its publisher
    /// [said](crate::Publish::trace_context). What is done about it goes on from there.
    #[cfg(feature = "tracing")]
    #[must_use]
    pub fn trace_context(&self) -> Option<&crate::trace::TraceContext> {
        self.rare.as_ref()?.carried.context()
    }

    fn arrival(&self) -> Option<&Arrival> {
        self.rare.as_ref()?.arrival.as_ref()
    }

    /// Where the event stands in the history of its topic, if it came over a transport that keeps one.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.arrival()?.position.as_ref()
    }
}

impl<P, I: TopicId + ?Sized> Event<P, I> {
    pub(crate) fn new(data: Arc<EventData<P, I>>, missed: u64) -> Self {
        Self { missed, data }
    }

    /// The payload, by value: moved out if this is the last handle on the event, cloned otherwise.
    #[must_use]
    pub fn into_payload(self) -> P
    where
        P: Clone,
    {
        take_payload(self.data, P::clone)
    }

    /// The same event with a payload made of this one's.
    pub(crate) fn with_payload<Q>(self, convert: impl FnOnce(&P) -> Q) -> Event<Q, I> {
        let EventData { topic, id, payload, index, rare, written_id } = &*self;
        let (id, payload, written_id) = (id.clone(), convert(payload), written_id.clone());
        let data = EventData { topic, id, payload, index: *index, rare: rare.clone(), written_id };
        Event::new(Arc::new(data), self.missed)
    }

    /// The payload, by value and without a clone.
    ///
    /// # Errors
    /// Gives the event back while others hold it too.
    pub fn try_into_payload(self) -> Result<P, Self> {
        let Self { missed, data } = self;
        Arc::try_unwrap(data).map(|data| data.payload).map_err(|data| Self { missed, data })
    }
}

fn take_payload<P, I: TopicId + ?Sized>(data: Arc<EventData<P, I>>, clone: fn(&P) -> P) -> P {
    match Arc::try_unwrap(data) {
        Ok(data) => data.payload,
        Err(shared) => clone(&shared.payload),
    }
}

impl<P, I: TopicId + ?Sized> Deref for Event<P, I> {
    type Target = EventData<P, I>;

    fn deref(&self) -> &EventData<P, I> {
        &self.data
    }
}

impl<P, I: TopicId + ?Sized> Clone for Event<P, I> {
    fn clone(&self) -> Self {
        Self { missed: self.missed, data: Arc::clone(&self.data) }
    }
}

/// Names the topic, the id and the payload's type; never prints the payload, which may hold a secret.
impl<P, I: TopicId + ?Sized> fmt::Debug for Event<P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("topic", &self.topic)
            .field("id", &format_args!("{}", self.id))
            .field("payload", &format_args!("{}", type_name::<P>()))
            .field("missed", &self.missed)
            .finish()
    }
}

/// An event whose payload type is known by its topic's index only.
///
/// The engine is compiled once, not once for each payload: it moves these, and the edge that knows the topic turns
/// them back. That costs a comparison of type ids for each event received.
#[doc(hidden)]
#[derive(Clone)]
pub struct Stored(Arc<dyn AnyEvent>);

trait AnyEvent: Any + Send + Sync {
    fn topic(&self) -> usize;
    fn name(&self) -> &'static str;
    fn id_text(&self) -> &str;
    fn rare(&self) -> Option<&Rare>;
    fn arrived(&mut self, event_id: Option<EventId>, arrival: Arrival, carried: Carried);
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> AnyEvent for EventData<P, I> {
    fn topic(&self) -> usize {
        self.index
    }

    fn name(&self) -> &'static str {
        self.topic
    }

    fn id_text(&self) -> &str {
        Self::id_text(self)
    }

    fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    fn arrived(&mut self, event_id: Option<EventId>, arrival: Arrival, carried: Carried) {
        self.rare = Some(Box::new(Rare { event_id, arrival: Some(arrival), carried }));
    }
}

impl Stored {
    pub(crate) fn new<P, I>(data: EventData<P, I>) -> Self
    where
        P: Send + Sync + 'static,
        I: TopicId + ?Sized + 'static,
    {
        Self(Arc::new(data))
    }

    /// The topic's place in `EventMap::TOPICS`.
    #[must_use]
    pub fn topic(&self) -> usize {
        self.0.topic()
    }

    /// The topic's name.
    pub(crate) fn name(&self) -> &'static str {
        self.0.name()
    }

    pub(crate) fn id_text(&self) -> &str {
        self.0.id_text()
    }

    pub(crate) fn event_id(&self) -> Option<EventId> {
        self.0.rare()?.event_id
    }

    #[inline(always)]
    pub(crate) fn carried(&self) -> Carried {
        #[cfg(feature = "tracing")]
        if let Some(rare) = self.0.rare() {
            return rare.carried.clone();
        }
        Carried::default()
    }

    pub(crate) fn arrival(&self) -> Option<&Arrival> {
        self.0.rare()?.arrival.as_ref()
    }

    /// Says how an event came that nobody else holds yet.
    pub(crate) fn arrived(mut self, event_id: Option<EventId>, arrival: Arrival, carried: Carried) -> Self {
        if let Some(event) = Arc::get_mut(&mut self.0) {
            event.arrived(event_id, arrival, carried);
        }
        self
    }

    /// # Panics
    /// If the event is not of this type. A bus holds events of one map only, and there the index of a topic decides
    /// both types: whoever asks with the right index is right.
    fn data<P, I>(self) -> Arc<EventData<P, I>>
    where
        P: Send + Sync + 'static,
        I: TopicId + ?Sized + 'static,
    {
        let any: Arc<dyn Any + Send + Sync> = self.0;
        any.downcast().unwrap_or_else(|_| unreachable!("a topic's index decides its payload and id types"))
    }

    #[cfg(feature = "serde")]
    pub(crate) fn payload<P, I>(&self) -> &P
    where
        P: Send + Sync + 'static,
        I: TopicId + ?Sized + 'static,
    {
        let any: &dyn Any = &*self.0;
        match any.downcast_ref::<EventData<P, I>>() {
            Some(data) => &data.payload,
            None => unreachable!("a topic's index decides its payload and id types"),
        }
    }

    pub(crate) fn into_event<P, I>(self, missed: u64) -> Event<P, I>
    where
        P: Send + Sync + 'static,
        I: TopicId + ?Sized + 'static,
    {
        Event::new(self.data(), missed)
    }

    /// An event whose payload is built from the stored one: the enum of the map, or of a subset.
    pub(crate) fn into_enum<E>(self, missed: u64, build: impl FnOnce(Self) -> E) -> Event<E> {
        let (topic, index, id) = (self.name(), self.topic(), self.id_text().into());
        let rare = self.0.rare().cloned().map(Box::new);
        let payload = build(self);
        Event::new(Arc::new(EventData { topic, id, index, rare, payload, written_id: () }), missed)
    }

    /// The payload, moved out if this is the last handle, cloned otherwise. Called by what the derives generate.
    #[must_use]
    pub fn take<P, I>(self) -> P
    where
        P: for<'a> crate::event_map::ClonePayload<'a>,
        I: TopicId + ?Sized + 'static,
    {
        P::take_from::<I>(self)
    }

    pub(crate) fn take_cloned<P, I>(self) -> P
    where
        P: Clone + Send + Sync + 'static,
        I: TopicId + ?Sized + 'static,
    {
        take_payload(self.data::<P, I>(), P::clone)
    }

    /// Called by what the derive generates.
    #[cfg(feature = "serde")]
    pub fn serialize<P, I, S>(&self, serializer: S) -> Result<S::Ok, S::Error>
    where
        P: for<'a> crate::wire_map::WirePayload<'a>,
        I: TopicId + ?Sized + 'static,
        S: serde::Serializer,
    {
        P::serialize_stored::<I, S>(self, serializer)
    }

    /// Called by what the derive generates, with the place and the name of a topic whose types these are.
    #[cfg(feature = "serde")]
    pub fn deserialize<'de, P, I, D>(
        index: usize,
        topic: &'static str,
        id: &str,
        deserializer: D,
    ) -> Result<Self, D::Error>
    where
        P: crate::wire_map::WirePayload<'de>,
        I: TopicId + ?Sized + 'static,
        D: serde::Deserializer<'de>,
    {
        let id = I::__parse(id).ok_or_else(|| {
            let message = format!("{id:?} is no id of the topic `{topic}`");
            <D::Error as serde::de::Error>::custom(message)
        })?;
        P::deserialize_stored::<I, D>(index, topic, id, deserializer)
    }
}
