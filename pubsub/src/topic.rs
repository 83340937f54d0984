//! Topics: the associated constants of an event map.

use std::fmt;
use std::marker::PhantomData;

use crate::{EventMap, TopicId};

/// One topic of the event map `M`: publishing to it takes an id `I` and a payload `P`.
///
/// `#[derive(EventMap)]` makes an associated constant of this type for each variant: `AppEvent::SESSION_STATUS` for
/// `SessionStatus(SessionStatus)`. There is no other way to get one, so a topic that exists is a topic of its map.
///
/// As a [`Selector`](crate::Selector) it follows every id; [`id`](Self::id) narrows it to one.
///
/// ```
/// # use pubsub::prelude::*;
/// #[derive(EventMap)]
/// #[event_map(rename_all = "dot.case")]
/// enum App {
///     SessionStatus(bool),
/// }
/// assert_eq!(App::SESSION_STATUS.name(), "session.status");
/// ```
pub struct Topic<M, P, I: ?Sized = str> {
    index: usize,
    name: &'static str,
    types: PhantomData<fn(&I, P) -> M>,
}

impl<M, P, I: ?Sized> Topic<M, P, I> {
    /// The name of the topic; `type` on a wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The topic's place in [`EventMap::TOPICS`].
    pub(crate) const fn index(self) -> usize {
        self.index
    }
}

impl<M, P, I: ?Sized> Clone for Topic<M, P, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, P, I: ?Sized> Copy for Topic<M, P, I> {}

impl<M, P, I: ?Sized> fmt::Debug for Topic<M, P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topic").field(&self.name).finish()
    }
}

impl<M, P, I: ?Sized> fmt::Display for Topic<M, P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A topic of the event map `M`; implemented by [`Topic`] only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a topic of `{M}`",
    label = "expected a topic of `{M}`",
    note = "the topics of `{M}` are its associated constants: a variant `SessionStatus` has the topic `{M}::SESSION_STATUS`"
)]
pub trait TopicKey<M: EventMap>: Copy {
    /// What is published.
    type Payload: Send + Sync + 'static;
    /// What scopes the topic.
    type Id: TopicId + ?Sized + 'static;

    #[doc(hidden)]
    fn __topic(self) -> Topic<M, Self::Payload, Self::Id>;
}

impl<M: EventMap, P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> TopicKey<M> for Topic<M, P, I> {
    type Payload = P;
    type Id = I;

    fn __topic(self) -> Self {
        self
    }
}

/// What every payload is. Asked where a topic's constant is made, so that the answer stands at the payload.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the payload of a topic",
    label = "not `Send + Sync + 'static`",
    note = "an event is shared by its subscribers, on whatever threads they run: its payload is `Send`, `Sync` and `'static`",
    note = "for example `Arc` instead of `Rc`, `Mutex` instead of `RefCell`, `String` instead of `&str`"
)]
pub trait Payload {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Payload for T {}

/// Called by what the derive generates, and by nothing else.
#[doc(hidden)]
#[must_use]
pub const fn topic<M, P: Payload, I: TopicId + ?Sized>(index: usize, name: &'static str) -> Topic<M, P, I> {
    Topic { index, name, types: PhantomData }
}

/// Called by what the derive of a subset generates.
#[doc(hidden)]
#[must_use]
pub const fn index<M, P, I: ?Sized>(topic: Topic<M, P, I>) -> usize {
    topic.index
}
