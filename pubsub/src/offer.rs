//! What an event is made of, before somebody is found who gets it.

use std::sync::Arc;
use std::task::Waker;

use pubsub_transports::__private::Carried;

use crate::engine::{Address, At, Engine, Pin, Refused, Store, Waiting};
use crate::event::{EventData, Stored};
use crate::{Event, EventId, IdString, PublishError, TopicId};

/// The event is made when somebody is found who gets it, and not before.
pub(crate) struct Offer<'a, P, I: TopicId + ?Sized> {
    /// Its place in the map, and its name.
    topic: (usize, &'static str),
    id: &'a I,
    pin: Option<Pin>,
    event_id: Option<EventId>,
    carried: Carried,
    /// Until the event is made, or turns out to be nobody's.
    payload: Option<P>,
}

impl<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Offer<'a, P, I> {
    #[inline]
    pub(crate) fn new(topic: (usize, &'static str), id: &'a I, pin: Option<Pin>, payload: P) -> Self {
        Self { topic, id, pin, event_id: None, carried: Carried::default(), payload: Some(payload) }
    }

    /// Its place in the map.
    #[inline]
    pub(crate) fn topic(&self) -> usize {
        self.topic.0
    }

    pub(crate) fn set_event_id(&mut self, event_id: EventId) {
        self.event_id = Some(event_id);
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn set_carried(&mut self, carried: Carried) {
        self.carried = carried;
    }

    /// Whether nothing was made of it yet.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.payload.is_some()
    }

    /// It is nobody's.
    #[inline]
    pub(crate) fn discard(&mut self) {
        self.payload = None;
    }

    /// To `engine`, which stores the event, or refuses it: then it comes back in the error. Where there is no room and
    /// a waker, it waits.
    ///
    /// Not inlined, so that where nobody listens an event need not be put together for it.
    #[inline(never)]
    pub(crate) fn hand_to(
        &mut self,
        engine: &Arc<Engine>,
        waker: Option<&Waker>,
    ) -> Result<Option<Waiting>, PublishError<P, I>> {
        let written = self.id.__write();
        let at = self.pin.map_or_else(|| At::Id(self.id.__text(&written)), At::Pin);
        let address = Address { topic: self.topic.0, at };
        let mut making = Making { owned: self.id.__to_owned_early(), written: &written, offer: self };
        engine.publish(address, &mut making, waker).map_err(|refused| self.refuse(refused))
    }

    #[cold]
    fn refuse(&mut self, refused: Refused) -> PublishError<P, I> {
        let event = Event::new(Arc::new(self.make()), 0);
        match refused {
            Refused::Full => PublishError::Full(event),
            Refused::Closed => PublishError::Closed(event),
        }
    }

    /// The event itself.
    #[cold]
    pub(crate) fn make(&mut self) -> EventData<P, I> {
        let payload = self.payload.take().expect("an event is made once");
        let id = self.id.__to_owned(None);
        let mut data = EventData::new(self.topic, id, self.id.__write(), payload, self.event_id);
        data.set_carried(std::mem::take(&mut self.carried));
        data
    }
}

/// An offer, with what of an event is code of users and done already.
struct Making<'m, 'a, P, I: TopicId + ?Sized> {
    offer: &'m mut Offer<'a, P, I>,
    owned: Option<I::Owned>,
    written: &'m I::__Text,
}

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Store for Making<'_, '_, P, I> {
    #[inline(always)]
    fn store(&mut self, known: Option<&IdString>) -> Stored {
        let Offer { topic, id, event_id, carried, payload, .. } = &mut *self.offer;
        let payload = payload.take().expect("an event is stored once");
        let id = self.owned.take().unwrap_or_else(|| id.__to_owned(known));
        let mut data = EventData::<P, I>::new(*topic, id, self.written.clone(), payload, *event_id);
        data.set_carried(std::mem::take(carried));
        Stored::new(data)
    }
}
