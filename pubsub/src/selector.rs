//! Selectors: what can be subscribed to.

use std::fmt;
use std::marker::PhantomData;

use crate::engine::Make;
use crate::interest::{Interest, SELF_ID};
use crate::{CloneMap, Event, EventMap, EventSubset, IdString, Topic, TopicId};

/// What can be subscribed to.
///
/// | selector | follows | gives |
/// |---|---|---|
/// | `AppEvent::MESSAGE` | a topic, every id | `Event<Message, RoomId>` |
/// | `AppEvent::MESSAGE.id(&room)` | a topic and one id | `Event<Message, RoomId>` |
/// | `AppEvent::MESSAGE.id_self()` | a topic and who the bus is | `Event<Message, RoomId>` |
/// | `AppEvent::MESSAGE.ids(&rooms)` | a topic and several ids | `Event<Message, RoomId>` |
/// | an array or `Vec` of one of these | several of one payload and id type | the same |
/// | `Presence::ALL` | the topics of a [subset](EventSubset) | `Event<Presence>` |
/// | a tuple of up to 12 selectors | several of different types | `Event<AppEvent>` |
/// | [`All`] | every topic | `Event<AppEvent>` |
///
/// However selectors overlap, an event matches a subscription at most once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not select topics of `{M}`",
    label = "expected a topic of `{M}`",
    note = "the topics of `{M}` are its associated constants: a variant `SessionStatus` has the topic `{M}::SESSION_STATUS`",
    note = "a subset is selected by its constant `ALL`: `Presence::ALL`",
    note = "`topic.id(..)` follows one id, `All` follows every topic; `All` and tuples need every payload to be `Clone`"
)]
pub trait Selector<M: EventMap>: Sized {
    /// What the subscription yields.
    type Event: Send + 'static;

    #[doc(hidden)]
    fn __interest(&self, interest: &mut Interest);
    /// How stored events, which matched, become what the subscription yields.
    #[doc(hidden)]
    fn __make() -> Make<Self::Event>;
}

#[diagnostic::do_not_recommend]
impl<M: EventMap, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Selector<M> for Topic<M, P, I> {
    type Event = Event<P, I>;

    fn __interest(&self, interest: &mut Interest) {
        interest.add_topic(self.index());
    }

    fn __make() -> Make<Event<P, I>> {
        Make::<Event<P, I>>::TYPED
    }
}

/// A topic and one id: what [`Topic::id`] gives.
pub struct TopicWithId<M, P, I: ?Sized = str> {
    topic: Topic<M, P, I>,
    id: IdString,
}

impl<M, P, I: TopicId + ?Sized> Topic<M, P, I> {
    /// Only the events with this id.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # let bus = PubSub::<App>::default();
    /// let mut desk = bus.subscribe(App::NOTE.id("desk")).now()?;
    /// bus.publish(App::NOTE, "shelf", "dust".to_owned()).now()?;
    /// bus.publish(App::NOTE, "desk", "tidy".to_owned()).now()?;
    /// assert_eq!(desk.try_next()?.payload, "tidy");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn id(self, id: &I) -> TopicWithId<M, P, I> {
        TopicWithId { topic: self, id: id.__text(&id.__write()).into() }
    }

    /// Only the events whose id is who this bus is: the identity that a hub gave its spoke for its token, whatever the type of
    /// the topic's ids.
    ///
    /// A hub denies it to the anonymous. To a bus that no hub knows it is `@self`, an id as any other. To publish to it, pass
    /// `"@self"` where ids are text, or what [`PubSub::identity`](crate::PubSub::identity) says.
    ///
    /// ```no_run
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # async fn run(bus: PubSub<App>) -> Result<(), SubscribeError> {
    /// let mut inbox = bus.subscribe(App::NOTE.id_self()).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn id_self(self) -> TopicWithId<M, P, I> {
        TopicWithId { topic: self, id: SELF_ID.into() }
    }

    /// Only the events with one of these ids.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # let bus = PubSub::<App>::default();
    /// let mut notes = bus.subscribe(App::NOTE.ids(["desk", "shelf"])).now()?;
    /// bus.publish(App::NOTE, "shelf", "dust".to_owned()).now()?;
    /// assert_eq!(notes.try_next()?.id, "shelf");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn ids<'a>(self, ids: impl IntoIterator<Item = &'a I>) -> Vec<TopicWithId<M, P, I>>
    where
        I: 'a,
    {
        ids.into_iter().map(|id| self.id(id)).collect()
    }
}

impl<M, P, I: ?Sized> Clone for TopicWithId<M, P, I> {
    fn clone(&self) -> Self {
        Self { topic: self.topic, id: self.id.clone() }
    }
}

impl<M, P, I: ?Sized> fmt::Debug for TopicWithId<M, P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicWithId").field("topic", &self.topic.name()).field("id", &self.id).finish()
    }
}

#[diagnostic::do_not_recommend]
impl<M: EventMap, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Selector<M>
    for TopicWithId<M, P, I>
{
    type Event = Event<P, I>;

    fn __interest(&self, interest: &mut Interest) {
        interest.add_address(self.topic.index(), self.id.clone());
    }

    fn __make() -> Make<Event<P, I>> {
        Make::<Event<P, I>>::TYPED
    }
}

/// Every topic of the map: the subscription gives the enum itself, built from a clone of the payload (or from the
/// payload, where this subscription is its last reader). Nobody else holds that enum, so
/// [`try_into_payload`](Event::try_into_payload) gives it without asking for `Clone`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct All;

// Recommended, unlike the other implementations: where it does not hold, the error names the payload that is not `Clone`.
impl<M: CloneMap> Selector<M> for All {
    type Event = Event<M>;

    fn __interest(&self, interest: &mut Interest) {
        interest.add_all();
    }

    fn __make() -> Make<Event<M>> {
        Make::one_by_one(|stored, missed| stored.into_enum(missed, M::__from_stored))
    }
}

/// The topics of an [`EventSubset`]: its associated constant `ALL`.
pub struct SubsetOf<S>(PhantomData<fn() -> S>);

/// Called by what the derive generates.
#[doc(hidden)]
#[must_use]
pub const fn subset<S>() -> SubsetOf<S> {
    SubsetOf(PhantomData)
}

impl<S> Clone for SubsetOf<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for SubsetOf<S> {}

impl<S: EventSubset> fmt::Debug for SubsetOf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = S::__TOPICS.iter().map(|&index| S::Map::TOPICS[index].name);
        f.debug_list().entries(names).finish()
    }
}

#[diagnostic::do_not_recommend]
impl<M: EventMap, S: EventSubset<Map = M>> Selector<M> for SubsetOf<S> {
    type Event = Event<S>;

    fn __interest(&self, interest: &mut Interest) {
        for &topic in S::__TOPICS {
            interest.add_topic(topic);
        }
    }

    fn __make() -> Make<Event<S>> {
        Make::one_by_one(|stored, missed| stored.into_enum(missed, S::__from_stored))
    }
}

#[diagnostic::do_not_recommend]
impl<M: EventMap, S: Selector<M>, const N: usize> Selector<M> for [S; N] {
    type Event = S::Event;

    fn __interest(&self, interest: &mut Interest) {
        self.iter().for_each(|selector| selector.__interest(interest));
    }

    fn __make() -> Make<S::Event> {
        S::__make()
    }
}

#[diagnostic::do_not_recommend]
impl<M: EventMap, S: Selector<M>> Selector<M> for Vec<S> {
    type Event = S::Event;

    fn __interest(&self, interest: &mut Interest) {
        self.iter().for_each(|selector| selector.__interest(interest));
    }

    fn __make() -> Make<S::Event> {
        S::__make()
    }
}

macro_rules! tuple_selectors {
    ($($name:ident)+) => {
        #[diagnostic::do_not_recommend]
        impl<M: CloneMap, $($name: Selector<M>),+> Selector<M> for ($($name,)+) {
            type Event = Event<M>;

            fn __interest(&self, interest: &mut Interest) {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                $($name.__interest(interest);)+
            }

            fn __make() -> Make<Event<M>> {
                Make::one_by_one(|stored, missed| stored.into_enum(missed, M::__from_stored))
            }
        }
    };
}
tuple_selectors!(A B);
tuple_selectors!(A B C);
tuple_selectors!(A B C D);
tuple_selectors!(A B C D E);
tuple_selectors!(A B C D E F);
tuple_selectors!(A B C D E F G);
tuple_selectors!(A B C D E F G H);
tuple_selectors!(A B C D E F G H I);
tuple_selectors!(A B C D E F G H I J);
tuple_selectors!(A B C D E F G H I J K);
tuple_selectors!(A B C D E F G H I J K L);
