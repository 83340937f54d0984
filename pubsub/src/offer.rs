//! What an event is made of, before somebody is found who gets it.

use std::sync::Arc;

use crate::engine::{Address, At, Pin, Refused};
use crate::event::{EventData, Stored};
use crate::{Event, EventId, PublishError, TopicId};

/// The event is made when somebody is found who gets it, and not before.
pub(crate) struct Offer<'a, P, I: TopicId + ?Sized> {
    /// Its place in the map, and its name.
    topic: (usize, &'static str),
    id: &'a I,
    pin: Option<Pin>,
    event_id: Option<EventId>,
    /// Until the event is made, or turns out to be nobody's.
    payload: Option<P>,
}

impl<'a, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Offer<'a, P, I> {
    #[inline]
    pub(crate) fn new(topic: (usize, &'static str), id: &'a I, pin: Option<Pin>, payload: P) -> Self {
        Self { topic, id, pin, event_id: None, payload: Some(payload) }
    }

    /// Its place in the map.
    #[inline]
    pub(crate) fn topic(&self) -> usize {
        self.topic.0
    }

    pub(crate) fn set_event_id(&mut self, event_id: EventId) {
        self.event_id = Some(event_id);
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

    /// To `engine`, which stores the event, or refuses it: then it comes back in the error.
    #[inline]
    pub(crate) fn hand_to<T>(
        &mut self,
        engine: impl FnOnce(Address<'_>, &mut dyn FnMut() -> Stored) -> Result<T, Refused>,
    ) -> Result<T, PublishError<P, I>> {
        let Self { topic, id, pin, event_id, ref mut payload } = *self;
        let written = id.__write();
        let mut owned = id.__to_owned_early();
        let at = pin.map_or_else(|| At::Id(id.__text(&written)), At::Pin);
        // Called with locks held.
        let mut store = || {
            let payload = payload.take().expect("an event is stored once");
            let id = owned.take().unwrap_or_else(|| id.__to_owned());
            Stored::new(EventData::<P, I>::new(topic, id, written.clone(), payload, event_id))
        };
        engine(Address { topic: topic.0, at }, &mut store).map_err(|refused| self.refuse(refused))
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
        EventData::new(self.topic, self.id.__to_owned(), self.id.__write(), payload, self.event_id)
    }
}
